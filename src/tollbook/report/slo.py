"""Objectives judged over their windows: as few scans as there are different windows, filters and groupings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from tollbook import queries
from tollbook.analysis.slo import Verdict, calendar_period, judge
from tollbook.config.model import Slo
from tollbook.exits import Check
from tollbook.report.checks import Labels, make_labels, make_scope
from tollbook.report.model import Column, Kind, Report, Window
from tollbook.report.scope import Condition, Dimension, Scope

if TYPE_CHECKING:
    import duckdb

_COLUMNS = (
    Column("name", Kind.TEXT),
    Column("scope", Kind.LIST),
    Column("objective", Kind.RATIO),
    Column("window", Kind.TEXT),
    Column("since", Kind.TIME),
    Column("until", Kind.TIME),
    Column("good", Kind.COUNT),
    Column("bad", Kind.COUNT),
    Column("total", Kind.COUNT),
    Column("attained", Kind.RATIO),
    Column("status", Kind.TEXT),
    Column("budget_remaining", Kind.RATIO),
    Column("burn", Kind.LIST),
)


@dataclass(frozen=True)
class Judged:
    """An objective, judged for one scope.

    Args:
        slo: The objective.
        labels: What the counts are about, one entry for each dimension of `slo.by`; empty when it has none,
            or when nothing was logged.
        window: What was counted.
        good: Requests that kept the promise.
        bad: Requests that broke it.
        verdict: What that comes to.
    """

    slo: Slo
    labels: Labels
    window: Window
    good: int
    bad: int
    verdict: Verdict

    @property
    def row(self) -> tuple[object, ...]:
        """Return the row of the report `slo-check`."""
        return (
            self.slo.name,
            self.labels,
            self.slo.target,
            self.slo.window or self.slo.calendar,
            self.window.since,
            self.window.until,
            self.good,
            self.bad,
            self.good + self.bad,
            self.verdict.attained,
            self.verdict.status,
            self.verdict.budget_remaining,
            [],  # burn rates
        )


@dataclass(frozen=True)
class Scan:
    """One query, and the objectives that it answers."""

    scope: Scope
    slos: tuple[Slo, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The different latency thresholds, in milliseconds."""
        return tuple(dict.fromkeys(slo.threshold_ms for slo in self.slos if slo.threshold_ms is not None))

    @property
    def sql(self) -> str:
        """The query."""
        faster = "".join(
            f", count(*) filter (where success is not false and latency_ms < $threshold_{number}) as faster_{number}"
            for number, _ in enumerate(self.thresholds, start=1)
        )
        slots = {"by": self.scope.by_sql, "faster": faster, "where": self.scope.where_sql}
        return queries.fill(queries.text("slo"), slots)

    @property
    def params(self) -> dict[str, object]:
        """The values of its parameters."""
        limits = {f"threshold_{number}": limit for number, limit in enumerate(self.thresholds, start=1)}
        return {**self.scope.params, **limits}


def plan(
    slos: Iterable[Slo],
    known: dict[str, Dimension],
    *,
    now: datetime,
    zone: str,
    conditions: Sequence[Condition] = (),
) -> tuple[Scan, ...]:
    """Return the scans that judge the objectives at a moment.

    Args:
        slos: The objectives, checked.
        known: Every dimension by name.
        now: The moment, naive UTC; windows end here.
        zone: IANA name of the zone that calendar windows begin in.
        conditions: Further conditions on the requests that count.
    """
    scans: dict[Scope, list[Slo]] = {}
    for slo in slos:
        window = Window(window_of(slo, now=now, zone=zone)[0], now, zone)
        scope = make_scope(window, slo.by, slo.where, known, conditions)
        scans.setdefault(scope, []).append(slo)
    return tuple(Scan(scope, tuple(members)) for scope, members in scans.items())


