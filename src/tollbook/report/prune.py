"""The report of a pruning: what was deleted of each source."""

from datetime import datetime
from typing import TYPE_CHECKING

from tollbook.report.model import Column, Kind, Report, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollbook.store.prune import Pruned


def prune_report(pruned: "Sequence[Pruned]", *, before: datetime, now: datetime, zone: str) -> Report:
    """Return what was deleted: a row per source, `source`, `requests`, `events`, and totals.

    Args:
        pruned: What was deleted of each source.
        before: The moment before which nothing is kept, naive UTC.
        now: The moment of the run, naive UTC.
        zone: The zone that the moment is shown in.
    """
    return Report(
        name="prune",
        title="Deleted for their age",
        columns=(Column("source", Kind.TEXT), Column("requests", Kind.COUNT), Column("events", Kind.COUNT)),
        rows=tuple((one.source, one.requests, one.events) for one in pruned),
        totals=(None, sum(one.requests for one in pruned), sum(one.events for one in pruned)),
        generated_at=now,
        window=Window(None, before, zone),
    )
