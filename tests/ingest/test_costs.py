"""The reference cases of what a request costs, as lines of a log through ingest into the store."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reading import ask, read
from tollbook.prices.table import ALL_DAYS, ALL_TOKENS, ALWAYS_FROM, ALWAYS_UNTIL, DAY_MINUTES, NO_TOKENS, Price

CASES = (
    "C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C11", "C12", "C13",
    "C14a", "C14b", "C15", "C16", "C17", "C18", "C19", "C20", "C21", "C22",
)  # fmt: skip
RATES = {
    "input": "input",
    "cache_read": "cached_input",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "output": "output",
}
LATER = "2026-11-20T10:00:00Z"


class OnePrice:
    """A catalogue of one price, which every model has."""

    def __init__(self, rates: dict[str, Decimal], tier: str = "standard", **bounds: Any) -> None:
        self.rates, self.tier, self.bounds = rates, tier, bounds

    def resolve(self, *_: object) -> str:
        return "test/model"

    def prices(self, key: str) -> list[Price]:
        provider, model = key.split("/")
        price = Price(
            "test", "of the test", provider, model, self.tier, ALWAYS_FROM, ALWAYS_UNTIL, NO_TOKENS, ALL_TOKENS, 0,
            DAY_MINUTES, ALL_DAYS, *(self.rates.get(name) for name in RATES.values()),
        )  # fmt: skip
        return [price._replace(**self.bounds)]


def lines_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the record of a case as lines: with a time, and a model where it names none.

    They are native lines, but for the counts that a client sums up by model: those are a result of `claude -p`.
    """
    record = dict(case["record"])
    if "modelUsage" in record:  # which of the cache writes were for an hour, the client says beside it
        written = {
            "ephemeral_5m_input_tokens": case["billed_units"].get("cache_write", 0),
            "ephemeral_1h_input_tokens": case["billed_units"].get("cache_write_1h", 0),
        }
        return [
            {"type": "result", "timestamp": LATER, "session_id": "s", "uuid": "u", "usage": {"cache_creation": written},
             "modelUsage": {record["model"]: record["modelUsage"]}}
        ]  # fmt: skip
    if "lines" in record:  # blocks of one streamed answer, in Anthropic's words
        counts = [
            {"input_tokens": each["input"], "output_tokens": each["output"],
             "cache_creation_input_tokens": each["cw"], "cache_read_input_tokens": each["cr"]}
            for each in record["lines"]
        ]  # fmt: skip
        return [{"ts": LATER, "id": "msg_1", "model": record["model"], "usage": usage} for usage in counts]
    record.setdefault("ts", LATER)
    record.setdefault("model", record.get("modelVersion", "m"))
    return [record]


def cost(tmp_path: Path, catalogue: Any, *records: dict[str, Any]) -> Decimal | None:
    """Return the computed cost of the one request that records make."""
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    (outcome,) = read(store, log, catalogue=catalogue)
    assert outcome.account.rejected == 0
    ((found,),) = ask(store, "SELECT computed_cost FROM requests")
    return found  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, dict[str, Any]]:
    return {case["id"]: case for case in json.loads((shared / "vectors" / "cost_cases.json").read_text())}


