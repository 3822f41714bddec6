"""The report of an ingest run: what was read of each source."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from typing import TYPE_CHECKING

from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    from tollbook.ingest.account import Account
    from tollbook.ingest.run import Outcome

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
        (outcome.source, outcome.format, *astuple(outcome.account), outcome.incomplete, outcome.error)
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
        warnings=tuple(warnings),
    )
