"""What reports over requests have in common: totals that are exact and unknown where every row is, order, words."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from tollbook.analysis.allocate import EXACT
from tollbook.report.model import Value
from tollbook.report.scope import Scope

_RATIO_STEP = Decimal("0.000001")


def total_count(values: Iterable[Value]) -> int | None:
    """Return the sum of the counts that are known, None where none is."""
    known = [value for value in values if isinstance(value, int)]
    return sum(known) if known else None


def total_money(values: Iterable[Value]) -> Decimal | None:
    """Return the exact sum of the amounts that are known, None where none is."""
    known = [value for value in values if isinstance(value, Decimal)]
    if not known:
        return None
    total = Decimal(0)
    for value in known:
        total = EXACT.add(total, value)
    return total


def ratio(part: int, whole: int) -> Decimal | None:
    """Return part / whole to 6 decimals, None where the whole is nothing."""
    if whole == 0:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(_RATIO_STEP)


def by_keys(rows: Iterable[tuple[Value, ...]], keys: int) -> list[tuple[Value, ...]]:
    """Return the rows in the order of their first `keys` values, unknown last: the same order every time."""

    def order(row: Sequence[Value]) -> tuple[tuple[bool, Value], ...]:
        return tuple((value is None, "" if value is None else value) for value in row[:keys])

    return sorted(rows, key=order)


def by_words(scope: Scope) -> str:
    """Return how a title names the grouping: ` by team, project`, nothing where there is none."""
    names = ", ".join(dimension.name for dimension in scope.by)
    return f" by {names}" if names else ""


def unpriced_warnings(unpriced: int, unmetered: int) -> tuple[str, ...]:
    """Return what a reader of costs must know about requests that have none.

    Args:
        unpriced: Requests that used tokens, or may have, and have no cost.
        unmetered: Requests that failed and whose log states no tokens.
    """
    warnings = []
    if unpriced:
        are = "request has" if unpriced == 1 else "requests have"
        warnings.append(
            f'{unpriced:,} {are} no price, so costs and their total are "at least". See which models: tollbook status'
        )
    if unmetered:
        are = "request that failed states" if unmetered == 1 else "requests that failed state"
        warnings.append(f"{unmetered:,} {are} no tokens and cost nothing here; a provider may bill them all the same.")
    return tuple(warnings)


def currency_warnings(currency: str) -> tuple[str, ...]:
    """Return what a reader of costs must know when the configuration gives them another currency's name."""
    if currency == "USD":
        return ()
    return (f"Nothing is converted to {currency}: prices, and what logs report as cost_usd, are US dollars.",)
