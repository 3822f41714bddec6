"""How a value of a Kind is written: exactly, for files, or with separators and units, for people."""

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo

from tollbook.report.model import Column, Kind, Value

RIGHT_ALIGNED = frozenset({Kind.COUNT, Kind.MONEY, Kind.MS, Kind.RATIO, Kind.NUMBER, Kind.FLOAT})

_MONEY_DECIMALS = 2
_PERCENT_DECIMALS = 6  # at most; what is cut is cut towards zero, so that 99.9999999 % is not shown as 100 %
_WIDE = Context(prec=200)
# C0 and C1 controls, line separators, and the marks that reorder text: what could fool or drive a terminal
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def visible(text: str) -> str:
    r"""Return text with its control characters spelled out: `\n`, `\x1b`, `\u202e`."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def rfc3339(moment: datetime) -> str:
    """Return a naive UTC moment as RFC 3339, with as many decimals as it has."""
    return moment.isoformat() + "Z"


def exact(value: Value, kind: Kind) -> str:  # noqa: PLR0911 - one for each kind
    """Return a known value as files hold it: nothing rounded, no separators, times in UTC."""
    match kind:
        case Kind.MONEY:
            return plain_decimal(cast("Decimal", value), at_least=_MONEY_DECIMALS)
        case Kind.RATIO:
            return plain_decimal(cast("Decimal", value))
        case Kind.TIME:
            return rfc3339(cast("datetime", value))
        case Kind.FLAG:
            return "true" if value else "false"
        case Kind.LIST:
            return as_json(value)
        case Kind.NUMBER if isinstance(value, Decimal):
            return plain_decimal(value)
        case Kind.MS | Kind.FLOAT:
            return repr(float(cast("float", value)))
        case _:
            return str(value)


def plain_decimal(value: Decimal | int, at_least: int = 0) -> str:
    """Return a decimal without exponent or trailing zeros, but with `at_least` so many decimals."""
    whole, _, decimals = f"{Decimal(value):f}".partition(".")
    decimals = decimals.rstrip("0").ljust(at_least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def known(value: Value) -> bool:
    """Return whether a cell has a value; a float that is no number is none."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def as_json(value: Value, indent: int | None = None) -> str:
    """Return any value of a report as JSON: money and ratios as strings, times in RFC 3339."""
    text = json.dumps(_jsonable(value), ensure_ascii=False, indent=indent, allow_nan=False)
    # json escapes the C0 controls only; the others can only be inside of strings
    return re.sub("[\x7f-\x9f\u200e-\u200f\u2028-\u202e\u2066-\u2069\u061c\ufeff\ud800-\udfff]", _escaped, text)


def for_people(values: Iterable[Value], column: Column, zone: str) -> list[str]:
    """Return the cells of a column as people read them, numbers with the same decimals all the way down.

    Money is exact, ratios are percentages, milliseconds have one decimal, times are in the zone.
    """
    cells = list(values)
    decimals = _decimals([value for value in cells if known(value)], column.kind)
    return [_for_people(value, column.kind, decimals, zone) if known(value) else column.missing for value in cells]


def in_zone(moment: datetime, zone: str) -> str:
    """Return a naive UTC moment as people of the zone write it, with seconds and offset only where they matter."""
    local = moment if zone == "UTC" else moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    text = f"{local:%Y-%m-%d %H:%M}"
    if local.second or local.microsecond:
        text = local.replace(tzinfo=None).isoformat(" ")
    repeated = zone != "UTC" and local.utcoffset() != local.replace(fold=not local.fold).utcoffset()
    return f"{text} {local:%z}" if repeated else text


def _decimals(values: list[Value], kind: Kind) -> int:
    """Return how many decimals all cells of a column get: as many as the longest needs."""
    if kind is Kind.MONEY:
        return max((_length(cast("Decimal", value)) for value in values), default=0) or _MONEY_DECIMALS
    if kind is Kind.RATIO:
        longest = max((_length(cast("Decimal", value)) for value in values), default=0)
        return min(max(longest - 2, 1), _PERCENT_DECIMALS)
    return 0


def _length(value: Decimal) -> int:
    return len(plain_decimal(value, at_least=_MONEY_DECIMALS).partition(".")[2])


def _for_people(value: Value, kind: Kind, decimals: int, zone: str) -> str:  # noqa: C901, PLR0911 - one for each kind
    match kind:
        case Kind.COUNT:
            return f"{cast('int', value):,d}"
        case Kind.MONEY:
            return f"{cast('Decimal', value):,.{decimals}f}"
        case Kind.MS:
            return f"{cast('float', value):,.1f}"
        case Kind.RATIO:
            percent = _WIDE.multiply(cast("Decimal", value), Decimal(100))
            return f"{percent.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN, _WIDE):,.{decimals}f} %"
        case Kind.NUMBER:
            return f"{Decimal(plain_decimal(cast('Decimal', value))):,f}"
        case Kind.FLOAT:
            return f"{Decimal(repr(value)):,f}"
        case Kind.TIME:
            return in_zone(cast("datetime", value), zone)
        case Kind.FLAG:
            return "yes" if value else "no"
        case Kind.LIST if isinstance(value, dict):
            named = (f"{key}={'unattributed' if item is None else item}" for key, item in value.items())
            return visible(", ".join(named)) or "-"
        case Kind.LIST:
            return visible(as_json(value)) if value else "-"
        case _:
            return visible(str(value))


def _jsonable(value: Value) -> Any:
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
