"""Export genai-prices, corrected, to the files that tollbook ships: `python -m tollbook.prices.generate`.

A development tool: it needs the package genai-prices, which reports and ingest never import. It writes
`data/prices.csv` (the rows of the table `prices`) and `data/models.json` (which names mean which model), and
changes nothing when run twice.
"""

import csv
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import genai_prices.types as genai
from genai_prices.data import providers as genai_providers

from tollbook.prices import table
from tollbook.prices.rules import Rule
from tollbook.prices.table import ALL_TOKENS, ALWAYS_FROM, ALWAYS_UNTIL, DAY_MINUTES, NO_TOKENS, STANDARD, Price

_HERE = Path(__file__).parent
_RATES = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok")
_EXACT = Decimal("0.000000001")  # DECIMAL(18, 9); some hosts publish binary fractions with 17 digits

# Prices of parts of a call that the store does not tell apart: without them a cost would be wrong, not incomplete.
_NOT_CARRIED = {"requests_kcount", "output_reasoning_mtok", "output_citation_mtok"}
_TIERS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
_OTHER_VARIANTS = {
    ("service_tier", "default"),
    ("route", "mistral/eu"),
    ("search_type", "fast"),
    ("search_type", "web"),
}

Rates = tuple[Decimal | None, ...]
Band = tuple[int, int, Rates]  # over_tokens, upto_tokens, rates
Stretch = tuple[int, int, tuple[Band, ...]]  # minute_from, minute_until, bands


@dataclass(frozen=True)
class Discount:
    """A tier that cost a share of the ordinary price before genai-prices knew it (an entry of `corrections.toml`)."""

    share: Decimal
    since: datetime
    every_model: bool


def main() -> None:
    """Write both files of the package and say what is in them."""
    sys.stderr.write(write(_HERE / "data") + "\n")


def write(folder: Path) -> str:
    """Write `prices.csv` and `models.json` into a folder; return one line on what they hold."""
    rules = tomllib.loads((_HERE / "corrections.toml").read_text(encoding="utf-8"))
    with (_HERE / "corrections.csv").open(encoding="utf-8", newline="") as file:
        corrections = list(csv.DictReader(file))
    catalogue = f"genai-prices-{version('genai-prices')}+{rules['revision']}"
    prices, models = build(rules, corrections, catalogue)
    with (folder / "prices.csv").open("w", encoding="utf-8", newline="") as file:
        table.write(prices, file)
    (folder / "models.json").write_text(_pretty(catalogue, models), encoding="utf-8")
    keys = {price.key for price in prices}
    return f"{catalogue}: {len(prices)} prices of {len(keys)} models of {len(models)} providers"


def build(
    rules: Mapping[str, Any], corrections: list[dict[str, str]], catalogue: str
) -> tuple[list[Price], dict[str, dict[str, Any]]]:
    """Return the catalogue: its prices, and by provider its rules (`guess`, `models`: pairs of id and rule)."""
    discounts = {
        (entry["provider"], entry["tier"]): Discount(
            Decimal(entry["share"]), datetime.combine(entry["since"], time()), entry["every_model"]
        )
        for entry in rules["discount"]
    }
    models: dict[str, dict[str, Any]] = {}
    prices: list[Price] = []
    for provider in genai_providers:
        models[provider.id] = {"models": [(model.id, _rule(model.match)) for model in provider.models]}
        if provider.model_match is not None:
            models[provider.id]["guess"] = _rule(provider.model_match)
        for model in provider.models:
            prices += _prices(catalogue, provider.id, model, discounts)

    prices = list(_with_one_hour_cache(prices, rules["one_hour_cache"]))
    prices = _corrected(prices, models, corrections, catalogue)
    wrong = {f"{entry['provider']}/{model}" for entry in rules["unpriced"] for model in entry["models"]}
    prices = [price for price in prices if price.key not in wrong]
    for entry in rules["name"]:
        models[entry["provider"]]["models"].insert(0, (entry["model"], entry["rule"]))
    for resale in rules["resale"]:
        prices += _resold(prices, models, resale)
    return prices, models


# --- one model ---------------------------------------------------------------------------------------------------


