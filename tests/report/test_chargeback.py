"""The report `chargeback`: what adds up, what is missing, what is said about it."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbook.report.chargeback import chargeback_report
from tollbook.report.model import Window
from tollbook.report.scope import Scope, dimensions, parse_by

T = datetime(2026, 10, 1)
BY_TEAM = Scope(Window(None, None), by=parse_by(["team"], dimensions()))
D = Decimal


def request(team: str | None, cost: str | None, **more: object) -> dict[str, object]:
    return {"time": T, "team": team, "computed_cost": None if cost is None else D(cost), **more}


def test_costs_amounts_and_shares_add_up(open_with: Callable):
    rows = [request("b", "0.005"), request("a", "0.005"), request(None, "0.005", input_tokens=3, output_tokens=4)]
    report = chargeback_report(open_with(rows), BY_TEAM, now=T)
    assert [column.name for column in report.columns] == [
        "team", "requests", "input_tokens", "output_tokens", "cost", "amount", "share", "unpriced_requests",
    ]  # fmt: skip
    # 1.5 cents are 2 (half to even): one each for the first two of three equals
    assert report.rows == (
        ("a", 1, None, None, D("0.005"), D("0.01"), D("0.333334"), 0),
        ("b", 1, None, None, D("0.005"), D("0.01"), D("0.333333"), 0),
        (None, 1, 3, 4, D("0.005"), D("0.00"), D("0.333333"), 0),
    )
    assert report.totals == (None, 3, 3, 4, D("0.015"), D("0.02"), D(1), 0)
    assert report.total_details["complete"] is True
    assert report.warnings == ()


def test_another_currency_is_a_name_and_no_conversion(open_with: Callable):
    report = chargeback_report(open_with([request("a", "1")]), BY_TEAM, now=T, currency="EUR")
    assert report.warnings == (
        "Nothing is converted to EUR: prices, and what logs report as cost_usd, are US dollars.",
    )


def test_what_is_not_priced_costs_nothing_known_and_is_counted(open_with: Callable):
    rows = [
        request("a", "1"),
        request("a", None, input_tokens=5, success=True),
        request("b", None, input_tokens=5, success=False),
        request("c", None, success=None),
    ]
    report = chargeback_report(open_with(rows), BY_TEAM, now=T)
    assert [(row[0], row[4], row[5], row[6], row[7]) for row in report.rows] == [
        ("a", D(1), D(1), D(1), 1),
        ("b", None, None, None, 1),
        ("c", None, None, None, 1),
    ]
    assert report.totals[4:] == (D(1), D(1), D(1), 3)
    assert report.total_details["complete"] is False
    assert "3 requests have no price" in report.warnings[0]
    assert "at least" in report.warnings[0]


def test_failures_without_tokens_are_unmetered_and_not_unpriced(open_with: Callable):
    rows = [
        request("a", "1"),
        request("a", None, success=False),
        request("a", None, success=False, input_tokens=0, output_tokens=0),
    ]
    report = chargeback_report(open_with(rows), BY_TEAM, now=T)
    assert report.rows[0][-1] == 0
    assert report.total_details == {"complete": True, "unmetered_requests": 2}
    assert report.warnings[0].startswith("2 requests that failed state no tokens")


def test_where_everything_is_free_nobody_has_a_share(open_with: Callable):
    report = chargeback_report(open_with([request("a", "0"), request("b", "0")]), BY_TEAM, now=T)
    assert [row[4:7] for row in report.rows] == [(D(0), D(0), None)] * 2
    assert report.totals[4:7] == (D(0), D(0), None)


def test_where_nothing_is_priced_the_total_is_unknown(open_with: Callable):
    report = chargeback_report(open_with([request("a", None)]), BY_TEAM, now=T)
    assert report.totals[4:] == (None, None, None, 1)


def test_credits_lower_the_total(open_with: Callable):
    report = chargeback_report(open_with([request("a", "3"), request("b", "-1")]), BY_TEAM, now=T)
    assert [row[4:7] for row in report.rows] == [(D(3), D(3), D("1.5")), (D(-1), D(-1), D("-0.5"))]
    assert report.totals[4:7] == (D(2), D(2), D(1))


def test_sums_longer_than_python_decimals_are_exact(open_with: Callable):
    report = chargeback_report(
        open_with([request("a", "9999999999999.999999999999999")] * 3), BY_TEAM, now=T
    )  # 29 digits
    assert report.totals[4] == D("29999999999999.999999999999997")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.none() | st.decimals(-(10**6), 10**6, places=9)),
        min_size=1,
        max_size=12,
    )
)
def test_rows_always_add_up_to_the_totals(costs: list[tuple[str | None, Decimal | None]]):
    con = duckdb.connect()
    values = ", ".join(
        f"({'NULL' if team is None else repr(team)}, {'NULL' if cost is None else format(cost, 'f')}::DECIMAL(28, 15))"
        for team, cost in costs
    )
    con.execute(
        "CREATE OR REPLACE VIEW requests AS SELECT *, TIMESTAMP '2026-10-01' AS time, true AS success,"
        f" 1 AS input_tokens, 1 AS output_tokens FROM (VALUES {values}) t(team, cost)"
    )
    report = chargeback_report(con, BY_TEAM, now=T)
    known = [cost for _, cost in costs if cost is not None]
    assert report.totals[4] == (sum(known) if known else None)
    for position in (1, 4, 5, 6, 7):
        cells = [row[position] for row in report.rows if row[position] is not None]
        assert sum(cells) == (report.totals[position] or 0)
    if known and sum(known):
        assert report.totals[6] == 1
        assert report.totals[5] == sum(known).quantize(D("0.01"))
