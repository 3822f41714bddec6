"""Largest remainder: published cases, then what must hold for any amounts."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbook.analysis.allocate import allocate, minor_digits, round_to_total, shares

AMOUNTS = st.lists(st.decimals("-1e20", "1e20", places=15), max_size=30)


def vectors(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "vectors/finance_vectors.json").read_text())


def test_the_published_cases_are_divided_as_published(shared: Path):
    for case in vectors(shared)["largest_remainder"]:
        weights = [Decimal(weight) * 100 for weight in case["weights"].values()]
        parts = allocate(case["total_cents"], [int(weight) for weight in weights])
        assert parts == list(case["expect_cents"].values()), case["id"]


def test_a_statement_is_rounded_from_the_top_down(shared: Path):
    case = vectors(shared)["statement_cents"]
    rows = {name: Decimal(amount) for name, amount in case["rows"].items()}
    teams: dict[str, list[Decimal]] = {}
    for name, amount in rows.items():
        teams.setdefault(name.partition("/")[0], []).append(amount)
    sums = [sum(amounts) for amounts in teams.values()]
    assert round_to_total(sums) == list(case["team_cents"].values())
    assert sum(round_to_total(sums)) == case["invoice_cents"]


def test_what_is_left_over_goes_to_the_first_of_equals():
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert allocate(100, [-1, -1, -1]) == [34, 33, 33]


def test_a_credit_among_charges_gets_a_part_of_the_other_sign():
    assert allocate(10, [3, -1]) == [15, -5]


def test_weights_that_cancel_out_are_refused():
    with pytest.raises(ValueError, match="add up to zero"):
        allocate(10, [1, -1])


def test_amounts_that_cancel_out_keep_their_cents():
    # 10.004 - 10.004: dividing the total of 0 in proportion would be impossible
    assert round_to_total([Decimal("10.004"), Decimal("-10.004")]) == [1000, -1000]
    assert shares([Decimal("10.004"), Decimal("-10.004")]) is None


def test_a_sum_halfway_between_cents_goes_to_the_even_one():
    assert round_to_total([Decimal("0.125")]) == [12]
    assert round_to_total([Decimal("0.135")]) == [14]


def test_yen_have_no_cents_and_dinars_have_three():
    assert [minor_digits(code) for code in ("USD", "jpy", "KWD")] == [2, 0, 3]
    assert round_to_total([Decimal("1.4"), Decimal("1.4")], 0) == [2, 1]


def test_three_equal_shares_add_up_to_one():
    assert shares([Decimal(1)] * 3) == [Decimal("0.333334"), Decimal("0.333333"), Decimal("0.333333")]


@given(AMOUNTS)
def test_rounded_amounts_add_up_and_none_moves_by_a_cent(amounts: list[Decimal]):
    cents = round_to_total(amounts)
    exact = [Fraction(amount) * 100 for amount in amounts]
    assert sum(cents) == round(sum(exact, Fraction()))
    assert all(abs(part - amount) < 1 for part, amount in zip(cents, exact, strict=True))


@given(AMOUNTS)
def test_shares_add_up_to_exactly_one(amounts: list[Decimal]):
    parts = shares(amounts)
    if sum(map(Fraction, amounts)) == 0:
        assert parts is None
    else:
        assert sum(map(Fraction, parts)) == 1


@given(st.integers(), st.lists(st.integers(0, 10**30), min_size=1).filter(any))
def test_parts_add_up_to_the_total_and_nothing_goes_to_a_weight_of_zero(total: int, weights: list[int]):
    parts = allocate(total, weights)
    assert sum(parts) == total
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)
    assert allocate(-total, weights) == [-part for part in parts]
    exact = [Fraction(total) * weight / sum(weights) for weight in weights]
    assert all(abs(part - share) < 1 for part, share in zip(parts, exact, strict=True))
