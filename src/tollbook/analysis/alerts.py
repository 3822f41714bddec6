"""Whether an alert rule fires: decided on counts and exact decimals; and the name that an alert is known by."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from tollbook.analysis.slo import cut

State = Literal["inactive", "pending", "firing", "resolved"]

_SHOWN_DIGITS = 6
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


@dataclass(frozen=True)
class Reading:
    """What a metric came to.

    Args:
        value: In the metric's unit; None is no data.
        fires: Whether it lies strictly beyond the bound; never without data.
    """

    value: Decimal | int | None
    fires: bool


NO_DATA = Reading(None, False)


def read_rate(part: int, whole: int, bound: Decimal, *, above: bool) -> Reading:
    """Judge the ratio `part / whole`; its value is cut after nine digits, the decision is exact."""
    if whole == 0:
        return NO_DATA
    numerator, denominator = bound.as_integer_ratio()
    left, right = part * denominator, whole * numerator
    return Reading(cut(Fraction(part, whole)), left > right if above else left < right)


def read_latency(beyond: int, timed: int, quantile: Decimal, shown_ms: float | None, *, above: bool) -> Reading:
    """Judge a percentile by counting: p99 is above a bound when more than 1 % of requests are.

    It is below when at least 99 % of requests are. Interpolated percentiles lie between requests and would
    disagree with the objective on the same latency.

    Args:
        beyond: Requests strictly above the bound, or strictly below it for `above=False`.
        timed: Requests whose latency counts.
        quantile: The percentile as a ratio: 0.99.
        shown_ms: The interpolated percentile in milliseconds: the value shown, not decided on; rounded to
            nanoseconds, below which there is nothing but the noise of floats.
        above: Which side of the bound fires.
    """
    if timed == 0 or shown_ms is None:
        return NO_DATA
    share = Fraction(beyond, timed)
    fires = share > 1 - Fraction(quantile) if above else share >= Fraction(quantile)
    return Reading(Decimal(repr(round(shown_ms, _SHOWN_DIGITS))), fires)


def read_amount(value: Decimal | int | None, bound: Decimal, *, above: bool) -> Reading:
    """Judge a sum or a count; None is unknown."""
    if value is None:
        return NO_DATA
    return Reading(value, value > bound if above else value < bound)


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the name of an alert in 16 hexadecimal digits: FNV-1a, 64 bits, over its sorted labels.

    Alertmanager computes the same for the same labels, so that the two can be matched. Leave out what may
    change while the alert lasts: severity, value, threshold.
    """
    digest = _FNV_OFFSET
    for name, value in sorted(labels.items()):
        for byte in b"%b\xff%b\xff" % (name.encode(), value.encode("utf-8", "surrogatepass")):
            digest = (digest ^ byte) * _FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"
