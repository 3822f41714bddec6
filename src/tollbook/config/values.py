"""How values are written in the configuration: ratios, amounts, percentiles and durations, all exact."""

import re
from datetime import timedelta
from decimal import Decimal

from tollbook.errors import UsageError

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def parse_ratio(written: object) -> Decimal:
    """Return "99%" or "0.99" as the exact ratio 0.99.

    Raises:
        UsageError: It is no number from 0 to 1, or from 0 % to 100 %.
    """
    text = str(written).strip()
    percent = text.endswith("%")
    number = _decimal(text.removesuffix("%").rstrip())
    if number is not None:
        ratio = number / 100 if percent else number
        if ratio <= 1:
            return ratio
        if not percent and ratio <= 100:  # noqa: PLR2004 - a percentage without its sign
            raise UsageError(f"{text!r} is more than the whole; write '{text}%' for per cent")
    raise UsageError(f"{text!r} is not a share; write a percentage such as '99.5%' or a number from 0 to 1")


def parse_amount(written: object) -> Decimal:
    """Return "$50", "50 USD", "1_000" or 1000 as an exact number.

    Raises:
        UsageError: It is no number of at least 0.
    """
    text = str(written).strip()
    number = _decimal(text.removeprefix("$").removesuffix("USD").strip().replace("_", ""))
    if number is None:
        raise UsageError(f"{text!r} is not an amount; write a number such as 1000 or '$50'")
    return number


def parse_percentile(written: object) -> Decimal:
    """Return 99, "99", "p99" or "99.9%" as the exact ratio 0.99 or 0.999.

    Raises:
        UsageError: It is no number between 0 and 100, both excluded.
    """
    text = str(written).strip()
    number = _decimal(text.lower().removeprefix("p").removesuffix("%"))
    if number is None or not 0 < number < 100:  # noqa: PLR2004 - per cent
        raise UsageError(f"{text!r} is not a percentile; write a number between 0 and 100, such as 99 or 99.9")
    return number / 100


def parse_span(written: object) -> timedelta:
    """Return "30d", "24h", "2s" or "800ms" as a length of time.

    Raises:
        UsageError: It is no duration.
    """
    from tollbook.report.window import parse_duration  # noqa: PLC0415 - start-up

    return parse_duration(str(written).strip())


def span_ms(span: timedelta) -> float:
    """Return a length of time in milliseconds."""
    return span / timedelta(milliseconds=1)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None