def _prices(
    catalogue: str, provider: str, model: genai.ModelInfo, discounts: Mapping[tuple[str, str], Discount]
) -> Iterator[Price]:
    conditional = model.prices if isinstance(model.prices, list) else [genai.ConditionalPrice(prices=model.prices)]
    if any(key in _NOT_CARRIED for each in conditional for key, rate in vars(each.prices).items() if rate is not None):
        return
    variants: dict[str, list[genai.PriceVariant]] = {}
    for variant in model.price_variants or ():
        [when] = variant.when.items()
        if when in _TIERS:
            variants.setdefault(_TIERS[when], []).append(variant)
        elif when not in _OTHER_VARIANTS:
            raise ValueError(f"genai-prices has a new kind of price variant: {when}. Decide what it means.")
    discounted = {tier for (owner, tier), discount in discounts.items() if owner == provider and discount.every_model}

    for tier in (STANDARD, *sorted(variants.keys() | discounted)):
        discount = discounts.get((provider, tier))
        timeline = _Timeline(model, conditional, variants.get(tier, []), discount, is_standard=tier == STANDARD)
        for since, until, stretches in timeline.merged():
            for minute_from, minute_until, bands in stretches:
                for over, upto, rates in bands:
                    row = (
                        provider,
                        model.id,
                        tier,
                        since,
                        until,
                        over,
                        upto,
                        minute_from,
                        minute_until,
                        table.ALL_DAYS,
                    )
                    yield Price(table.price_id(row), catalogue, *row, *rates)


@dataclass(frozen=True)
class _Timeline:
    """What one model costs in one tier over time."""

    model: genai.ModelInfo
    conditional: list[genai.ConditionalPrice]
    variants: list[genai.PriceVariant]
    discount: Discount | None
    is_standard: bool

    def merged(self) -> list[tuple[datetime, datetime, tuple[Stretch, ...]]]:
        """Return from when until when which prices hold, in order; neighbours differ."""
        found: list[tuple[datetime, datetime, tuple[Stretch, ...]]] = []
        for since, until in pairwise([ALWAYS_FROM, *self._dates(), ALWAYS_UNTIL]):
            day = until - timedelta(days=1) if since == ALWAYS_FROM else since
            stretches = tuple(self._stretches(day))
            if found and found[-1][2] == stretches:
                since = found.pop()[0]  # noqa: PLW2901 - the earlier one goes on
            found.append((since, until, stretches))
        return found

    def _dates(self) -> list[datetime]:
        constraints = [each.constraint for each in self.conditional] + [each.constraint for each in self.variants]
        dates = {
            datetime.combine(each.start_date, time())
            for each in constraints
            if isinstance(each, genai.StartDateConstraint)
        }
        if self.discount:
            dates.add(self.discount.since)
        return sorted(dates)

    def _stretches(self, day: datetime) -> list[Stretch]:
        times = [
            each.constraint for each in self.conditional if isinstance(each.constraint, genai.TimeOfDateConstraint)
        ]
        minutes = {moment.hour * 60 + moment.minute for each in times for moment in (each.start_time, each.end_time)}
        found: list[Stretch] = []
        for start, end in pairwise(sorted({0, DAY_MINUTES} | minutes)):
            bands = tuple(self._bands(day + timedelta(minutes=start)))
            if found and found[-1][2] == bands:
                start = found.pop()[0]  # noqa: PLW2901
            found.append((start, end, bands))
        return found

    def _bands(self, moment: datetime) -> list[Band]:
        if self.is_standard:
            return _bands(self.model, vars(self.model.get_prices(moment)))
        for variant in self.variants:
            if variant.constraint is None or variant.constraint.active(moment):
                return _bands(self.model, vars(self.model.get_prices(moment, variant.when)))
        if self.discount and moment >= self.discount.since:
            return _bands(self.model, self._discounted(moment, self.discount.share))
        return []

    def _discounted(self, moment: datetime, share: Decimal) -> Mapping[str, Any]:
        """Return the prices of before the variant was known: the same ones, or the same share of the price then."""
        standard = vars(self.model.get_prices(moment))
        if not self.variants:
            return {key: _times(price, share) for key, price in standard.items()}
        [variant] = self.variants
        if not isinstance(variant.constraint, genai.StartDateConstraint):
            return {}
        known_from = datetime.combine(variant.constraint.start_date, time())
        known = vars(self.model.get_prices(known_from, variant.when))
        then = vars(self.model.get_prices(known_from))
        if known.get("input_mtok") != _times(then.get("input_mtok"), share):
            return {}
        if standard == then:
            return known
        own = vars(variant.prices)
        return {key: _times(price, share) if own.get(key) is not None else price for key, price in standard.items()}


