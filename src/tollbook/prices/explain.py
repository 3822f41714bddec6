"""The reports of the commands `prices list` and `prices show`."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import datetime

from tollbook.errors import TollbookError, UsageError
from tollbook.prices.resolve import Catalogue
from tollbook.prices.table import (
    ALL_DAYS,
    ALL_TOKENS,
    ALWAYS_FROM,
    ALWAYS_UNTIL,
    DAY_MINUTES,
    NO_TOKENS,
    STANDARD,
    Price,
)
from tollbook.report.model import Column, Kind, Report

_RATES = tuple(
    Column(name, Kind.MONEY) for name in ("input", "cached_input", "cache_write", "cache_write_1h", "output")
)
_LIST = (Column("provider", Kind.TEXT), Column("model", Kind.TEXT), *_RATES, Column("varies_by", Kind.TEXT, missing=""))
_SHOW = (
    Column("service_tier", Kind.TEXT),
    Column("valid_from", Kind.TIME, missing="always"),
    Column("valid_until", Kind.TIME, missing="open"),
    Column("over_tokens", Kind.COUNT, missing=""),
    Column("upto_tokens", Kind.COUNT, missing=""),
    Column("hours_utc", Kind.TEXT, missing="all"),
    *_RATES,
    Column("in_force", Kind.FLAG),
)
_USUAL = ("anthropic/", "openai/", "google/", "mistral/", "x-ai/", "deepseek/", "cohere/", "aws/", "azure/", "groq/")
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def list_report(catalogue: Catalogue, now: datetime, *, provider: str | None, model_filter: str | None) -> Report:
    """Return what every model costs now, in the ordinary tier, for a short prompt.

    Args:
        catalogue: Where the prices are.
        now: Naive UTC.
        provider: Only this provider, in any usual spelling.
        model_filter: Only models whose name holds this text, in any case.

    Raises:
        UsageError: There is no such provider.
    """
    chosen = _provider(catalogue, provider)
    wanted = (model_filter or "").lower()
    rows = []
    for key in catalogue.all_keys():
        owner, _, model = key.partition("/")
        if (chosen and owner != chosen) or wanted not in model.lower():
            continue
        prices = catalogue.prices(key)
        current = next((price for price in prices if price.applies(now, 0)), None)
        rates = current[12:] if current else (None,) * len(_RATES)
        rows.append((owner, model, *rates, ", ".join(_varies(prices)) or None))
    filters = [f"provider={chosen}" if chosen else "", f"model~{model_filter}" if model_filter else ""]
    return Report(
        name="prices-list",
        title=f"List prices, USD per million tokens ({catalogue.version})",
        columns=_LIST,
        rows=tuple(rows),
        generated_at=now,
        filters=tuple(text for text in filters if text),
        currency="USD",
        details={"catalogue": catalogue.version},
    )


def show_report(
    catalogue: Catalogue,
    model: str,
    now: datetime,
    *,
    provider: str | None,
    aliases: Mapping[str, str],
    only_now: bool,
) -> Report:
    """Return every price of a model, and how its name was understood.

    Args:
        catalogue: Where the prices are.
        model: A model as logs name it, or a catalogue key.
        now: Naive UTC.
        provider: The provider as logs name it, or None.
        aliases: The configuration's aliases.
        only_now: Leave out prices that do not hold on the day of `now`.

    Raises:
        TollbookError: The model has no price; the message names the nearest and how to alias.
        UsageError: There is no such provider.
    """
    if provider:
        _provider(catalogue, provider)
    match = catalogue.match(provider, model, aliases)
    if match is None:
        raise TollbookError(_no_price(catalogue, model, aliases.get(model)))
    prices = catalogue.prices(match.key)
    if only_now:
        prices = [price for price in prices if price.valid_from <= now < price.valid_until]
    prices.sort(key=lambda price: (price.service_tier != STANDARD, price.service_tier, *price[5:12]))
    named = f"{model} is priced as {match.key}" if model != match.key else match.key
    return Report(
        name="prices-show",
        title=f"{named}, USD per million tokens ({catalogue.version})",
        columns=_SHOW,
        rows=tuple(_row(price, now) for price in prices),
        generated_at=now,
        currency="USD",
        details={
            "catalogue": catalogue.version,
            "key": match.key,
            "matched": {"name": match.name, "by": match.how, "alias": match.alias},
        },
    )


def _row(price: Price, now: datetime) -> tuple[object, ...]:
    return (
        price.service_tier,
        None if price.valid_from == ALWAYS_FROM else price.valid_from,
        None if price.valid_until == ALWAYS_UNTIL else price.valid_until,
        None if price.over_tokens == NO_TOKENS else price.over_tokens,
        None if price.upto_tokens == ALL_TOKENS else price.upto_tokens,
        _hours(price),
        *price[12:],
        price.applies(now, price.over_tokens + 1, price.service_tier),
    )


def _hours(price: Price) -> str | None:
    """Return when in the week a price holds: `01:00-04:00 Mon-Fri`; None is always."""
    days, start, end = price.weekdays, price.minute_from, price.minute_until
    hours = "" if (start, end) == (0, DAY_MINUTES) else f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    if days == ALL_DAYS:
        return hours or None
    names = [name for bit, name in enumerate(_DAY_NAMES) if days >> bit & 1]
    span = f"{names[0]}-{names[-1]}" if len(names) > 1 else names[0]
    return f"{hours} {span}".strip()


def _varies(prices: Iterable[Price]) -> list[str]:
    """Return by what else than the token class the prices of a model differ."""
    prices = list(prices)
    tiers = sorted({price.service_tier for price in prices} - {STANDARD})
    found = []
    if any(price.valid_from != ALWAYS_FROM for price in prices if price.service_tier == STANDARD):
        found.append("date")
    if any(price.over_tokens != NO_TOKENS for price in prices):
        found.append("prompt size")
    if any(_hours(price) for price in prices):
        found.append("hour")
    return found + tiers


def _provider(catalogue: Catalogue, text: str | None) -> str | None:
    if not text:
        return None
    found = catalogue.provider(text)
    if found is None:
        known = sorted({key.partition("/")[0] for key in catalogue.all_keys()})
        near = difflib.get_close_matches(text.lower(), known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
        raise UsageError(f"The catalogue has no provider {text!r}. {hint}")
    return found


def _no_price(catalogue: Catalogue, model: str, alias: str | None) -> str:
    if alias is not None:
        return f"The alias of {model!r} in the configuration, {alias!r}, names nothing that the catalogue prices."
    near = nearest(catalogue, model)
    if not near:
        return f"The catalogue has no price for {model!r}. See what it has: tollbook prices list --model-filter TEXT"
    return (
        f"The catalogue has no price for {model!r}. Nearest are {', '.join(near)}. To price it as one of them, "
        f'put this into tollbook.toml under [models.aliases]: "{model}" = "{near[0]}"'
    )


def doubts_about_aliases(catalogue: Catalogue, aliases: Mapping[str, str]) -> list[str]:
    """Return a sentence for every alias to a name that the catalogue prices for no provider, with the nearest name."""
    providers = [None, *dict.fromkeys(key.partition("/")[0] for key in catalogue.all_keys())]
    sentences = []
    for name, target in aliases.items():
        if not any(catalogue.resolve(provider, target) for provider in providers):
            near = nearest(catalogue, target, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "See what it has: tollbook prices list"
            sentences.append(
                f"models.aliases: the catalogue has no price for {target!r}, and {name!r} gets none. {hint}"
            )
    return sentences


def nearest(catalogue: Catalogue, model: str, count: int = 3) -> list[str]:
    """Return the keys whose model is spelled most like a name, the nearest first; none where none is near."""
    by_model: dict[str, list[str]] = {}
    for key in catalogue.all_keys():
        by_model.setdefault(key.partition("/")[2].lower(), []).append(key)
    near = difflib.get_close_matches(model.lower().rpartition("/")[2], by_model, n=2 * count)
    keys = [min(by_model[name], key=_rank) for name in near]
    return sorted(keys, key=lambda key: _rank(key) == len(_USUAL))[:count]


def _rank(key: str) -> int:
    """Return how early a provider comes among those that people mean most: makers, then clouds, then the others."""
    return next((rank for rank, provider in enumerate(_USUAL) if key.startswith(provider)), len(_USUAL))