def window_of(slo: Slo, *, now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return when an objective's window began and when it ends, naive UTC; a rolling one ends now."""
    if slo.calendar is not None:
        return calendar_period(slo.calendar, now, zone)
    length = slo.rolling or timedelta()  # a checked objective has one of the two
    return (now - length if now - datetime.min > length else datetime.min), now


def check_slos(
    con: "duckdb.DuckDBPyConnection",
    slos: Sequence[Slo],
    known: dict[str, Dimension],
    *,
    now: datetime,
    zone: str,
    conditions: Sequence[Condition] = (),
) -> tuple[tuple[Judged, ...], tuple[str, ...]]:
    """Judge objectives at a moment.

    Args:
        con: A connection with the relation `requests`.
        slos: The objectives, checked, each name once.
        known: Every dimension by name.
        now: The moment, naive UTC.
        zone: IANA name of the zone that calendar windows begin in.
        conditions: Further conditions on the requests that count.

    Returns:
        The objectives judged, in their order and by label, and sentences on requests that count for neither side.
    """
    judged: list[Judged] = []
    warnings: list[str] = []
    for scan in plan(slos, known, now=now, zone=zone, conditions=conditions):
        rows = con.execute(scan.sql, scan.params).fetchall()
        judged += [one for slo in scan.slos for one in _judge_slo(scan, slo, rows)]
        warnings += _uncounted(scan, rows)
    names = [slo.name for slo in slos]
    judged.sort(key=lambda one: names.index(one.slo.name))
    return tuple(judged), tuple(warnings)


def outcome(judged: Iterable[Judged], *, no_data: Check = Check.UNKNOWN) -> Check:
    """Return what a check of objectives comes to, the worst of: CRITICAL for one missed, `no_data` for a silent one."""
    states = {"breach": Check.CRITICAL, "no_data": no_data}
    return Check.worst([states.get(one.verdict.status, Check.OK) for one in judged])


def slo_report(
    judged: Sequence[Judged], *, now: datetime, conditions: Sequence[Condition] = (), warnings: Sequence[str] = ()
) -> Report:
    """Return the report `slo-check`; its window is the one that all objectives share, if they do."""
    windows = {one.window for one in judged}
    return Report(
        name="slo-check",
        title="Service level objectives",
        columns=_COLUMNS,
        rows=tuple(one.row for one in judged),
        generated_at=now,
        window=windows.pop() if len(windows) == 1 else None,
        timezone=judged[0].window.timezone if judged else "UTC",
        filters=Scope(Window(None, None), where=tuple(conditions)).filters,
        warnings=tuple(warnings),
    )


def slo_list(slos: Iterable[Slo], *, now: datetime) -> Report:
    """Return the report `slo-list`: the objectives as they are written."""
    columns = [Column(name, Kind.TEXT) for name in ("name", "sli", "objective", "threshold", "window")]
    return Report(
        name="slo-list",
        title="Service level objectives",
        columns=(*columns, Column("where", Kind.LIST), Column("by", Kind.LIST)),
        rows=tuple(
            (
                s.name,
                s.sli,
                str(s.objective),
                s.threshold,
                s.window or s.calendar,
                dict(s.where) or None,
                list(s.by) or None,
            )
            for s in slos
        ),
        generated_at=now,
    )


def _judge_slo(scan: Scan, slo: Slo, rows: Sequence[tuple[object, ...]]) -> Iterator[Judged]:
    keys = len(scan.scope.by)
    parts = [
        (make_labels(scan.scope.by, row[:keys]), *_good_and_bad(scan, slo, cast("tuple[int, ...]", row[keys:])))
        for row in rows
    ]
    parts.sort(key=lambda part: [(value is None, value or "") for value in part[0].values()])
    for labels, good, bad in parts or [({}, 0, 0)]:
        yield Judged(slo, labels, scan.scope.window, good, bad, judge(slo.sli, slo.target, good, bad))


def _good_and_bad(scan: Scan, slo: Slo, counts: tuple[int, ...]) -> tuple[int, int]:
    _, succeeded, failed, timed, *faster = counts
    if slo.threshold_ms is None:
        return succeeded, failed
    good = faster[scan.thresholds.index(slo.threshold_ms)]
    return good, timed - good


def _uncounted(scan: Scan, rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    keys = len(scan.scope.by)
    counts = [cast("tuple[int, ...]", row[keys : keys + 4]) for row in rows]
    missing = {
        "state no outcome": sum(requests - succeeded - failed for requests, succeeded, failed, _ in counts),
        "did not fail but have no latency": sum(requests - failed - timed for requests, _, failed, timed in counts),
    }
    for (what, number), timed in zip(missing.items(), (False, True), strict=True):
        names = [slo.name for slo in scan.slos if (slo.sli == "latency") is timed]
        if number and names:
            yield f"{number:,} requests {what} and count for neither side of: {', '.join(names)}."
