"""Objectives over a store, against counts made by hand."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tollbook import queries
from tollbook.config.defaults import SLOS
from tollbook.config.model import Slo
from tollbook.exits import Check
from tollbook.report.model import Window
from tollbook.report.scope import dimensions, parse_where
from tollbook.report.slo import Judged, check_slos, outcome, plan, slo_report

NOW = datetime(2026, 10, 17, 12)
KNOWN = dimensions()


def requests(count: int, **columns: object) -> list[dict[str, object]]:
    return [{"time": NOW - timedelta(hours=1), "success": True, "latency_ms": 1000.0, **columns} for _ in range(count)]


def judge(con: object, slos: Iterable[Slo], zone: str = "UTC", where: str | None = None) -> tuple[Judged, ...]:
    conditions = parse_where([where] if where else [], KNOWN)
    return check_slos(con, list(slos), KNOWN, now=NOW, zone=zone, conditions=conditions)[0]


def numbers(judged: Iterable[Judged]) -> list[tuple[str, int, int, str]]:
    return [(one.slo.name, one.good, one.bad, one.verdict.status) for one in judged]


def success(**keys: object) -> Slo:
    return Slo(**{"name": "S", "objective": "99%", "window": "30d", **keys})


def latency(threshold: str, objective: str = "99%") -> Slo:
    return Slo(name="L", sli="latency", objective=objective, threshold=threshold, window="30d")


def test_the_defaults_are_judged_in_one_scan(open_with: Callable):
    rows = requests(98) + requests(1, success=False, latency_ms=9000.0) + requests(1, latency_ms=2000.0)
    con = open_with(rows)
    assert numbers(judge(con, SLOS)) == [
        ("Success rate", 99, 1, "ok"),
        ("P99 latency", 98, 1, "breach"),
        ("Error rate", 99, 1, "breach"),
    ]
    assert len(plan(SLOS, KNOWN, now=NOW, zone="UTC")) == 1


@pytest.mark.parametrize(
    ("fast", "slow", "slow_ms", "expected"),
    [
        (99, 1, 200_000.0, (99, 1, "ok")),  # the interpolated p99 is 2.99 s: a wrong miss
        (49, 1, 5000.0, (49, 1, "breach")),
        (0, 100, 2000.0, (0, 100, "breach")),  # at the threshold is not below it
    ],
)
def test_latency_is_decided_by_the_share_of_faster_requests(open_with: Callable, fast, slow, slow_ms, expected):
    (one,) = judge(open_with(requests(fast) + requests(slow, latency_ms=slow_ms)), [latency("2s")])
    assert (one.good, one.bad, one.verdict.status) == expected


@pytest.mark.parametrize("name", ["slo", "alerts"])
def test_the_query_is_complete_as_it_stands(open_with: Callable, name: str):
    rows = queries.run(open_with(requests(2)), name, {"since": NOW - timedelta(days=1), "until": NOW})
    assert [row[:4] for row in rows] == [(2, 2, 0, 2)]


def test_several_thresholds_share_a_scan(open_with: Callable):
    rows = [{"time": NOW - timedelta(hours=1), "latency_ms": float(ms)} for ms in (100, 300, 500, 700)]
    slos = [latency("600ms"), Slo(name="M", sli="latency", objective="50%", threshold="200ms", window="30d")]
    assert numbers(judge(open_with(rows), slos)) == [("L", 3, 1, "breach"), ("M", 1, 3, "breach")]


def test_a_window_is_half_open(open_with: Callable):
    times = [NOW - timedelta(days=30, microseconds=1), NOW - timedelta(days=30), NOW - timedelta(microseconds=1), NOW]
    con = open_with([{"time": time, "success": True} for time in times])
    (one,) = judge(con, [success()])
    assert (one.good, one.window) == (2, Window(NOW - timedelta(days=30), NOW, "UTC"))


def test_a_calendar_month_begins_where_the_zone_says(open_with: Callable):
    first = datetime(2026, 10, 1, 4)  # midnight in New York
    con = open_with([{"time": first - timedelta(seconds=1), "success": False}, {"time": first, "success": True}])
    slos = [success(window=None, calendar="month")]
    assert numbers(judge(con, slos, zone="America/New_York")) == [("S", 1, 0, "ok")]
    assert numbers(judge(con, slos)) == [("S", 1, 1, "breach")]


def test_an_unknown_outcome_counts_for_neither_side_and_is_said(open_with: Callable):
    con = open_with(requests(2) + requests(3, success=None, latency_ms=None))
    judged, warnings = check_slos(con, SLOS, KNOWN, now=NOW, zone="UTC")
    assert [(one.good, one.bad) for one in judged] == [(2, 0), (2, 0), (2, 0)]
    assert warnings == (
        "3 requests state no outcome and count for neither side of: Success rate, Error rate.",
        "3 requests did not fail but have no latency and count for neither side of: P99 latency.",
    )


def test_where_and_by_narrow_and_split(open_with: Callable):
    rows = (
        requests(3, team="noc", environment="production")
        + requests(1, team="noc", environment="production", success=False)
        + requests(2, team=None, environment="production")
        + requests(9, team="noc", environment="test", success=False)
        + requests(1, team="automation", environment="production")
    )
    con = open_with(rows)
    slo = success(where={"environment": "production"}, by=("team",))
    judged = judge(con, [slo])
    assert [(one.labels, one.good, one.bad) for one in judged] == [
        ({"team": "automation"}, 1, 0),
        ({"team": "noc"}, 3, 1),
        ({"team": None}, 2, 0),
    ]
    assert [(one.labels, one.good) for one in judge(con, [slo], where="team=noc")] == [({"team": "noc"}, 3)]
    assert numbers(judge(con, [success(where={"team": ""})])) == [("S", 2, 0, "ok")]


@pytest.mark.parametrize("by", [(), ("team",)])
def test_an_empty_window_is_no_data(open_with: Callable, by):
    (one,) = judge(open_with([]), [success(by=by)])
    assert (one.labels, one.good, one.bad, one.verdict.status) == ({}, 0, 0, "no_data")


def test_objectives_stay_in_their_order_whatever_their_windows(open_with: Callable):
    slos = [success(name="a"), success(name="b", window="7d"), success(name="c")]
    assert [one.slo.name for one in judge(open_with(requests(1)), slos)] == ["a", "b", "c"]


def test_a_miss_is_critical_and_silence_is_unknown(open_with: Callable):
    con = open_with(requests(1, success=False, latency_ms=None))
    judged = judge(con, [success(), latency("2s")])
    assert [one.verdict.status for one in judged] == ["breach", "no_data"]
    assert outcome(judged) is Check.CRITICAL
    silent = [one for one in judged if one.verdict.status == "no_data"]
    assert outcome(silent) is Check.UNKNOWN
    assert outcome(silent, no_data=Check.OK) is Check.OK


def test_silence_beside_a_kept_objective_is_unknown(open_with: Callable):
    judged = judge(open_with(requests(1, latency_ms=None)), [success(), latency("2s")])
    assert [one.verdict.status for one in judged] == ["ok", "no_data"]
    assert outcome(judged) is Check.UNKNOWN
    assert outcome(judged, no_data=Check.OK) is Check.OK


def test_the_report_has_the_columns_of_the_contract(open_with: Callable):
    report = slo_report(judge(open_with(requests(99) + requests(1, success=False)), [success(by=("team",))]), now=NOW)
    assert dict(zip([column.name for column in report.columns], report.rows[0], strict=True)) == {
        "name": "S",
        "scope": {"team": None},
        "objective": Decimal("0.99"),
        "window": "30d",
        "since": NOW - timedelta(days=30),
        "until": NOW,
        "good": 99,
        "bad": 1,
        "total": 100,
        "attained": Decimal("0.99"),
        "status": "ok",
        "budget_remaining": Decimal(0),
        "burn": [],
    }
    assert report.window == Window(NOW - timedelta(days=30), NOW, "UTC")
