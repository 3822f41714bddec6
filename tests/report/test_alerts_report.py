"""Alert rules over a store, against values made by hand."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tollbook.analysis.alerts import fingerprint
from tollbook.config.defaults import ALERTS
from tollbook.config.model import Alert
from tollbook.exits import Check
from tollbook.report.alerts import Evaluated, alerts_report, check_alerts, outcome, plan
from tollbook.report.scope import dimensions

NOW = datetime(2026, 10, 17, 12)
KNOWN = dimensions()
CHEAP, DEAR = Decimal("0.8"), Decimal("2.9")


def requests(count: int, **columns: object) -> list[dict[str, object]]:
    return [{"time": NOW - timedelta(minutes=30), "success": True, **columns} for _ in range(count)]


def check(con: object, alerts: Iterable[Alert] = ALERTS) -> tuple[Evaluated, ...]:
    return check_alerts(con, list(alerts), KNOWN, now=NOW, zone="UTC")[0]


def values(evaluated: Iterable[Evaluated]) -> list[tuple[object, str]]:
    return [(one.reading.value, one.state) for one in evaluated]


def alert(metric: str, **keys: object) -> Alert:
    return Alert(**{"name": "A", "metric": metric, **keys})


def test_at_their_bounds_the_defaults_are_silent(open_with: Callable):
    rows = (
        requests(5, success=False, computed_cost=Decimal(0))
        + requests(1, latency_ms=3001.0, computed_cost=Decimal(0))
        + requests(60, latency_ms=3000.0, computed_cost=CHEAP)
        + requests(34, latency_ms=100.0, computed_cost=Decimal(0))
        + requests(5, success=None, latency_ms=100.0, computed_cost=Decimal(0))
    )  # 5 of 100 known outcomes failed, 1 of 100 that did not fail took more than 3 s, 60 x $0.80 is $48
    found = check(open_with(rows))
    assert [one.state for one in found] == ["inactive"] * 4
    error_rate, p99, cost, success_rate = (one.reading.value for one in found)
    assert (error_rate, cost, success_rate) == (Decimal("0.05"), 48, Decimal("0.95"))
    assert p99 == pytest.approx(Decimal("3000.01"))  # between the 99th and the 100th: above the bound, and yet
    assert outcome(found) is Check.OK


def test_one_more_of_each_and_all_of_them_fire(open_with: Callable):
    rows = (
        requests(6, success=False, computed_cost=Decimal(0))
        + requests(2, latency_ms=3001.0, computed_cost=Decimal(0))
        + requests(59, latency_ms=3000.0, computed_cost=CHEAP)
        + requests(1, latency_ms=3000.0, computed_cost=DEAR)
        + requests(33, latency_ms=100.0, computed_cost=Decimal(0))
        + requests(5, success=None, latency_ms=100.0, computed_cost=Decimal(0))
    )
    found = check(open_with(rows))
    assert [one.state for one in found] == ["firing"] * 4
    assert found[2].reading.value == Decimal("50.1")
    assert outcome(found) is Check.CRITICAL
    assert outcome(found[1:3]) is Check.WARNING
    assert outcome([replace(one, alert=replace(one.alert, severity="info")) for one in found]) is Check.OK


def test_rules_that_share_a_window_share_a_scan():
    assert len(plan(ALERTS, KNOWN, now=NOW, zone="UTC")) == 1
    assert len(plan([alert("cost", above=1), alert("cost", above=1, window="2h")], KNOWN, now=NOW, zone="UTC")) == 2


def test_a_latency_shows_the_interpolated_percentile_but_counts(open_with: Callable):
    con = open_with(requests(99, latency_ms=1000.0) + requests(1, latency_ms=200_000.0))
    (one,) = check(con, [alert("latency", above="2s")])
    assert one.reading.value == pytest.approx(Decimal(2990))  # 1000 + 0.01 x 199000
    assert one.state == "inactive"
    (median,) = check(con, [alert("latency", above="999ms", percentile="p50")])
    assert (median.reading.value, median.state) == (1000, "firing")


def test_two_latency_rules_do_not_mix_their_numbers(open_with: Callable):
    con = open_with(requests(50, latency_ms=100.0) + requests(50, latency_ms=300.0))
    rules = [alert("latency", above="200ms", percentile=90), alert("latency", name="B", below="200ms", percentile=40)]
    assert values(check(con, rules)) == [(300, "firing"), (100, "firing")]


def test_an_empty_store_is_no_data_for_every_rule(open_with: Callable):
    rules = [*ALERTS, alert("requests", name="R", below=1), alert("tokens", name="T", below=1)]
    found = check(open_with([]), rules)
    assert values(found) == [(None, "inactive")] * 6
    assert outcome(found) is Check.UNKNOWN
    assert outcome(found, no_data=Check.OK) is Check.OK


@pytest.mark.parametrize("by", [(), ("team",)])
def test_a_quiet_hour_of_a_store_in_use_is_a_known_zero(open_with: Callable, by):
    con = open_with(requests(1, time=NOW - timedelta(days=1)))
    rules = [*ALERTS, alert("requests", name="R", below=1), alert("tokens", name="T", above=1)]
    found = check(con, [replace(rule, by=by) for rule in rules])
    assert values(found) == [
        (None, "inactive"),
        (None, "inactive"),
        (0, "inactive"),
        (None, "inactive"),
        (0, "firing"),
        (0, "inactive"),
    ]
    assert outcome(found) is Check.WARNING


def test_an_hour_of_a_store_in_use_that_nothing_was_logged_in_is_unknown_not_ok(open_with: Callable):
    found = check(open_with(requests(1, time=NOW - timedelta(days=1))), ALERTS)
    assert values(found) == [(None, "inactive"), (None, "inactive"), (0, "inactive"), (None, "inactive")]
    assert outcome(found) is Check.UNKNOWN
    assert outcome(found, no_data=Check.OK) is Check.OK
    assert outcome(found[2:3]) is Check.OK  # that nothing was spent is known


def test_unpriced_requests_make_a_cost_a_lower_bound(open_with: Callable):
    rows = (
        requests(2, computed_cost=CHEAP)
        + requests(3, input_tokens=10)
        + requests(4, success=False)  # failed before any token: costs nothing that is unknown
    )
    found, warnings = check_alerts(open_with(rows), [alert("cost", above="$1")], KNOWN, now=NOW, zone="UTC")
    assert values(found) == [(Decimal("1.6"), "firing")]
    assert warnings == ("A: 3 requests have no price, so the cost is at least what is shown.",)


def test_one_request_is_not_several(open_with: Callable):
    rules = [alert("cost", above="$1"), alert("error_rate", name="B", above=0)]
    rows = requests(1, computed_cost=CHEAP) + requests(1, input_tokens=1, success=None)
    assert check_alerts(open_with(rows), rules, KNOWN, now=NOW, zone="UTC")[1] == (
        "A: 1 request has no price, so the cost is at least what is shown.",
        "B: 1 request states no outcome and does not count.",
    )


def test_a_cost_of_which_nothing_is_known_is_no_data(open_with: Callable):
    assert values(check(open_with(requests(3, input_tokens=1)), [alert("cost", below=1)])) == [(None, "inactive")]


def test_tokens_are_input_and_output_of_what_is_known(open_with: Callable):
    rows = [*requests(2, input_tokens=10, output_tokens=5), *requests(1, input_tokens=7), *requests(1)]
    assert values(check(open_with(rows), [alert("tokens", above=36)])) == [(37, "firing")]


def test_tokens_of_which_nothing_is_known_are_no_data(open_with: Callable):
    assert values(check(open_with(requests(1)), [alert("tokens", below=36)])) == [(None, "inactive")]


def test_unknown_outcomes_count_for_neither_side(open_with: Callable):
    con = open_with(requests(1, success=False) + requests(1) + requests(8, success=None))
    assert values(check(con, [alert("error_rate", above="49%")])) == [(Decimal("0.5"), "firing")]


def test_by_judges_each_value_on_its_own(open_with: Callable):
    con = open_with(requests(3, team="noc") + requests(5, team="security") + requests(9, team=None))
    rule = alert("requests", above=4, by=("team",), severity="critical")
    found = check(con, [rule])
    assert [(one.labels["team"], one.reading.value, one.state) for one in found] == [
        ("noc", 3, "inactive"),
        ("security", 5, "firing"),
        (None, 9, "firing"),
    ]
    report = alerts_report(found, now=NOW)
    assert dict(zip([column.name for column in report.columns], report.rows[1], strict=True)) == {
        "rule": "A",
        "scope": {"team": "security"},
        "severity": "critical",
        "state": "firing",
        "value": 5,
        "threshold": Decimal(4),
        "unit": "requests",
        "since": NOW,
        "fingerprint": fingerprint({"alertname": "A", "team": "security"}),
    }
    assert report.rows[0][7] is None
    assert report.details == {"transitions": []}


def test_severity_is_no_part_of_a_fingerprint(open_with: Callable):
    con = open_with(requests(1))
    prints = {check(con, [alert("requests", above=1, severity=s)])[0].row[8] for s in ("critical", "warning")}
    assert prints == {fingerprint({"alertname": "A"})}


def test_a_hold_that_plays_no_part_is_said(open_with: Callable):
    rules = [alert("requests", above=1, hold="10m")]
    warnings = check_alerts(open_with(requests(1)), rules, KNOWN, now=NOW, zone="UTC")[1]
    assert warnings == ("A: judged at one moment, so that for = '10m' plays no part.",)
