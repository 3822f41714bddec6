"""Alert rules fire strictly beyond their bound, on whole numbers; fingerprints are Alertmanager's."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbook.analysis.alerts import fingerprint, read_amount, read_latency, read_rate

FIVE, NINETY_FIVE, P99 = Decimal("0.05"), Decimal("0.95"), Decimal("0.99")


def test_exactly_at_the_bound_nothing_fires():
    assert not read_rate(300, 6000, FIVE, above=True).fires
    assert not read_rate(5700, 6000, NINETY_FIVE, above=False).fires
    assert not read_latency(60, 6000, P99, 2990.0, above=True).fires
    assert not read_amount(Decimal("0.8") * 60, Decimal(50), above=True).fires
    assert not read_amount(50, Decimal(50), above=True).fires
    assert not read_amount(50, Decimal(50), above=False).fires


def test_one_more_and_everything_fires():
    assert read_rate(301, 6000, FIVE, above=True).fires
    assert read_rate(5699, 6000, NINETY_FIVE, above=False).fires
    assert read_latency(61, 6000, P99, 3001.0, above=True).fires
    assert read_amount(Decimal("0.8") * 59 + Decimal("2.9"), Decimal(50), above=True).fires


@pytest.mark.parametrize("above", [True, False])
def test_nothing_is_no_data_and_never_fires(above):
    for reading in (
        read_rate(0, 0, FIVE, above=above),
        read_latency(0, 0, P99, None, above=above),
        read_amount(None, Decimal(50), above=above),
    ):
        assert (reading.value, reading.fires) == (None, False)


def test_a_percentile_is_shown_without_the_noise_of_floats():
    assert str(read_latency(0, 100, P99, 1288.6700000000008, above=True).value) == "1288.67"
    assert str(read_latency(0, 100, P99, 4291.479999999998, above=True).value) == "4291.48"
    assert str(read_latency(0, 100, P99, 0.000125, above=True).value) == "0.000125"


def test_a_percentile_is_decided_by_counting_and_shown_interpolated():
    one_slow_of_a_hundred = read_latency(1, 100, P99, 2990.0, above=True)
    assert not one_slow_of_a_hundred.fires
    assert one_slow_of_a_hundred.value == Decimal("2990.0")
    assert read_latency(1, 50, P99, 3040.0, above=True).fires


def test_a_percentile_is_below_when_enough_requests_are():
    assert read_latency(99, 100, P99, 1000.0, above=False).fires
    assert not read_latency(98, 100, P99, 1000.0, above=False).fires


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(1, 99), st.integers(1, 50))
def test_counting_agrees_with_the_percentile_that_is_a_request(latencies, percent, bound):
    ordered = sorted(latencies)
    quantile = Decimal(percent) / 100
    percentile = ordered[math.ceil(Fraction(quantile) * len(ordered)) - 1]  # the discrete one: a value that occurred
    above, below = sum(x > bound for x in latencies), sum(x < bound for x in latencies)
    assert read_latency(above, len(latencies), quantile, 0.0, above=True).fires == (percentile > bound)
    assert read_latency(below, len(latencies), quantile, 0.0, above=False).fires == (percentile < bound)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.decimals("0", "1", places=6))
def test_rates_agree_with_exact_fractions(part, rest, bound):
    if part + rest == 0:
        return
    rate = Fraction(part, part + rest)
    assert read_rate(part, part + rest, bound, above=True).fires == (rate > Fraction(bound))
    assert read_rate(part, part + rest, bound, above=False).fires == (rate < Fraction(bound))


def test_fingerprints_are_those_of_alertmanager(shared: Path):
    for case in json.loads((shared / "vectors" / "slo_vectors.json").read_text())["fingerprint_fnv1a"]:
        assert fingerprint(case["labels"]) == case["hex"]


def test_a_fingerprint_does_not_depend_on_the_order_of_labels():
    labels = {"team": "search", "slo": "avail", "severity": "critical", "alertname": "ErrorRateHigh"}
    assert fingerprint(labels) == "3f1dce99aa4c8b5e"
    assert fingerprint({}) == "cbf29ce484222325"
