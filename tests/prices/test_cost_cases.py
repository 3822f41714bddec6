"""The reference cases of what a request costs: which of their rates the shipped catalogue gives."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tollbook.prices.resolve import Catalogue
from tollbook.prices.table import service_tier

RATES = {
    "input": "input",
    "cache_read": "cached_input",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "output": "output",
}
NOT_FROM_A_CATALOGUE = {
    "C18": "names no model",
    "C19": "asks for the surcharge of inference_geo, which no column of the store tells",
    "C22": "names no model; its rates are illustrative",
}
LATER = "2026-11-20T10:00:00Z"


def cases(shared: Path) -> list[dict[str, Any]]:
    return json.loads((shared / "vectors" / "cost_cases.json").read_text(encoding="utf-8"))


def rates(case: dict[str, Any]) -> dict[str, Decimal | None]:
    """Return the rates in force for the request of a case, by the case's names of token classes."""
    record, catalogue = case["record"], Catalogue.load()
    key = catalogue.resolve(record.get("provider"), record.get("model") or record["modelVersion"])
    assert key is not None
    moment = datetime.fromisoformat(record.get("ts", LATER)).replace(tzinfo=None)
    prompt = sum(count for unit, count in case["billed_units"].items() if unit != "output")
    price = catalogue.price(key, moment, prompt, service_tier(record.get("usage", {}).get("service_tier")))
    assert price is not None
    return {name: getattr(price, RATES[name]) for name in case["rates_usd_per_mtok"]}


def test_the_catalogue_gives_the_rates_of_every_case_that_names_its_model(shared: Path):
    checked = 0
    for case in cases(shared):
        if case["id"] in NOT_FROM_A_CATALOGUE:
            continue
        assert rates(case) == {name: Decimal(rate) for name, rate in case["rates_usd_per_mtok"].items()}, case["id"]
        checked += 1
    assert checked == 20


def test_a_surcharge_that_the_store_cannot_tell_is_left_out(shared: Path):
    [case] = [case for case in cases(shared) if case["id"] == "C19"]
    assert rates(case) == {"input": Decimal(3), "output": Decimal(15)}  # the case asks for 3.3 and 16.5


# USD per million tokens; independent of the shared files
BOUNDARIES = [
    ("gemini-2.5-pro", LATER, 200_000, "1.25", "10"),
    ("gemini-2.5-pro", LATER, 200_001, "2.5", "15"),
    ("claude-sonnet-4-5-20250929", "2025-12-01T10:00:00Z", 200_000, "3", "15"),
    ("claude-sonnet-4-5-20250929", "2025-12-01T10:00:00Z", 205_000, "6", "22.5"),
    ("grok-4.5", LATER, 199_999, "2", "6"),
    ("grok-4.5", LATER, 200_000, "4", "12"),
    ("gpt-5.6-luna", "2026-07-29T23:59:59Z", 100_000, "1", "6"),
    ("gpt-5.6-luna", "2026-07-30T00:00:00Z", 100_000, "0.2", "1.2"),
    ("deepseek-v4-flash", "2026-07-01T02:00:00Z", 10, "0.14", "0.28"),  # before there were peak hours
    ("deepseek-v4-flash", "2026-09-11T02:00:00Z", 10, "0.3", "1.2"),  # a Friday
    ("deepseek-v4-flash", "2026-09-12T02:00:00Z", 10, "0.15", "0.6"),  # a Saturday
    ("deepseek-v4-flash", "2026-09-11T04:00:00Z", 10, "0.15", "0.6"),  # the peak is over
    ("deepseek-v4-pro", "2026-08-22T02:00:00Z", 10, "1.32", "3.96"),  # weekends are cheap from the 23rd
    ("deepseek-chat", "2025-09-05T15:59:59Z", 10, "0.27", "1.1"),
    ("deepseek-chat", "2025-09-05T16:00:00Z", 10, "0.56", "1.68"),
]


@pytest.mark.parametrize(("model", "moment", "prompt", "input_rate", "output_rate"), BOUNDARIES)
def test_prices_change_exactly_at_their_boundaries(
    model: str, moment: str, prompt: int, input_rate: str, output_rate: str
):
    catalogue = Catalogue.load()
    key = catalogue.resolve(None, model)
    assert key is not None
    price = catalogue.price(key, datetime.fromisoformat(moment).replace(tzinfo=None), prompt)
    assert price is not None
    assert (price.input, price.output) == (Decimal(input_rate), Decimal(output_rate))
