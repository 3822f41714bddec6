"""A price as the store's table `prices` holds it, and the shipped file that lists them all."""

import csv
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TextIO

ALWAYS_FROM = datetime(1, 1, 1)
ALWAYS_UNTIL = datetime(9999, 12, 31)
NO_TOKENS = -1  # "more than this many": a prompt of 0 tokens is in the first band
ALL_TOKENS = 2**63 - 1
DAY_MINUTES = 1440
ALL_DAYS = 127
STANDARD = "standard"

# What the file leaves empty, column by column: what holds for nearly every price is not written out.
HEADER = (
    "provider", "model", "service_tier", "valid_from", "valid_until", "over_tokens", "upto_tokens",
    "minute_from", "minute_until", "weekdays", "input", "cached_input", "cache_write", "cache_write_1h", "output",
)  # fmt: skip
_DEFAULTS = (STANDARD, ALWAYS_FROM, ALWAYS_UNTIL, NO_TOKENS, ALL_TOKENS, 0, DAY_MINUTES, ALL_DAYS)

# Words that logs use for the ordinary tier, and for the others.
_TIERS = {
    "": STANDARD,
    "none": STANDARD,
    "default": STANDARD,
    "auto": STANDARD,
    "standard": STANDARD,
    "on_demand": STANDARD,
    "on_demand_flex": "flex",
    "on_demand_priority": "priority",
    "batches": "batch",
}


class Price(NamedTuple):
    """One row of the table `prices`, its columns in the table's order.

    Rates are USD per million tokens; None is "no rate of its own": cached input and cache writes are then
    charged as input, a 1-hour cache write as a cache write, and output without a rate cannot be priced.
    A request falls under the price when its time is in `[valid_from, valid_until)`, its minute of the UTC day in
    `[minute_from, minute_until)`, its UTC weekday among `weekdays` (Monday is bit 1, Sunday 64), and its
    whole prompt, cached parts included, has more than `over_tokens` and at most `upto_tokens` tokens.
    """

    price_id: str
    catalogue: str
    provider: str
    model: str
    service_tier: str
    valid_from: datetime
    valid_until: datetime
    over_tokens: int
    upto_tokens: int
    minute_from: int
    minute_until: int
    weekdays: int
    input: Decimal | None
    cached_input: Decimal | None
    cache_write: Decimal | None
    cache_write_1h: Decimal | None
    output: Decimal | None

    @property
    def key(self) -> str:
        """Return `provider/model`, by which the catalogue names what it prices."""
        return f"{self.provider}/{self.model}"

    def applies(self, moment: datetime, prompt_tokens: int, service_tier: str = STANDARD) -> bool:
        """Tell whether a request of that naive UTC moment, prompt size and tier falls under this price."""
        minute = moment.hour * 60 + moment.minute
        return (
            self.service_tier == service_tier
            and self.valid_from <= moment < self.valid_until
            and self.minute_from <= minute < self.minute_until
            and bool(self.weekdays >> moment.weekday() & 1)
            and self.over_tokens < prompt_tokens <= self.upto_tokens
        )


def service_tier(text: str | None) -> str:
    """Return the catalogue's name of a tier as a log states it; nothing, `default` and `auto` are `standard`.

    A tier that the catalogue does not know keeps its name: it has no price, and so the request has none.
    """
    word = (text or "").strip().lower().replace("-", "_")
    return _TIERS.get(word, word)


def price_id(row: tuple[object, ...]) -> str:
    """Return the id of a price (given without its first two columns), unique within a catalogue and readable."""
    provider, model, tier, since, _, over, _, minute, _, weekdays = row[:10]
    parts = [f"{provider}/{model}"]
    if tier != STANDARD:
        parts.append(f"{tier}")
    if since != ALWAYS_FROM:
        parts.append(f"from {since:%Y-%m-%d}" if since == _midnight(since) else f"from {since:%Y-%m-%dT%H:%M}")
    if over != NO_TOKENS:
        parts.append(f"over {over}")
    if minute != 0:
        parts.append(f"minute {minute}")
    if weekdays != ALL_DAYS:
        parts.append(f"days {weekdays}")
    return " ".join(parts)


def _midnight(moment: object) -> datetime | None:
    return datetime.combine(moment, datetime.min.time()) if isinstance(moment, date) else None


def make(row: list[str], catalogue: str) -> Price:
    """Return the price that a line of the file tells."""
    provider, model, *cells = row
    tier, since, until, *counts = cells[:8]
    fixed = (
        provider,
        model,
        tier or STANDARD,
        datetime.fromisoformat(since) if since else ALWAYS_FROM,
        datetime.fromisoformat(until) if until else ALWAYS_UNTIL,
        *(int(cell) if cell else default for cell, default in zip(counts, _DEFAULTS[3:], strict=True)),
    )
    rates = [Decimal(cell) if cell else None for cell in cells[8:]]
    return Price(price_id(fixed), catalogue, *fixed, *rates)  # type: ignore[arg-type]


def read(file: TextIO) -> dict[tuple[str, str], list[list[str]]]:
    """Return the lines of a file of prices, unparsed, by provider and model."""
    lines = csv.reader(file)
    next(lines)
    found: dict[tuple[str, str], list[list[str]]] = {}
    for line in lines:
        found.setdefault((line[0], line[1]), []).append(line)
    return found


def write(prices: Iterable[Price], file: TextIO) -> None:
    """Write prices as the shipped file has them: sorted, and empty where a column has its usual value."""
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(HEADER)
    for price in sorted(prices, key=lambda price: price[2:12]):
        cells = ["" if cell == default else _text(cell) for cell, default in zip(price[4:12], _DEFAULTS, strict=True)]
        lines.writerow([price.provider, price.model, *cells, *(_text(rate) for rate in price[12:])])


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell == _midnight(cell) else cell.isoformat(timespec="minutes")
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    return str(cell)
