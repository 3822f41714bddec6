"""Helicone's exports and rows: their prompts leave cached tokens out, and their totals prove nothing."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import SPOKEN, ask, kept

from tollbook.prices.resolve import Catalogue

COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"
NO_ANSWER = "00000000-0000-0000-0000-000000000000"
ANSWER = "5a1c2b10-9d1c-4b52-8a7e-1f5f3a1c2b10"


def export(**more: Any) -> dict[str, Any]:
    """A record of /v1/request/query-clickhouse."""
    return {
        "response_id": "r-1", "response_created_at": "2026-10-05T08:00:02.120Z", "response_body": {"said": SPOKEN},
        "response_status": 200, "request_id": "q-1", "request_body": {"messages": SPOKEN}, "country_code": "DE",
        "request_created_at": "2026-10-05T08:00:00.120Z", "request_user_id": "dana", "provider": "OPENAI",
        "request_properties": {"Team": "security", "project": "core", "Environment": "production"}, "delay_ms": 2000,
        "request_model": "gpt-4o", "time_to_first_token": 350, "total_tokens": 386, "completion_tokens": 300,
        "reasoning_tokens": 0, "prompt_cache_read_tokens": 1920, "prompt_cache_write_tokens": 0, "prompt_tokens": 86,
        "properties": {"Team": "security"}, "target_url": f"https://api.openai.com/?key={SPOKEN}", "cost": 0.005615,
        "cache_reference_id": NO_ANSWER, "cache_enabled": False, "signed_body_url": f"https://s3/{SPOKEN}", **more,
    }  # fmt: skip


def row(**more: Any) -> dict[str, Any]:
    """A row of request_response_rmt."""
    return {
        "response_id": "r-1", "response_created_at": "2026-10-05 08:00:02", "latency": 2000, "status": 200,
        "completion_tokens": 300, "reasoning_tokens": 0, "prompt_tokens": 86, "prompt_cache_read_tokens": 1920,
        "prompt_cache_write_tokens": 0, "model": "gpt-4o", "request_id": "q-1", "user_id": "dana",
        "request_created_at": "2026-10-05 08:00:00.120", "organization_id": ANSWER, "proxy_key_id": NO_ANSWER,
        "time_to_first_token": 350, "provider": "OPENAI",
        "properties": {"team": "security", "Project": "core", "env": "production"},
        "request_body": SPOKEN, "response_body": SPOKEN, "cost": 5615000, "cache_reference_id": NO_ANSWER, **more,
    }  # fmt: skip


def earlier(**more: Any) -> dict[str, Any]:
    """A record of the API before it told the reasoning."""
    record = export(**{
        "prompt_tokens": 2006, "total_tokens": 2306, "costUSD": 0.005615, "cost": None, "model": "gpt-4o-2024-08-06",
        "response_model": "gpt-4o-2024-08-06", "cache_reference_id": None, **more,
    })  # fmt: skip
    del record["reasoning_tokens"]
    return record


@pytest.mark.parametrize("record", [export(), row(), earlier()])
def test_cost_is_what_the_provider_bills_in_every_form(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    assert ask(store, "SELECT input_tokens, cached_input_tokens, output_tokens FROM requests") == [(2006, 1920, 300)]
    # 86 x 2.5 + 1920 x 1.25 + 300 x 10 millionths
    assert ask(store, "SELECT computed_cost, reported_cost FROM requests") == [(Decimal("0.005615"),) * 2]
    (found,) = ask(
        store, "SELECT time, latency_ms, ttft_ms, success, status, team, project, environment, user_id FROM requests"
    )
    assert found == (
        datetime(2026, 10, 5, 8, 0, 0, 120000), 2000.0, 350.0, True, "200", "security", "core", "production", "dana",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (export(reasoning_tokens=250, completion_tokens=50), (2006, 1920, 0, 300, 250)),
        (row(reasoning_tokens=250, completion_tokens=50), (2006, 1920, 0, 300, 250)),
        (export(prompt_cache_write_tokens=400), (2406, 1920, 400, 300, 0)),
        (export(prompt_tokens=5000, prompt_cache_read_tokens=10), (5010, 10, 0, 300, 0)),
        # before the reasoning was told: as ever for Anthropic, else by what can be
        (earlier(provider="ANTHROPIC", prompt_tokens=5000, prompt_cache_read_tokens=900), (5900, 900, 0, 300, None)),
        (earlier(prompt_tokens=86), (2006, 1920, 0, 300, None)),
        (earlier(prompt_cache_read_tokens=None, prompt_cache_write_tokens=None), (2006, None, None, 300, None)),
    ],
)
def test_the_prompt_is_whole(record: dict[str, Any], expected: tuple[int | None, ...], tmp_path: Path):
    assert ask(kept(tmp_path, record), f"SELECT {COUNTS} FROM requests") == [expected]


@pytest.mark.parametrize("make", [export, row, earlier])
@pytest.mark.parametrize(("reference", "hit"), [(ANSWER, True), (NO_ANSWER, None), (None, None), ("", None)])
def test_an_answer_of_the_cache_costs_nothing(make: Any, reference: str | None, hit: bool | None, tmp_path: Path):
    store = kept(tmp_path, make(cache_reference_id=reference), catalogue=Catalogue.load())
    cost = Decimal(0) if hit else Decimal("0.005615")
    assert ask(store, "SELECT computed_cost, cache_hit FROM requests") == [(cost, hit)]


@pytest.mark.parametrize(
    ("status", "success"), [(200, True), (429, False), (500, False), (-1, False), (-2, None), (-3, False), (-4, False)]
)
def test_statuses_of_its_own_are_understood(status: int, success: bool | None, tmp_path: Path):
    store = kept(tmp_path, export(response_status=status), row(status=status, request_id="q-2"))
    assert ask(store, "SELECT success, status FROM requests") == [(success, str(status))] * 2


def test_what_was_cancelled_is_priced_as_far_as_it_went_and_marked(tmp_path: Path):
    store = kept(tmp_path, row(status=-3), catalogue=Catalogue.load())
    assert ask(store, "SELECT estimated, computed_cost FROM requests") == [(True, Decimal("0.005615"))]


def test_zero_is_what_it_does_not_know(tmp_path: Path):
    store = kept(tmp_path, export(cost=0, time_to_first_token=0), row(request_id="q-2", cost=0, user_id="undefined"))
    found = ask(store, "SELECT reported_cost, ttft_ms, user_id FROM requests ORDER BY request_id")
    assert found == [(None, None, "dana"), (None, 350.0, None)]


@pytest.mark.parametrize("properties", [{"team": "a", "Team": "b"}, {"TEAM": "b"}, {"Team": "b", "Environment": None}])
def test_properties_are_found_in_any_case(properties: dict[str, str], tmp_path: Path):
    assert ask(kept(tmp_path, export(request_properties=properties)), "SELECT team FROM requests") == [("b",)]


def test_the_smallest_unit_is_exact(tmp_path: Path):
    assert ask(kept(tmp_path, row(cost=1)), "SELECT reported_cost FROM requests") == [(Decimal("0.000000001"),)]


def test_damage_costs_no_neighbour(tmp_path: Path):
    line = json.dumps(row(request_id="broken"))
    store = kept(
        tmp_path,
        export(request_id="a"),
        line[:200],
        row(request_id="b", prompt_tokens=1.5),
        row(request_id="c"),
        rejected=2,
    )
    assert ask(store, "SELECT request_id FROM requests ORDER BY 1") == [("a",), ("c",)]


def test_a_page_of_the_api_holds_records_in_every_form(tmp_path: Path):
    store = kept(tmp_path, {"data": [export(), earlier(request_id="q-2")], "error": None})
    assert ask(store, f"SELECT request_id, {COUNTS} FROM requests ORDER BY 1") == [
        ("q-1", 2006, 1920, 0, 300, 0),
        ("q-2", 2006, 1920, 0, 300, None),
    ]
