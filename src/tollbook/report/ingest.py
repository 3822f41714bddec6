"""The report of an ingest run: what was read of each source."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import TYPE_CHECKING

from tollbook.ingest.account import Account
from tollbook.ingest.sources import printable
from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    from tollbook.ingest.batches import Outcome
    from tollbook.ingest.forget import Forgotten
    from tollbook.ingest.retry import Retried

COLUMNS = (
    Column("source", Kind.TEXT),
    Column("format", Kind.TEXT),
    Column("read", Kind.COUNT),
    Column("requests", Kind.COUNT),
    Column("events", Kind.COUNT),
    Column("duplicates", Kind.COUNT),
    Column("rejected", Kind.COUNT),
    Column("incomplete", Kind.COUNT),
    Column("error", Kind.TEXT),
)


def ingest_report(
    outcomes: "Sequence[Outcome]", account: "Account", *, now: datetime, warnings: Sequence[str] = ()
) -> Report:
    """Return the account of a run: a row per source, and totals with read = requests + events + duplicates + rejected.

    Args:
        outcomes: What became of each source.
        account: Everything that the run committed.
        now: The moment of the run, naive UTC.
        warnings: Sentences on what was not read.
    """
    rows = tuple(
        (
            printable(outcome.source),
            outcome.format,
            *astuple(outcome.account),
            outcome.incomplete,
            printable(outcome.error) if outcome.error else None,
        )
        for outcome in outcomes
    )
    incomplete = sum(outcome.incomplete for outcome in outcomes)
    return Report(
        name="ingest",
        title="Ingested: read = requests + events + duplicates + rejected",
        columns=COLUMNS,
        rows=rows,
        totals=(None, None, *astuple(account), incomplete, None),
        generated_at=now,
        warnings=tuple(map(printable, warnings)),
    )


def retry_report(retried: "Sequence[Retried]", *, now: datetime) -> Report:
    """Return what became of refused lines: a row per source, and totals.

    Returns:
        Columns `source`, `tried` (records), `requests`, `events`, `duplicates`, `rejected` (still), `error`.
    """
    total = sum((one.account for one in retried), Account())
    return Report(
        name="rejects-retry",
        title="Read again: tried = requests + events + duplicates + rejected",
        columns=(COLUMNS[0], Column("tried", Kind.COUNT), *COLUMNS[3:7], COLUMNS[8]),
        rows=tuple((one.source, *astuple(one.account), one.error) for one in retried),
        totals=(None, *astuple(total), None),
        generated_at=now,
    )


def forget_report(forgotten: "Forgotten", *, now: datetime) -> Report:
    """Return what forgetting a source changed: a row per source whose account changed, and totals.

    Returns:
        Columns `source`, `read`, `requests`, `events`, `duplicates`, `rejected`: what was added, negative where it was
        taken out. `details` has `lost`: how many records were lost with it.
    """
    changes = forgotten.changes
    total = sum((change.account for change in changes), Account())
    return Report(
        name="forget",
        title=f"Forgotten: {forgotten.source}. What changed, read = requests + events + duplicates + rejected",
        columns=(COLUMNS[0], *COLUMNS[2:7]),
        rows=tuple((change.source, *astuple(change.account)) for change in changes),
        totals=(None, *astuple(total)),
        generated_at=now,
        details={"lost": forgotten.lost},
    )
