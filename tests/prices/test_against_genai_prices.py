"""The catalogue against the calculator of the package that it was exported from, on random requests."""

import csv
import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import tollbook.prices
from tollbook.prices.resolve import Catalogue
from tollbook.prices.table import Price

genai_prices = pytest.importorskip("genai_prices", reason="needs the development dependency genai-prices")
types = genai_prices.types
SNAPSHOT = genai_prices.data_snapshot.get_snapshot()
PROVIDERS = SNAPSHOT.providers

Drawn = tuple[datetime, int, int, int, int, int]  # moment; prompt, cached, written, written for an hour, output tokens
FOLDER = Path(tollbook.prices.__file__).parent
FIRST, LAST = datetime(2024, 1, 1), datetime(2027, 3, 1)
BOUNDARIES = (32_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288)
CONTEXTS = {
    "batch": [{"processing": "batch"}],
    "flex": [{"service_tier": "flex"}],
    "priority": [{"service_tier": "priority"}],
    "fast": [{"service_tier": "fast"}, {"speed": "fast"}],
}
PRICE_KEYS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok")


def corrected() -> set[str]:
    with (FOLDER / "corrections.csv").open(encoding="utf-8", newline="") as file:
        return {f"{line['provider']}/{line['model']}" for line in csv.DictReader(file)}


def standard_prices(model: types.ModelInfo) -> list[types.ModelPrice]:
    return [each.prices for each in model.prices] if isinstance(model.prices, list) else [model.prices]


def exactly_representable(model: types.ModelInfo) -> bool:
    """Some hosts publish 0.18000000000000002; the store's nine decimals make that 0.18."""
    rates = [getattr(price, key) for price in standard_prices(model) for key in PRICE_KEYS]
    return all(rate.as_tuple().exponent >= -9 for rate in rates if isinstance(rate, Decimal))


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - samples, not secrets


