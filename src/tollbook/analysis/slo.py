"""Is a promise kept: decided on counts and exact decimals, never on a ratio of floats."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

Sli = Literal["success", "latency", "error"]
Status = Literal["ok", "breach", "no_data", "insufficient"]  # insufficient: for windows too young to judge a burn
Calendar = Literal["month", "week", "day"]

_DIGITS = 9


@dataclass(frozen=True)
class Verdict:
    """What an objective came to.

    Args:
        status: `ok`, `breach`, or `no_data` where nothing could be judged.
        attained: What compares with the objective: the share of good requests, for `error` that of bad ones.
            Cut after nine digits, so that it never seems to reach an objective that was missed; None without data.
        budget_remaining: The share of the error budget that is left: 1 is untouched, 0 is spent, below 0 is
            overspent. None without data, or where the objective is 100 % and leaves no budget.
    """

    status: Status
    attained: Decimal | None
    budget_remaining: Decimal | None


def judge(sli: Sli, objective: Decimal, good: int, bad: int) -> Verdict:
    """Judge counts against an objective.

    A share of good requests must reach the objective (`good / total >= objective`); an error rate must stay
    below it (`bad / total < objective`). Budget after the SRE workbook, chapter 2: `1 - bad / (allowed * total)`.

    Args:
        sli: What is promised.
        objective: The ratio promised, from 0 to 1; for `error` the rate to stay below.
        good: Requests that kept the promise.
        bad: Requests that broke it.
    """
    total = good + bad
    if total == 0:
        return Verdict("no_data", None, None)
    numerator, denominator = objective.as_integer_ratio()
    if sli == "error":
        kept, attained, allowed = bad * denominator < total * numerator, Fraction(bad, total), Fraction(objective)
    else:
        kept, attained, allowed = (
            good * denominator >= total * numerator,
            Fraction(good, total),
            1 - Fraction(objective),
        )
    remaining = 1 - Fraction(bad, total) / allowed if allowed else None
    return Verdict("ok" if kept else "breach", cut(attained), None if remaining is None else cut(remaining))


def cut(ratio: Fraction) -> Decimal:
    """Return a ratio as a decimal of at most nine digits after the point, the rest cut off downward."""
    scaled = ratio.numerator * 10**_DIGITS // ratio.denominator
    # by way of text: arithmetic on decimals would round to the 28 digits of its context
    return Decimal(f"{Decimal(f'{scaled}e-{_DIGITS}'):f}".rstrip("0").rstrip("."))


def calendar_period(period: Calendar, now: datetime, zone: str) -> tuple[datetime, datetime]:
    """Return the calendar month, ISO week or day that a moment is in, with true calendar arithmetic.

    Args:
        period: Which; weeks begin on Monday.
        now: The moment, naive UTC.
        zone: IANA name of the zone that days begin in.

    Returns:
        The first moment of the period and of the next one, naive UTC.
    """
    today = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    if period == "month":
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    elif period == "week":
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    else:
        first, after = today, today + timedelta(days=1)
    return _midnight(first, zone), _midnight(after, zone)


def _midnight(day: date, zone: str) -> datetime:
    """Return the first moment of a local day, naive UTC; where clocks skip midnight, the first that exists."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
