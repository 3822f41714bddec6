"""Objectives are judged on whole numbers, and calendar periods are those of the zone."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbook.analysis.slo import Verdict, calendar_period, cut, judge

COUNTS = st.integers(0, 10**9)
OBJECTIVES = st.decimals("0.000001", "1", places=6)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1))
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])


@pytest.mark.parametrize(
    ("good", "bad", "objective", "expected"),
    [
        (995, 5, "0.99", ("ok", "0.995", "0.5")),
        (990, 10, "0.99", ("ok", "0.99", "0")),
        (985, 15, "0.99", ("breach", "0.985", "-0.5")),
        (9, 1, "0.9", ("ok", "0.9", "0")),
        (111, 7, "0.95", ("breach", "0.940677966", "-0.186440678")),
    ],
)
def test_a_share_of_good_requests_is_judged_as_computed_by_hand(good, bad, objective, expected):
    status, attained, remaining = expected
    assert judge("success", Decimal(objective), good, bad) == Verdict(status, Decimal(attained), Decimal(remaining))


def test_the_shared_vectors_agree(shared: Path):
    for case in json.loads((shared / "vectors" / "slo_vectors.json").read_text())["occurrences"]:
        verdict = judge("success", Decimal(case["target"]), case["good"], case["total"] - case["good"])
        if case["total"] == 0:
            assert verdict.status == "no_data", case["id"]
            continue
        assert verdict.status == ("ok" if case["met"] else "breach"), case["id"]
        assert verdict.attained == cut(Fraction(case["sli"])), case["id"]
        assert verdict.budget_remaining == cut(1 - Fraction(case["consumed"])), case["id"]


@pytest.mark.parametrize("sli", ["success", "latency", "error"])
def test_nothing_is_no_data_and_no_breach(sli):
    verdict = judge(sli, Decimal("0.99"), 0, 0)
    assert (verdict.status, verdict.attained, verdict.budget_remaining) == ("no_data", None, None)


def test_an_error_rate_must_stay_strictly_below_its_objective():
    assert judge("error", Decimal("0.01"), 991, 9).status == "ok"
    at_the_objective = judge("error", Decimal("0.01"), 990, 10)
    assert (at_the_objective.status, at_the_objective.attained) == ("breach", Decimal("0.01"))
    assert at_the_objective.budget_remaining == 0


def test_a_hundred_per_cent_leaves_no_budget_to_speak_of():
    assert judge("success", Decimal(1), 10, 0).status == "ok"
    assert judge("success", Decimal(1), 10, 1).status == "breach"
    assert judge("success", Decimal(1), 10, 1).budget_remaining is None


@settings(deadline=None)
@given(COUNTS, COUNTS, OBJECTIVES)
def test_the_decision_is_that_of_exact_fractions(good, bad, objective):
    if good + bad == 0:
        return
    share, rate = Fraction(good, good + bad), Fraction(bad, good + bad)
    assert (judge("success", objective, good, bad).status == "ok") == (share >= Fraction(objective))
    assert (judge("error", objective, good, bad).status == "ok") == (rate < Fraction(objective))


@settings(deadline=None)
@given(COUNTS, COUNTS, OBJECTIVES)
def test_what_is_shown_never_contradicts_the_decision(good, bad, objective):
    if good + bad == 0:
        return
    verdict = judge("success", objective, good, bad)
    assert (verdict.attained >= objective) == (verdict.status == "ok")


@settings(deadline=None)
@given(st.fractions())
def test_a_cut_ratio_is_less_than_a_billionth_below(ratio):
    assert 0 <= ratio - Fraction(cut(ratio)) < Fraction(1, 10**9)


@pytest.mark.parametrize(
    ("period", "zone", "now", "expected", "hours"),
    [
        ("month", "America/New_York", "2026-03-20T00:00", ("2026-03-01T05:00", "2026-04-01T04:00"), 743),
        ("month", "America/New_York", "2026-11-20T00:00", ("2026-11-01T04:00", "2026-12-01T05:00"), 721),
        ("month", "UTC", "2026-02-14T00:00", ("2026-02-01T00:00", "2026-03-01T00:00"), 672),
        ("month", "UTC", "2026-12-31T23:59", ("2026-12-01T00:00", "2027-01-01T00:00"), 744),
        ("week", "America/New_York", "2026-03-10T12:00", ("2026-03-09T04:00", "2026-03-16T04:00"), 168),
        ("week", "America/New_York", "2026-03-08T12:00", ("2026-03-02T05:00", "2026-03-09T04:00"), 167),
        ("day", "Europe/Berlin", "2026-10-25T12:00", ("2026-10-24T22:00", "2026-10-25T23:00"), 25),
        ("day", "America/New_York", "2026-03-08T12:00", ("2026-03-08T05:00", "2026-03-09T04:00"), 23),
    ],
)
def test_calendar_periods_are_those_of_the_zone(period, zone, now, expected, hours):
    found = calendar_period(period, datetime.fromisoformat(now), zone)
    assert found == tuple(map(datetime.fromisoformat, expected))
    assert (found[1] - found[0]).total_seconds() == hours * 3600


@settings(deadline=None)
@given(MOMENTS, ZONES, st.sampled_from(["month", "week", "day"]))
def test_a_period_holds_its_moment_and_the_next_begins_where_it_ends(now, zone, period):
    since, ends = calendar_period(period, now, zone)
    assert since <= now < ends
    assert calendar_period(period, ends, zone)[0] == ends
    local = since.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (0, 0)
    if period == "week":
        assert local.weekday() == 0