def draw(generator: random.Random) -> Drawn:
    """Return a moment and prompt, cached, written, written for an hour, and output tokens; boundaries are frequent."""
    moment = FIRST + timedelta(minutes=generator.randrange(int((LAST - FIRST).total_seconds()) // 60))
    if generator.random() < 0.2:
        moment = moment.replace(hour=0, minute=0)
    prompt = generator.choice([generator.randrange(600_000), generator.choice(BOUNDARIES) + generator.randrange(2)])
    cached = generator.randrange(prompt + 1) if generator.random() < 0.6 else 0
    written = generator.randrange(prompt - cached + 1) if generator.random() < 0.6 else 0
    hour = generator.randrange(written + 1) if generator.random() < 0.5 else 0
    return moment, prompt, cached, written, hour, generator.randrange(10_000)


def cost(price: Price, drawn: Drawn) -> Decimal:
    """Return what the store's formula makes of it, in USD."""
    _, prompt, cached, written, hour, output = drawn
    plain = price.input or Decimal(0)
    write = price.cache_write if price.cache_write is not None else plain
    micro = (
        plain * (prompt - cached - written)
        + (price.cached_input if price.cached_input is not None else plain) * cached
        + write * (written - hour)
        + (price.cache_write_1h if price.cache_write_1h is not None else write) * hour
        + (price.output or Decimal(0)) * output
    )
    return micro / 1_000_000


def genai_cost(
    model: types.ModelInfo, provider: types.Provider, drawn: Drawn, context: dict[str, str] | None = None
) -> Decimal:
    moment, prompt, cached, written, hour, output = drawn
    usage = types.Usage(
        input_tokens=prompt,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        output_tokens=output,
    )
    calculation = model.calc_price(usage, provider, genai_request_timestamp=moment, price_context=context)
    return calculation.total_price


def has_own_hour_rate(model: types.ModelInfo) -> bool:
    return all(price.cache_write_1h_mtok is not None for price in standard_prices(model))


def test_every_uncorrected_model_costs_the_same_to_the_last_digit():
    catalogue, generator = Catalogue.load(), seeded(20261123)
    known, skip = set(catalogue.all_keys()), corrected()
    compared = 0
    for provider in PROVIDERS:
        for model in provider.models:
            key = f"{provider.id}/{model.id}"
            if key not in known or key in skip or not exactly_representable(model):
                continue
            for _ in range(3):
                drawn = draw(generator)
                if provider.id == "google" and not has_own_hour_rate(model):
                    drawn = (*drawn[:4], 0, drawn[5])
                price = catalogue.price(key, drawn[0], drawn[1])
                expected = genai_cost(model, provider, drawn)
                assert price is not None or expected == 0, (key, drawn)
                if price is not None:
                    assert cost(price, drawn) == expected, (key, drawn)
                    compared += 1
    assert compared > 6_000


def test_tiers_cost_the_same_once_genai_prices_knows_them():
    catalogue, generator = Catalogue.load(), seeded(7)
    compared = 0
    for provider in PROVIDERS:
        for model in provider.models:
            for variant in model.price_variants or ():
                tier = next((tier for tier, contexts in CONTEXTS.items() if variant.when in contexts), None)
                key = f"{provider.id}/{model.id}"
                if tier is None or not catalogue.prices(key):
                    continue
                for _ in range(20):
                    drawn = draw(generator)
                    if variant.constraint is not None and not variant.constraint.active(drawn[0]):
                        continue
                    price = catalogue.price(key, drawn[0], drawn[1], tier)
                    assert price is not None
                    assert cost(price, drawn) == genai_cost(model, provider, drawn, variant.when)
                    compared += 1
    assert compared > 300


def test_earlier_batch_requests_cost_half_of_the_price_then():
    catalogue, generator = Catalogue.load(), seeded(11)
    for provider in PROVIDERS:
        if provider.id != "anthropic":
            continue
        for model in provider.models:
            drawn = draw(generator)
            drawn = (datetime(2026, 6, 4, 10) + timedelta(days=generator.randrange(100)), *drawn[1:])
            price = catalogue.price(f"anthropic/{model.id}", drawn[0], drawn[1], "batch")
            assert price is not None
            assert cost(price, drawn) * 2 == genai_cost(model, provider, drawn), model.id
    assert catalogue.price("anthropic/claude-3-haiku", datetime(2024, 10, 7, 23, 59), 10, "batch") is None


def test_azure_and_vertex_charge_the_makers_price_for_models_that_they_resell():
    catalogue, generator = Catalogue.load(), seeded(3)
    for provider_id, name in [("azure", "gpt-4o-2024-08-06"), ("azure", "gpt-5-mini"), ("google", "claude-sonnet-5")]:
        provider, model = SNAPSHOT.find_provider_model(name, None, provider_id, None)
        key = catalogue.resolve(provider_id, name)
        assert key is not None
        for _ in range(20):
            drawn = draw(generator)
            price = catalogue.price(key, drawn[0], drawn[1])
            assert price is not None
            assert cost(price, drawn) == genai_cost(model, provider, drawn)


def test_every_model_id_means_what_genai_prices_says_it_means_or_nothing():
    catalogue = Catalogue.load()
    names_of_corrections = {key.partition("/")[2].lower() for key in corrected()}
    for provider in PROVIDERS:
        for name in (model.id for model in provider.models):
            key = catalogue.resolve(provider.id, name)
            if key is None or name.lower() in names_of_corrections:
                continue
            full_name = name if provider.id != "fireworks" else f"accounts/fireworks/models/{name}"
            expected = provider.find_model(full_name, all_providers=PROVIDERS)
            assert expected is not None
            assert key == f"{provider.id}/{expected.id}"


def test_few_priced_models_are_out_of_reach_of_their_own_name():
    """Bedrock's `regional.` ids and Fireworks' `-fast` and `-us` are names of prices, not of models."""
    catalogue = Catalogue.load()
    lost = [
        key
        for key in catalogue.all_keys()
        if not key.startswith(("aws/regional.", "fireworks/")) and catalogue.resolve(*key.split("/", 1)) is None
    ]
    assert lost == [
        "mistral/codestral",  # logged as codestral-latest and the like
        "mistral/magistral-small",
        "mistral/mistral-medium-3-1",
        "mistral/pixtral-large",
        "openai/ft:gpt-4o",  # logged with the name of the fine-tune
        "openai/ft:gpt-4o-mini",
    ]


def test_the_shipped_files_are_what_the_generator_makes(tmp_path: Path):
    generate = pytest.importorskip("tollbook.prices.generate")
    generate.write(tmp_path)
    for name in ("prices.csv", "models.json"):
        assert (tmp_path / name).read_bytes() == (FOLDER / "data" / name).read_bytes(), name
