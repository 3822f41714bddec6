"""The report `latency`, against values worked out by hand."""

from collections.abc import Callable
from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbook import queries
from tollbook.report.latency import latency_report
from tollbook.report.model import Window
from tollbook.report.scope import Scope, dimensions, parse_by, parse_where

T = datetime(2026, 10, 1)
ALL = Scope(Window(None, None))
# requests, errors, p50, p90, p95, p99, max, mean
ROWS = [
    *({"time": T, "team": "noc", "latency_ms": ms, "success": True} for ms in (100.0, 200.0, 300.0, 400.0)),
    {"time": T, "team": "noc", "latency_ms": 9000.0, "success": False},
    {"time": T, "team": "noc", "latency_ms": None, "success": True},
    {"time": T, "team": None, "latency_ms": 50.0, "success": None},
]


def by(*names: str) -> Scope:
    return Scope(Window(None, None), by=parse_by(names, dimensions()))


def test_percentiles_interpolate_over_what_did_not_fail(open_with: Callable):
    report = latency_report(open_with(ROWS), by("team"), now=T)
    assert [column.name for column in report.columns] == [
        "team", "requests", "errors", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms",
    ]  # fmt: skip
    noc, unattributed = report.rows
    # position 1 + 0.9 * 3 = 3.7 of 100 200 300 400 is 370, and so on
    assert noc == ("noc", 6, 1, 250.0, pytest.approx(370), pytest.approx(385), pytest.approx(397), 400.0, 250.0)
    assert unattributed == (None, 1, 0, 50.0, 50.0, 50.0, 50.0, 50.0, 50.0)


def test_totals_of_groups_have_no_percentiles_but_count_weighted_means(open_with: Callable):
    report = latency_report(open_with(ROWS), by("team"), now=T)
    assert report.totals == (None, 7, 1, None, None, None, None, 400.0, 210.0)


def test_without_groups_the_totals_are_the_row(open_with: Callable):
    report = latency_report(open_with(ROWS), ALL, now=T)
    assert report.rows == (report.totals,)
    assert report.totals[:3] == (7, 1, 200.0)


def test_failures_are_measured_when_asked_for(open_with: Callable):
    report = latency_report(open_with(ROWS), ALL, now=T, include_failures=True)
    assert report.totals[2] == 250.0  # of 50 100 200 300 400 9000
    assert report.totals[-2] == 9000.0


def test_requests_without_a_latency_are_pointed_out(open_with: Callable):
    report = latency_report(open_with(ROWS), ALL, now=T)
    assert report.warnings == ("1 of 6 requests have no latency in the log and are not measured.",)


def test_nothing_found_is_no_row_and_totals_of_zero(open_with: Callable):
    later = Scope(Window(T + timedelta(days=1), None))
    report = latency_report(open_with(ROWS), later, now=T)
    assert report.rows == ()
    assert report.totals == (0, 0, None, None, None, None, None, None)
    assert report.warnings == ()


def test_windows_are_half_open_and_conditions_hold(open_with: Callable):
    con = open_with([{"time": T + timedelta(hours=hours), "latency_ms": 1.0, "team": "a"} for hours in range(4)])
    scope = Scope(Window(T + timedelta(hours=1), T + timedelta(hours=3)), where=parse_where(["team=a"], dimensions()))
    assert latency_report(con, scope, now=T).totals[0] == 2
    other = Scope(Window(None, None), where=parse_where(["team!=a"], dimensions()))
    assert latency_report(con, other, now=T).rows == ()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.none() | st.floats(0, 1e9), st.none() | st.booleans()), max_size=20), st.booleans())
def test_the_portable_query_and_the_fast_one_agree(measured: list[tuple[float | None, bool | None]], failures: bool):
    con = duckdb.connect()
    values = ", ".join(f"({ms or 'NULL'}::DOUBLE, {ok if ok is not None else 'NULL'}::BOOLEAN)" for ms, ok in measured)
    con.execute(
        "CREATE OR REPLACE VIEW requests AS SELECT *, TIMESTAMP '2026-10-01' AS time FROM (VALUES "
        f"{values or '(NULL::DOUBLE, NULL::BOOLEAN)'}) t(latency_ms, success)"
    )
    params = {**ALL.params, "failures": failures}
    ((*counts, p50, p90, p95, p99, longest, mean),) = queries.run(con, "latency", params)
    ((*fast_counts, percentiles, fast_longest, fast_mean),) = queries.run(con, "latency_duckdb", params)
    assert (counts, longest) == (fast_counts, fast_longest)
    assert ([p50, p90, p95, p99] if percentiles else [p50, p90]) == (percentiles or [None, None])
    assert mean == (None if fast_mean is None else pytest.approx(fast_mean))
    if percentiles:
        assert percentiles == sorted(percentiles)
