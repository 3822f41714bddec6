"""The report `latency`: how long requests take."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, cast

from tollbook import queries
from tollbook.report.model import Column, Kind, Report
from tollbook.report.scope import Scope
from tollbook.report.totals import by_keys, by_words, total_count

if TYPE_CHECKING:
    import duckdb

_COLUMNS = (
    Column("requests", Kind.COUNT),
    Column("errors", Kind.COUNT),
    *(Column(name, Kind.MS) for name in ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms")),
)


def latency_report(
    con: "duckdb.DuckDBPyConnection", scope: Scope, *, now: datetime, include_failures: bool = False
) -> Report:
    """Return the latency of requests by dimension.

    Percentiles are exact, with linear interpolation, over the requests that did not fail (an outcome that the
    log does not state is no failure) and whose latency is known. Percentiles of groups do not add up to those
    of the whole, so the totals have them only when there are no groups.

    Args:
        con: A connection with the relation `requests`.
        scope: Window, grouping, conditions.
        now: The moment of the report, naive UTC.
        include_failures: Measure the requests that failed, too.

    Returns:
        The `by` keys, `requests`, `errors`, `p50_ms`, `p90_ms`, `p95_ms`, `p99_ms`, `max_ms`, `mean_ms`.
    """
    params = {**scope.params, "failures": include_failures}
    found = queries.run(con, "latency_duckdb", params, by=scope.by_sql, where=scope.where_sql)
    keys = len(scope.by)
    rows = []
    measured_rows: list[tuple[int, float]] = []
    for *key, requests, errors, measured, percentiles, longest, mean in by_keys(found, keys):
        if not requests:  # without groups, a query over nothing still returns a row
            continue
        shown = (dimension.show(value) for dimension, value in zip(scope.by, key, strict=True))
        rows.append((*shown, requests, errors, *cast("list[float]", percentiles or [None] * 4), longest, mean))
        if measured:
            measured_rows.append((cast("int", measured), cast("float", mean)))
    counts = (total_count(row[keys] for row in rows) or 0, total_count(row[keys + 1] for row in rows) or 0)
    if rows and not keys:
        totals = rows[0]
    else:
        longest = max((cast("float", row[-2]) for row in rows if row[-2] is not None), default=None)
        totals = (*(None,) * keys, *counts, None, None, None, None, longest, _mean(measured_rows))
    return Report(
        name="latency",
        title=f"Latency{by_words(scope)}, {'all requests' if include_failures else 'failed requests left out'}",
        columns=(*(dimension.as_column() for dimension in scope.by), *_COLUMNS),
        rows=tuple(rows),
        totals=totals,
        generated_at=now,
        window=scope.window,
        by=tuple(dimension.name for dimension in scope.by),
        filters=scope.filters,
        warnings=_warnings(counts, sum(count for count, _ in measured_rows), include_failures=include_failures),
    )


def _mean(measured: list[tuple[int, float]]) -> float | None:
    count = sum(count for count, _ in measured)
    return math.fsum(count * mean for count, mean in measured) / count if count else None


def _warnings(counts: tuple[int, int], measured: int, *, include_failures: bool) -> tuple[str, ...]:
    requests, errors = counts
    eligible = requests if include_failures else requests - errors
    if measured >= eligible:
        return ()
    return (f"{eligible - measured:,} of {eligible:,} requests have no latency in the log and are not measured.",)
