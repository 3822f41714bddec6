"""Conditions, over a few rows."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tollbook.errors import UsageError
from tollbook.render.people import columns
from tollbook.report.model import Window
from tollbook.report.scope import Scope, dimensions, parse_where
from tollbook.report.usage import usage_report

T = datetime(2026, 10, 17, 12)


def counted(con: object, where: str, zone: str = "UTC") -> int:
    scope = Scope(Window(None, None, zone), where=parse_where([where], dimensions()))
    return usage_report(con, scope, now=T).totals[0]


@pytest.mark.parametrize(
    ("where", "requests"),
    [
        ("hour=2026-10-25T00:00:00Z", 1),  # as JSON and CSV write it
        ("hour=2026-10-25T02:00+02:00", 1),
        ("hour=2026-10-25 03:00", 2),  # local, after the clocks went back
        ("hour!=2026-10-25T00:00Z", 3),
        ("day=2026-10-25", 3),
        ("day=2026-10-26", 1),
        ("day!=2026-10-25", 1),
        ("month=2026-10", 4),
        ("month!=2026-10", 0),
    ],
)
def test_days_months_and_hours_are_those_of_the_zone(open_with: Callable, where: str, requests: int):
    moments = [(25, 0, 30), (25, 2, 0), (25, 2, 59), (26, 0, 0)]
    con = open_with([{"time": datetime(2026, 10, *moment)} for moment in moments], zone="Europe/Berlin")
    assert counted(con, where, "Europe/Berlin") == requests


@pytest.mark.parametrize("where", ["month=2026-1x", "month=2026", "day=2026-10", "day=today", "hour=10"])
def test_what_is_no_day_month_or_hour_is_refused_not_unmatched(open_with: Callable, where: str):
    with pytest.raises(UsageError, match="is not a"):
        counted(open_with([{"time": T}]), where)


def test_a_request_without_an_error_is_not_called_unattributed(open_with: Callable):
    con = open_with([{"time": T}, {"time": T, "team": "noc", "error_type": "timeout"}])
    scope = Scope(Window(None, None), by=(dimensions()["team"], dimensions()["error_type"]))
    team, error_type, *_ = columns(usage_report(con, scope, now=T))
    assert (team, error_type) == (["noc", "unattributed", "total"], ["timeout", "-", ""])


def test_an_unknown_dimension_gets_the_nearest_or_where_dimensions_are_named():
    with pytest.raises(UsageError, match=r"There is no dimension 'tem'\. Did you mean 'team'\?$"):
        parse_where(["tem=a"], dimensions())
    with pytest.raises(UsageError, match=r"Known are: team, .*, hour\. Name further keys .* dimensions = \[\.\.\.\]$"):
        parse_where(["cost_center=7"], dimensions())