def _times(price: Any, share: Decimal) -> Any:
    if isinstance(price, genai.TieredPrices):
        tiers = [genai.Tier(start=tier.start, price=tier.price * share) for tier in price.tiers]
        return genai.TieredPrices(base=price.base * share, tiers=tiers)
    return None if price is None else price * share


def _bands(model: genai.ModelInfo, prices: Mapping[str, Any]) -> list[Band]:
    """Return the rates by prompt size. Without any rate there is no price, unless the name says that it is free."""
    carried = [prices.get(key) for key in _RATES]
    if all(price is None for price in carried):
        if model.id.endswith(":free") and not any(price is not None for price in prices.values()):
            return [(NO_TOKENS, ALL_TOKENS, (Decimal(0), None, None, None, Decimal(0)))]
        return []
    starts = sorted({tier.start for price in carried if isinstance(price, genai.TieredPrices) for tier in price.tiers})
    bands = []
    for over, upto in pairwise([NO_TOKENS, *starts, ALL_TOKENS]):
        bands.append((over, upto, tuple(_rate(price, over) for price in carried)))
    return bands


def _rate(price: Any, over: int) -> Decimal | None:
    if isinstance(price, genai.TieredPrices):
        price = next((tier.price for tier in reversed(price.tiers) if over >= tier.start), price.base)
    return None if price is None else price.quantize(_EXACT).normalize() + 0


def _rule(clause: Any) -> Rule:
    """Return a rule of genai-prices as plain JSON, its texts in lower case."""
    [(name, value)] = vars(clause).items()
    if isinstance(value, list):
        return {name.rstrip("_"): [_rule(part) for part in value]}
    return {name: value if name == "regex" else value.lower()}


# --- corrections -------------------------------------------------------------------------------------------------


def _corrected(
    prices: list[Price], models: dict[str, dict[str, Any]], corrections: list[dict[str, str]], catalogue: str
) -> list[Price]:
    """Put the rows of `corrections.csv` in the place of those of their model and tier; name new models first."""
    new = [table.make([line[column] for column in table.HEADER], catalogue) for line in corrections]
    replaced = {(price.key, price.service_tier) for price in new}
    for line in corrections:
        entry = (line["model"], {"equals": line["names"]})
        if line["names"] and entry not in models[line["provider"]]["models"]:
            models[line["provider"]]["models"].insert(0, entry)
    return [price for price in prices if (price.key, price.service_tier) not in replaced] + new


def _with_one_hour_cache(prices: Iterable[Price], entries: list[dict[str, str]]) -> Iterator[Price]:
    for price in prices:
        for entry in entries:
            if (
                price.provider == entry["provider"]
                and price.model.startswith(entry["model_starts_with"])
                and price.cache_write is not None
                and price.cache_write_1h is None
                and price.input is not None
            ):
                price = price._replace(cache_write_1h=price.input * Decimal(entry["input_times"]))  # noqa: PLW2901
        yield price


def _resold(prices: list[Price], models: dict[str, dict[str, Any]], resale: Mapping[str, Any]) -> list[Price]:
    """Return the prices of a provider that sells others' models, and make their names known after its own."""
    seller = resale["provider"]
    own = {price.model for price in prices if price.provider == seller}
    resold = []
    for maker in resale["of"]:
        models[seller]["models"] += models[maker]["models"]
        for price in prices:
            of_maker = price.provider == maker and not price.model.startswith("ft:")  # hosting fine-tunes costs extra
            if of_maker and price.service_tier in resale["tiers"] and price.model not in own:
                copy = price._replace(provider=seller)
                resold.append(copy._replace(price_id=table.price_id(copy[2:])))
    return resold


def _pretty(catalogue: str, models: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the models as JSON, a model a line, so that a change shows as what it is."""
    parts = []
    for provider in sorted(models):
        rules = models[provider]
        lines = ",\n".join(json.dumps(list(pair), separators=(",", ":")) for pair in rules["models"])
        guess = json.dumps(rules.get("guess"), separators=(",", ":"))
        parts.append(f'{json.dumps(provider)}:{{"guess":{guess},"models":[\n{lines}\n]}}')
    return f'{{"version":{json.dumps(catalogue)},"providers":{{\n' + ",\n".join(parts) + "\n}}\n"


if __name__ == "__main__":
    main()