def test_every_case_is_tested(cases: dict[str, dict[str, Any]]):
    assert sorted(cases) == sorted(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_line_costs_exactly_what_the_case_says(cases: dict[str, dict[str, Any]], name: str, tmp_path: Path):
    case = cases[name]
    rates = {RATES[unit]: Decimal(rate) for unit, rate in case["rates_usd_per_mtok"].items()}
    tier = case["record"].get("usage", {}).get("service_tier", "standard")
    found = cost(tmp_path, OnePrice(rates, tier), *lines_of(case))
    assert found == Decimal(case["expected_usd"])
    assert str(found).rstrip("0") == case["expected_usd"]  # no digit lost, none invented


def spans(*found: tuple[int, int, dict[str, Any]]) -> dict[str, Any]:
    """Return a line of OpenTelemetry spans, each a number, that of its parent, and its GenAI attributes."""
    return {
        "scopeSpans": [
            {
                "spans": [
                    {
                        "traceId": "0af7651916cd43dd8448eb211c80319c",
                        "spanId": f"{number:016x}",
                        "parentSpanId": f"{parent:016x}" if parent else "",
                        "startTimeUnixNano": "1791187200000000000",
                        "endTimeUnixNano": "1791187201000000000",
                        "attributes": [
                            {"key": f"gen_ai.{key}", "value": {"stringValue": value}}
                            if isinstance(value, str)
                            else {"key": f"gen_ai.{key}", "value": {"intValue": str(value)}}
                            for key, value in {"request.model": "m", **attributes}.items()
                        ],
                    }
                    for number, parent, attributes in found
                ]
            }
        ]
    }


def test_a_trace_costs_what_its_leaves_do_and_not_what_their_parent_repeats(tmp_path: Path):
    """C24: two generations of $0.09526 together, in an `invoke_agent` that counts both again."""
    generations = [{"usage.input_tokens": 20_000, "usage.output_tokens": 1000},
                   {"usage.input_tokens": 10_104, "usage.output_tokens": 1000}]  # fmt: skip
    agent = {"operation.name": "invoke_agent", "usage.input_tokens": 30_104, "usage.output_tokens": 2000}
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text(json.dumps(spans((1, 0, agent), *((n, 1, each) for n, each in enumerate(generations, 2)))))
    # 30104 x 2.5 + 2000 x 10 = 95260 millionths
    read(store, log, catalogue=OnePrice({"input": Decimal("2.5"), "output": Decimal(10)}))
    assert ask(store, "SELECT count(*), sum(computed_cost) FROM requests") == [(2, Decimal("0.09526"))]


@pytest.mark.parametrize("total", [{}, {"usage.total_tokens": 110}])
def test_a_span_whose_cached_tokens_exceed_its_input_counts_them_beside_it(tmp_path: Path, total: dict[str, int]):
    """C33: 10 x 5 + 15555 x 0.5 + 11862 x 6.25 + 100 x 25 = 84465 millionths."""
    counts = {"usage.input_tokens": 10, "usage.cache_read.input_tokens": 15_555, "usage.output_tokens": 100,
              "usage.cache_creation.input_tokens": 11_862}  # fmt: skip
    rates = {"input": Decimal(5), "cached_input": Decimal("0.5"), "cache_write": Decimal("6.25"), "output": Decimal(25)}
    assert cost(tmp_path, OnePrice(rates), spans((1, 0, counts | total))) == Decimal("0.084465")


RATES_OF_ALL = {
    "input": Decimal("2.5"),
    "cached_input": Decimal("0.25"),
    "cache_write": Decimal("3.125"),
    "cache_write_1h": Decimal(5),
    "output": Decimal(10),
}
LINE = {"ts": LATER, "model": "m"}


def test_each_class_of_tokens_is_billed_at_its_rate_and_none_twice(tmp_path: Path):
    counts = {
        "input_tokens": 1000, "cached_input_tokens": 200, "cache_write_tokens": 300, "cache_write_1h_tokens": 100,
        "output_tokens": 50, "reasoning_tokens": 40,
    }  # fmt: skip
    # 500 x 2.5 + 200 x 0.25 + 200 x 3.125 + 100 x 5 + 50 x 10 = 2925 millionths
    assert cost(tmp_path, OnePrice(RATES_OF_ALL), {**LINE, **counts}) == Decimal("0.002925")


def test_anthropics_names_beside_the_input_count_say_that_it_leaves_them_out(tmp_path: Path):
    counts = {
        "input_tokens": 10_000, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 1500,
        "output_tokens": 50,
    }  # fmt: skip
    # 10000 x 2.5 + 2000 x 0.25 + 1500 x 3.125 + 50 x 10 = 30687.5 millionths
    assert cost(tmp_path, OnePrice(RATES_OF_ALL), {**LINE, **counts}) == Decimal("0.0306875")


@pytest.mark.parametrize(
    ("usage", "millionths"),
    [
        ({"promptTokens": 100, "completionTokens": 7}, "320"),  # 100 x 2.5 + 7 x 10
        ({"prompt_tokens": 100, "completion_tokens": 7, "num_cached_tokens": 40}, "230"),  # 60 x 2.5 + 40 x 0.25 + 70
        ({"prompt_tokens": 100, "completion_tokens": 7, "prompt_token_details": {"cached_tokens": 40}}, "230"),
    ],
)
def test_usage_objects_of_older_names_are_billed_by_them(tmp_path: Path, usage: dict[str, Any], millionths: str):
    found = cost(tmp_path, OnePrice(RATES_OF_ALL), {**LINE, "usage": usage})
    assert found == Decimal(millionths) / 1_000_000


def test_a_class_without_a_rate_of_its_own_is_charged_as_the_next_wider_one(tmp_path: Path):
    rates = {"input": Decimal(2), "output": Decimal(10)}
    counts = {"input_tokens": 1000, "cached_input_tokens": 200, "cache_write_tokens": 300, "cache_write_1h_tokens": 100}
    assert cost(tmp_path, OnePrice(rates), {**LINE, **counts}) == Decimal("0.002")


@pytest.mark.parametrize(
    ("rates", "counts"),
    [
        ({"output": Decimal(10)}, {"input_tokens": 1, "output_tokens": 1}),
        ({"input": Decimal(2)}, {"input_tokens": 1, "output_tokens": 1}),
        (RATES_OF_ALL, {"output_tokens": 1}),
        (RATES_OF_ALL, {}),
    ],
)
def test_what_cannot_be_priced_whole_has_no_cost(tmp_path: Path, rates: dict[str, Decimal], counts: dict[str, int]):
    assert cost(tmp_path, OnePrice(rates), {**LINE, **counts}) is None


def test_no_tokens_cost_nothing_even_without_a_rate(tmp_path: Path):
    found = cost(tmp_path, OnePrice({"input": Decimal(2)}), {**LINE, "input_tokens": 3, "output_tokens": 0})
    assert found == Decimal("0.000006")


def test_the_largest_count_and_the_smallest_rate_lose_no_digit(tmp_path: Path):
    rates = {"input": Decimal("0.000000001"), "output": Decimal("0.000000001")}
    counts = {"input_tokens": 999_999_999_999, "output_tokens": 1}
    assert cost(tmp_path, OnePrice(rates), {**LINE, **counts}) == Decimal("0.001")


@pytest.mark.parametrize(
    ("bounds", "is_priced"),
    [
        ({"valid_from": datetime(2026, 11, 20, 10)}, True),
        ({"valid_from": datetime(2026, 11, 20, 10, 0, 1)}, False),
        ({"valid_until": datetime(2026, 11, 20, 10)}, False),
        ({"over_tokens": 9}, True),
        ({"over_tokens": 10}, False),
        ({"upto_tokens": 10}, True),
        ({"upto_tokens": 9}, False),
        ({"minute_from": 600, "minute_until": 601}, True),
        ({"minute_from": 0, "minute_until": 600}, False),
        ({"weekdays": 1 << 4}, True),  # the 20th is a Friday
        ({"weekdays": ALL_DAYS - (1 << 4)}, False),
        ({"service_tier": "batch"}, False),
    ],
)
def test_a_price_holds_within_its_bounds_only(tmp_path: Path, bounds: dict[str, Any], is_priced: bool):
    found = cost(tmp_path, OnePrice({"input": Decimal(1)}, **bounds), {**LINE, "input_tokens": 10})
    assert found == (Decimal("0.00001") if is_priced else None)
