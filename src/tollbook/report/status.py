"""What is in the store: how much, from when to when, how fresh, and what is missing in it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tollbook import queries
from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class _Account:
    """The row of `sql/status_account.sql`."""

    sources: int
    events: int
    rejects: int
    duplicates: int
    matched_by_content: int
    batches_read: int
    batches_requests: int
    batches_events: int
    batches_duplicates: int
    batches_rejected: int
    pruned_requests: int
    pruned_events: int
    pruned_before: datetime | None

    def adds_up(self, requests: int) -> bool:
        """Return whether everything read is accounted for, and the tables hold what the account says."""
        parts = self.batches_requests + self.batches_events + self.batches_duplicates + self.batches_rejected
        account = (self.batches_requests, self.batches_events, self.batches_duplicates, self.batches_rejected)
        requests, events = requests + self.pruned_requests, self.events + self.pruned_events
        return self.batches_read == parts and account == (requests, events, self.duplicates, self.rejects)


def status_report(con: "duckdb.DuckDBPyConnection", *, store: Path, now: datetime) -> Report:
    """Answer what is in the store.

    Args:
        con: A connection with the relations of `report.relations`.
        store: The store's file, for its size.
        now: What the freshness is measured from, naive UTC.

    Returns:
        One row. `requests`, `events`, `rejects`, `duplicates`, `sources`: how many; `first_request` and
        `last_request`; `freshness_s`, seconds from the last request to now; `unpriced_models`, the names of models
        with requests that have no price, and `unpriced_requests`; `unmetered_requests`, which failed before anything
        was counted; `unattributed`, requests without a team, and `unattributed_share` of all; `matched_by_content`,
        duplicates recognised by their text; `pruned_before`, the time of which nothing older is kept; `catalogues`,
        versions of the prices in use; `adds_up`, whether read = requests + events + duplicates + rejected over all
        runs, and so the tables; `store`, `store_bytes`.
    """
    [(counted, first, last, teamless, unpriced, unmetered)] = queries.run(con, "status", {})
    requests, unattributed = cast("int", counted), cast("int", teamless)
    account = _Account(*queries.run(con, "status_account", {})[0])  # type: ignore[arg-type]
    models = [name if name is not None else "(no model)" for name, _ in queries.run(con, "status_unpriced", {})]
    catalogues = [name for (name,) in queries.run(con, "status_catalogues", {})]
    adds_up = account.adds_up(requests)
    cells: dict[str, tuple[Kind, object]] = {
        "requests": (Kind.COUNT, requests),
        "events": (Kind.COUNT, account.events),
        "rejects": (Kind.COUNT, account.rejects),
        "duplicates": (Kind.COUNT, account.duplicates),
        "sources": (Kind.COUNT, account.sources),
        "first_request": (Kind.TIME, first),
        "last_request": (Kind.TIME, last),
        "freshness_s": (Kind.NUMBER, _age_s(last, now)),
        "unpriced_models": (Kind.LIST, models),
        "unpriced_requests": (Kind.COUNT, unpriced),
        "unmetered_requests": (Kind.COUNT, unmetered),
        "unattributed": (Kind.COUNT, unattributed),
        "unattributed_share": (Kind.RATIO, _share(unattributed, requests)),
        "matched_by_content": (Kind.COUNT, account.matched_by_content),
        "pruned_before": (Kind.TIME, account.pruned_before),
        "catalogues": (Kind.LIST, catalogues),
        "adds_up": (Kind.FLAG, adds_up),
        "store": (Kind.TEXT, str(store)),
        "store_bytes": (Kind.COUNT, store.stat().st_size),
    }
    return Report(
        name="status",
        title="What is in the store",
        columns=tuple(Column(name, kind) for name, (kind, _) in cells.items()),
        rows=(tuple(value for _, value in cells.values()),),
        generated_at=now,
        warnings=() if adds_up else (_NOT_ADDING_UP,),
        details={name: value for name, (_, value) in cells.items()},  # one thing is described: no row to look for
    )


_NOT_ADDING_UP = (
    "The account does not add up: the store does not hold what its runs of ingest reported. "
    "Make a new store from the logs: tollbook --store NEW ingest PATH..."
)


def _age_s(moment: object, now: datetime) -> int | None:
    return int((now - moment).total_seconds()) if isinstance(moment, datetime) else None


def _share(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001")) if whole else None
