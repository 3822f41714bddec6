"""Alert rules judged at one moment: as few scans as there are different windows, filters and groupings.

Only `inactive` and `firing` are known here; what an alert was before is not remembered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from tollbook import queries
from tollbook.analysis.alerts import Reading, State, fingerprint, read_amount, read_latency, read_rate
from tollbook.config.model import Alert
from tollbook.exits import Check
from tollbook.report.checks import Labels, make_labels, make_scope
from tollbook.report.model import Column, Kind, Report, Window
from tollbook.report.scope import Condition, Dimension, Scope

if TYPE_CHECKING:
    from decimal import Decimal

    import duckdb

UNITS = {
    "error_rate": "ratio",
    "success_rate": "ratio",
    "latency": "ms",
    "cost": "USD",
    "requests": "requests",
    "tokens": "tokens",
}
_COUNTS = ("requests", "succeeded", "failed", "timed", "cost", "unpriced", "input_tokens", "output_tokens")
_SEVERITIES = {"critical": Check.CRITICAL, "warning": Check.WARNING, "info": Check.OK}
_COLUMNS = (
    Column("rule", Kind.TEXT),
    Column("scope", Kind.LIST),
    Column("severity", Kind.TEXT),
    Column("state", Kind.TEXT),
    Column("value", Kind.NUMBER, missing="no data"),
    Column("threshold", Kind.NUMBER),
    Column("unit", Kind.TEXT),
    Column("since", Kind.TIME),
    Column("fingerprint", Kind.TEXT),
)
_Counts = Mapping[str, Any]  # column of the query -> its number


@dataclass(frozen=True)
class Evaluated:
    """An alert rule, judged for one scope.

    Args:
        alert: The rule.
        labels: What it was judged for, one entry for each dimension of `alert.by`; empty when it has none,
            or when nothing was logged.
        reading: What the metric came to.
        window: What was read.
    """

    alert: Alert
    labels: Labels
    reading: Reading
    window: Window

    @property
    def state(self) -> State:
        """Whether it fires."""
        return "firing" if self.reading.fires else "inactive"

    @property
    def row(self) -> tuple[object, ...]:
        """Return the row of the report `alerts-check`."""
        named = {name: value for name, value in self.labels.items() if value is not None}
        return (
            self.alert.name,
            self.labels,
            self.alert.severity,
            self.state,
            self.reading.value,
            self.alert.bound,
            UNITS[self.alert.metric],
            self.window.until if self.reading.fires else None,
            fingerprint({"alertname": self.alert.name, **named}),
        )


@dataclass(frozen=True)
class Scan:
    """One query, and the rules that it answers."""

    scope: Scope
    alerts: tuple[Alert, ...]

    @property
    def latencies(self) -> tuple[Alert, ...]:
        """The rules on latency, in the order of their pairs of columns, counted from 1."""
        return tuple(alert for alert in self.alerts if alert.metric == "latency")

    @property
    def sql(self) -> str:
        """The query."""
        timed = "filter (where success is not false"
        latency = "".join(
            f", count(*) {timed} and latency_ms {'<' if alert.above is None else '>'} $bound_{n}) as beyond_{n}"
            f", percentile_cont($percentile_{n}) within group (order by latency_ms) {timed}) as latency_{n}"
            for n, alert in enumerate(self.latencies, start=1)
        )
        slots = {"by": self.scope.by_sql, "latency": latency, "where": self.scope.where_sql}
        return queries.fill(queries.text("alerts"), slots)

    @property
    def params(self) -> dict[str, object]:
        """The values of its parameters."""
        params = self.scope.params
        for number, alert in enumerate(self.latencies, start=1):
            params |= {f"bound_{number}": float(alert.bound), f"percentile_{number}": float(alert.quantile)}
        return params


def plan(
    alerts: Iterable[Alert],
    known: dict[str, Dimension],
    *,
    now: datetime,
    zone: str,
    conditions: Sequence[Condition] = (),
) -> tuple[Scan, ...]:
    """Return the scans that judge the rules at a moment.

    Args:
        alerts: The rules, checked.
        known: Every dimension by name.
        now: The moment, naive UTC; windows end here.
        zone: IANA name of the zone of the report.
        conditions: Further conditions on the requests that count.
    """
    scans: dict[Scope, list[Alert]] = {}
    for alert in alerts:
        window = Window(_back(now, alert.span), now, zone)
        scope = make_scope(window, alert.by, alert.where, known, conditions)
        scans.setdefault(scope, []).append(alert)
    return tuple(Scan(scope, tuple(members)) for scope, members in scans.items())


def check_alerts(
    con: "duckdb.DuckDBPyConnection",
    alerts: Sequence[Alert],
    known: dict[str, Dimension],
    *,
    now: datetime,
    zone: str,
    conditions: Sequence[Condition] = (),
) -> tuple[tuple[Evaluated, ...], tuple[str, ...]]:
    """Judge alert rules at a moment.

    A rate or a latency of nothing is no data. Nothing at all in a window is a known zero for cost, requests
    and tokens, unless the store holds no request whatever.

    Args:
        con: A connection with the relation `requests`.
        alerts: The rules, checked, each name once.
        known: Every dimension by name.
        now: The moment, naive UTC.
        zone: IANA name of the zone of the report.
        conditions: Further conditions on the requests that count.

    Returns:
        The rules judged, in their order and by label, and sentences on what a reader must know about the values.
    """
    is_empty = con.execute("select 1 from requests limit 1").fetchone() is None
    evaluated: list[Evaluated] = []
    warnings: list[str] = []
    for scan in plan(alerts, known, now=now, zone=zone, conditions=conditions):
        rows = con.execute(scan.sql, scan.params).fetchall()
        parts = list(_parts(scan, rows))
        for alert in scan.alerts:
            evaluated += [_evaluate(scan, alert, labels, counts, is_empty=is_empty) for labels, counts in parts]
            warnings += _caveats(alert, parts)
    names = [alert.name for alert in alerts]
    evaluated.sort(key=lambda one: names.index(one.alert.name))
    return tuple(evaluated), tuple(warnings)


def outcome(evaluated: Sequence[Evaluated], *, no_data: Check = Check.UNKNOWN) -> Check:
    """Return what a check of alerts comes to: the worst of what fires, and of `no_data` where a rule could not judge.

    Quiet is not well: with logs that stopped an hour ago no rule fires, and somebody has to know.
    """
    states = [_SEVERITIES[one.alert.severity] for one in evaluated if one.reading.fires]
    return Check.worst([*states, *(no_data for one in evaluated if one.reading.value is None)])


def alerts_report(
    evaluated: Sequence[Evaluated], *, now: datetime, conditions: Sequence[Condition] = (), warnings: Sequence[str] = ()
) -> Report:
    """Return the report `alerts-check`; its window is the one that all rules share, if they do."""
    windows = {one.window for one in evaluated}
    return Report(
        name="alerts-check",
        title="Alerts",
        columns=_COLUMNS,
        rows=tuple(one.row for one in evaluated),
        generated_at=now,
        window=windows.pop() if len(windows) == 1 else None,
        timezone=evaluated[0].window.timezone if evaluated else "UTC",
        filters=Scope(Window(None, None), where=tuple(conditions)).filters,
        warnings=tuple(warnings),
        details={"transitions": []},
    )


def alerts_list(alerts: Iterable[Alert], *, now: datetime) -> Report:
    """Return the report `alerts-list`: the rules as they are written."""
    columns = [Column(name, Kind.TEXT) for name in ("rule", "metric", "above", "below", "window", "severity", "for")]
    return Report(
        name="alerts-list",
        title="Alert rules",
        columns=(*columns, Column("where", Kind.LIST), Column("by", Kind.LIST)),
        rows=tuple(
            (
                alert.name,
                metric_name(alert),
                *(None if bound is None else str(bound) for bound in (alert.above, alert.below)),
                alert.window,
                alert.severity,
                alert.hold,
                dict(alert.where) or None,
                list(alert.by) or None,
            )
            for alert in alerts
        ),
        generated_at=now,
    )


def metric_name(alert: Alert) -> str:
    """Return what a rule reads, with its percentile: `latency p99`."""
    return f"latency p{(alert.quantile * 100).normalize():f}" if alert.metric == "latency" else alert.metric


def _back(now: datetime, span: timedelta) -> datetime:
    return now - span if now - datetime.min > span else datetime.min


def _parts(scan: Scan, rows: Sequence[tuple[object, ...]]) -> Iterator[tuple[dict[str, str | None], _Counts]]:
    """Yield labels and counts of each group; of an empty window one group without labels, where all is 0."""
    keys = len(scan.scope.by)
    names = [*_COUNTS]
    for number, _ in enumerate(scan.latencies, start=1):
        names += [f"beyond_{number}", f"latency_{number}"]
    parts = [(make_labels(scan.scope.by, row[:keys]), dict(zip(names, row[keys:], strict=True))) for row in rows]
    parts.sort(key=lambda part: [(value is None, value or "") for value in part[0].values()])
    yield from parts or [({}, dict.fromkeys(names, 0))]


def _evaluate(scan: Scan, alert: Alert, labels: dict[str, str | None], counts: _Counts, *, is_empty: bool) -> Evaluated:
    above, bound = alert.above is not None, alert.bound
    known = counts["succeeded"] + counts["failed"]
    match alert.metric:
        case "error_rate":
            reading = read_rate(counts["failed"], known, bound, above=above)
        case "success_rate":
            reading = read_rate(counts["succeeded"], known, bound, above=above)
        case "latency":
            number = next(n for n, member in enumerate(scan.latencies, start=1) if member is alert)
            beyond, shown_ms = counts[f"beyond_{number}"], counts[f"latency_{number}"]
            reading = read_latency(beyond, counts["timed"], alert.quantile, shown_ms, above=above)
        case metric:
            reading = read_amount(None if is_empty else _amount(metric, counts), bound, above=above)
    return Evaluated(alert, labels, reading, scan.scope.window)


def _amount(metric: Literal["cost", "requests", "tokens"], counts: _Counts) -> "Decimal | int | None":
    """Return a sum or a count; of no requests it is 0, of requests that all keep it unknown it is None."""
    if not counts["requests"]:
        return 0
    if metric == "tokens":
        known = [part for part in (counts["input_tokens"], counts["output_tokens"]) if part is not None]
        return sum(known) if known else None
    amount: Decimal | int | None = counts[metric]
    return amount


def _caveats(alert: Alert, parts: Iterable[tuple[object, _Counts]]) -> Iterator[str]:
    counts = [count for _, count in parts]
    unpriced = sum(count["unpriced"] for count in counts)
    if alert.metric == "cost" and unpriced:
        are = "request has" if unpriced == 1 else "requests have"
        yield f"{alert.name}: {unpriced:,} {are} no price, so the cost is at least what is shown."
    unknown = sum(count["requests"] - count["succeeded"] - count["failed"] for count in counts)
    if alert.metric in {"error_rate", "success_rate"} and unknown:
        are = "request states no outcome and does" if unknown == 1 else "requests state no outcome and do"
        yield f"{alert.name}: {unknown:,} {are} not count."
    if alert.hold_span:
        yield f"{alert.name}: judged at one moment, so that for = {alert.hold!r} plays no part."
