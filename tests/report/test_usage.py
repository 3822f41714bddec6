"""The report `usage`, against values worked out by hand."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from tollbook.report.model import Window
from tollbook.report.scope import Scope, dimensions, parse_by
from tollbook.report.usage import usage_report

T = datetime(2026, 10, 1)
ROWS = [
    {
        "time": T, "model": "a", "success": True, "input_tokens": 100, "cached_input_tokens": 40,
        "cache_write_tokens": 10, "output_tokens": 7, "reasoning_tokens": 5,
        "computed_cost": Decimal("0.000000000000001"),
    },
    {
        "time": T, "model": "a", "success": False, "input_tokens": 11, "output_tokens": 0,
        "computed_cost": Decimal("2.5"),
    },
    {"time": T, "model": "a", "success": None, "input_tokens": 1, "computed_cost": None},
    {"time": T, "model": "b", "success": False},
]  # fmt: skip


def scope(*names: str) -> Scope:
    return Scope(Window(None, None), by=parse_by(names, dimensions()))


def test_tokens_and_costs_are_summed_and_unknown_stays_unknown(open_with: Callable):
    report = usage_report(open_with(ROWS), scope("model"), now=T)
    assert [column.name for column in report.columns] == [
        "model", "requests", "errors", "error_rate", "input_tokens", "cached_input_tokens", "cache_write_tokens",
        "output_tokens", "reasoning_tokens", "cost",
    ]  # fmt: skip
    assert report.rows == (
        ("a", 3, 1, Decimal("0.5"), 112, 40, 10, 7, 5, Decimal("2.500000000000001")),
        ("b", 1, 1, Decimal(1), None, None, None, None, None, None),
    )
    assert report.totals == (None, 4, 2, Decimal("0.666667"), 112, 40, 10, 7, 5, Decimal("2.500000000000001"))


def test_unpriced_and_unmetered_requests_are_pointed_out(open_with: Callable):
    unpriced, unmetered = usage_report(open_with(ROWS), scope(), now=T).warnings
    assert unpriced.startswith("1 request has no price")
    assert "at least" in unpriced
    assert unmetered.startswith("1 request that failed states no tokens")


def test_days_are_those_of_the_zone(open_with: Callable):
    con = open_with([{"time": datetime(2026, 9, 30, 21, 59)}, {"time": datetime(2026, 9, 30, 22)}], "Europe/Berlin")
    report = usage_report(con, scope("day", "month"), now=T)
    assert [row[:3] for row in report.rows] == [("2026-09-30", "2026-09", 1), ("2026-10-01", "2026-10", 1)]
    assert not isinstance(report.rows[0][0], date)


def test_an_empty_store_has_totals_of_zero_requests(open_with: Callable):
    report = usage_report(open_with([]), scope("team"), now=T)
    assert report.rows == ()
    assert report.totals == (None, 0, 0, None, None, None, None, None, None, None)
