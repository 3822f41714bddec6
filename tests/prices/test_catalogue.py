"""The shipped catalogue as data: what must hold for every row of it."""

import csv
import io
import itertools
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

import tollbook.prices
from tollbook.prices import table
from tollbook.prices.resolve import Catalogue
from tollbook.prices.table import Price, service_tier
from tollbook.store.connection import writer

FOLDER = Path(tollbook.prices.__file__).parent


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def prices(catalogue: Catalogue) -> list[Price]:
    return [price for key in catalogue.all_keys() for price in catalogue.prices(key)]


def meet(one: Price, other: Price) -> bool:
    """Tell whether a request could fall under both."""
    return (
        one.service_tier == other.service_tier
        and max(one.valid_from, other.valid_from) < min(one.valid_until, other.valid_until)
        and max(one.over_tokens, other.over_tokens) < min(one.upto_tokens, other.upto_tokens)
        and max(one.minute_from, other.minute_from) < min(one.minute_until, other.minute_until)
        and one.weekdays & other.weekdays != 0
    )


def test_no_request_falls_under_two_prices(catalogue: Catalogue):
    clashes = [
        (one.price_id, other.price_id)
        for key in catalogue.all_keys()
        for one, other in itertools.combinations(catalogue.prices(key), 2)
        if meet(one, other)
    ]
    assert clashes == []


def test_every_price_covers_some_request_and_has_some_rate(prices: list[Price]):
    for price in prices:
        assert price.valid_from < price.valid_until
        assert price.over_tokens < price.upto_tokens
        assert 0 <= price.minute_from < price.minute_until <= 1440
        assert 0 < price.weekdays <= 127
        assert any(rate is not None for rate in price[12:])


def test_the_prices_of_a_model_leave_no_gap_between_prompt_sizes_hours_or_days(catalogue: Catalogue):
    for key in catalogue.all_keys():
        standard = [price for price in catalogue.prices(key) if price.service_tier == "standard"]
        moments = {price.valid_from + timedelta(days=day) for price in standard for day in range(7)}
        minutes = {price.minute_from for price in standard} | {price.minute_until - 1 for price in standard}
        tokens = {0} | {price.over_tokens + 1 for price in standard} | {price.upto_tokens for price in standard}
        for moment, minute, prompt in itertools.product(moments, minutes, tokens):
            when = moment + timedelta(minutes=minute)
            if min(price.valid_from for price in standard) <= when < max(price.valid_until for price in standard):
                assert sum(price.applies(when, prompt) for price in standard) == 1, (key, when, prompt)


def test_ids_are_unique_and_name_the_model(prices: list[Price]):
    assert len({price.price_id for price in prices}) == len(prices)
    assert all(price.price_id.startswith(price.key) for price in prices)


def test_the_store_takes_every_price_as_it_is(prices: list[Price], tmp_path: Path):
    columns = ", ".join("?" for _ in Price._fields)
    with writer(tmp_path / "store.duckdb") as con:
        names = [name for name, *_ in con.execute("DESCRIBE store.prices").fetchall()]
        assert names == list(Price._fields)
        some = prices[::20]
        con.executemany(f"INSERT INTO store.prices VALUES ({columns})", some)
        stored = con.execute("SELECT * FROM store.prices ORDER BY price_id").fetchall()
    assert stored == [tuple(price) for price in sorted(some, key=lambda price: price.price_id)]


def test_the_version_names_the_source_and_the_revision_of_the_corrections(catalogue: Catalogue, prices: list[Price]):
    revision = tomllib.loads((FOLDER / "corrections.toml").read_text(encoding="utf-8"))["revision"]
    assert catalogue.version == f"genai-prices-0.2.3+{revision}"
    assert {price.catalogue for price in prices} == {catalogue.version}


def test_every_correction_has_a_source_and_is_in_the_catalogue(prices: list[Price]):
    with (FOLDER / "corrections.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert all(line["source"] for line in lines)
    corrected = {table.make([line[column] for column in table.HEADER], prices[0].catalogue) for line in lines}
    assert corrected <= set(prices)


def test_writing_what_was_read_changes_nothing(prices: list[Price]):
    file = io.StringIO()
    table.write(prices, file)
    assert file.getvalue() == (FOLDER / "data" / "prices.csv").read_text(encoding="utf-8")


def test_the_shipped_files_stay_small():
    assert sum(file.stat().st_size for file in (FOLDER / "data").iterdir()) < 1_000_000


@pytest.mark.parametrize(
    ("logged", "tier"),
    [
        (None, "standard"),
        ("", "standard"),
        ("default", "standard"),
        ("On-Demand", "standard"),
        ("auto", "standard"),
        ("batch", "batch"),
        ("FLEX", "flex"),
        ("priority", "priority"),
        ("ON_DEMAND_FLEX", "flex"),
        ("ON_DEMAND_PRIORITY", "priority"),
        ("scale", "scale"),
    ],
)
def test_tiers_are_named_as_the_catalogue_names_them(logged: str | None, tier: str):
    assert service_tier(logged) == tier
