"""Shares that add up: the largest remainder method on integers, so that no cent is lost and none appears.

The method is Hamilton's: everyone gets the whole part of the exact share, and what is left over goes, one each,
to the largest remainders. Ties go to whoever comes first, so callers pass rows in the order of their keys and
get the same answer every time.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, Inexact
from fractions import Fraction

# The store's sums have up to 38 digits, more than the 28 of Python's default context, which would round in silence.
EXACT = Context(prec=200, traps=[Inexact])

# ISO 4217: currencies whose minor unit is not a hundredth
_MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SHARE_DIGITS = 6


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Divide a whole number in proportion to weights; the parts add up to it exactly.

    A weight of zero gets zero, a negative total is the mirror image of the positive one, and a weight of the
    other sign (a credit among charges) gets a part of the other sign.

    Args:
        total: What is divided, in its smallest unit (cents).
        weights: One whole number per receiver, in the order in which ties are settled.

    Returns:
        One part per weight; each differs from the exact share by less than 1.

    Raises:
        ValueError: The weights add up to zero, so there is nothing to go by.
    """
    whole = sum(weights)
    if whole == 0:
        raise ValueError("The weights add up to zero: divide evenly, or keep the total undivided.")
    sign = -1 if total < 0 else 1
    facing = -1 if whole < 0 else 1
    quotas = [divmod(abs(total) * weight * facing, abs(whole)) for weight in weights]
    return [sign * part for part in _settle(quotas, abs(total))]


def round_to_total(amounts: Sequence[Decimal], digits: int = 2) -> list[int]:
    """Round amounts to a currency's minor unit so that they add up to their rounded sum.

    The sum is rounded once, half to even; every amount ends up less than one minor unit from where it was.

    Args:
        amounts: Exact amounts of money, in the order in which ties are settled; negative ones are credits.
        digits: Decimal places of the minor unit, see `minor_digits`.

    Returns:
        Whole minor units, one per amount.
    """
    units, scale = _as_integers(amounts, at_least=digits)
    minor = 10 ** (scale - digits)
    sign = -1 if sum(units) < 0 else 1
    total = round(Fraction(abs(sum(units)), minor))
    return [sign * part for part in _settle([divmod(sign * unit, minor) for unit in units], total)]


def shares(amounts: Sequence[Decimal]) -> list[Decimal] | None:
    """Return each amount's share of the sum, to 6 decimals, adding up to exactly 1.

    Args:
        amounts: Exact amounts, in the order in which ties are settled.

    Returns:
        One ratio per amount, or None where the sum is zero and nothing has a share of it.
    """
    units, _ = _as_integers(amounts)
    if sum(units) == 0:
        return None
    return [EXACT.scaleb(Decimal(part), -_SHARE_DIGITS) for part in allocate(10**_SHARE_DIGITS, units)]


def minor_digits(currency: str) -> int:
    """Return how many decimal places a currency (ISO 4217 code) has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _MINOR_DIGITS.get(currency.upper(), 2)


def _settle(quotas: Sequence[tuple[int, int]], total: int) -> list[int]:
    """Give each its quotient, and one more to the largest remainders until the parts add up to the total."""
    parts = [quotient for quotient, _ in quotas]
    left = total - sum(parts)
    by_remainder = sorted(range(len(quotas)), key=lambda position: -quotas[position][1])  # stable: first come
    for position in by_remainder[:left]:
        parts[position] += 1
    return parts


def _as_integers(amounts: Sequence[Decimal], at_least: int = 0) -> tuple[list[int], int]:
    """Return the amounts as whole numbers of 10**-scale, and that scale."""
    scale = max([at_least, *(-int(amount.as_tuple().exponent) for amount in amounts)])
    return [int(EXACT.scaleb(amount, scale)) for amount in amounts], scale
