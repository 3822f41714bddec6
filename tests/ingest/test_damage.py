"""Damage of any kind, a little of it each time; `tests/fuzz.py` does more, for as long as one likes."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from damaging import EVERY, check_stored, damaged, seeds

SOUND = seeds(EVERY)


@st.composite
def segments(draw: st.DrawFn) -> bytes:
    """Return a sound record after some damage."""
    data = draw(st.sampled_from(SOUND)).encode()
    for seed in draw(st.lists(st.integers(0, 2**32), max_size=4)):
        data = damaged(data, random.Random(seed), SOUND)  # noqa: S311 - no secret
    return data


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(segments() | st.binary(max_size=60), max_size=6))
def test_damage_costs_no_good_neighbour_and_all_of_it_is_accounted_for(parts: list[bytes]) -> None:
    check_stored(parts)
