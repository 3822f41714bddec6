"""Portkey's log exports: costs in cents, cached tokens only in the answer."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import SPOKEN, ask, kept

from tollbook.prices.resolve import Catalogue

USAGE = {
    "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920}
}  # fmt: skip


def record(**more: Any) -> dict[str, Any]:
    return {
        "id": "pk-1", "created_at": "2026-10-05T08:00:00Z", "request.body": {"messages": SPOKEN}, "is_success": 1,
        "ai_org": "openai", "ai_model": "gpt-4o", "req_units": 2006, "res_units": 300, "total_units": 2306,
        "cost": 0.5615, "cost_currency": "USD", "request_url": f"https://api.openai.com/?key={SPOKEN}",
        "request_method": "POST", "response_status_code": 200, "response_time": 1000, "cache_status": "MISS",
        "stream_mode": False, "retry_success_count": 2, "trace_id": "op-1",
        "metadata": {"_user": "dana", "team": "noc", "project": "core", "environment": "production"}, **more,
    }  # fmt: skip


def body(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": SPOKEN}}], "usage": usage, **more}


def test_cents_are_scaled_exactly(tmp_path: Path):
    store = kept(tmp_path, record())
    assert ask(store, "SELECT reported_cost FROM requests") == [(Decimal("0.005615"),)]
    (found,) = ask(store, "SELECT time, latency_ms, success, status, trace_id, provider, model FROM requests")
    assert found == (datetime(2026, 10, 5, 8), 1000.0, True, "200", "op-1", "openai", "gpt-4o")
    (found,) = ask(store, "SELECT input_tokens, output_tokens, team, project, environment, user_id FROM requests")
    assert found == (2006, 300, "noc", "core", "production", "dana")
    assert ask(store, "SELECT json_extract(attributes, '/retries')::INTEGER FROM requests") == [(2,)]


@pytest.mark.parametrize("answer", [
    {"response.body": body(USAGE)}, {"response.body": json.dumps(body(USAGE))}, {"response": {"body": body(USAGE)}},
    {"response": json.dumps({"body": body(USAGE)})},
])  # fmt: skip
def test_cached_tokens_of_the_answer_are_discounted(answer: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record(**answer), catalogue=Catalogue.load())
    assert ask(store, "SELECT input_tokens, cached_input_tokens, computed_cost FROM requests") == [
        (2006, 1920, Decimal("0.005615"))
    ]


@pytest.mark.parametrize(
    ("usage", "units"),
    [
        # as Anthropic says it, and as Portkey says it in OpenAI's words with a total that proves it
        ({"input_tokens": 10, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 90,
          "output_tokens": 50}, 10),
        ({"input_tokens": 10, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 90,
          "output_tokens": 50}, 1000),
        ({"prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 1050, "cache_read_input_tokens": 900,
          "cache_creation_input_tokens": 90}, 10),
        ({"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050, "cache_read_input_tokens": 900,
          "cache_creation_input_tokens": 90}, 1000),
    ],
)  # fmt: skip
def test_the_answer_proves_what_the_units_leave_open(usage: dict[str, int], units: int, tmp_path: Path):
    line = record(
        ai_org="anthropic", ai_model="claude-sonnet-4-6", req_units=units, res_units=50, total_units=units + 50
    )
    store = kept(tmp_path, {**line, "response.body": body(usage)}, catalogue=Catalogue.load())
    found = ask(store, "SELECT input_tokens, cached_input_tokens, cache_write_tokens, output_tokens FROM requests")
    assert found == [(1000, 900, 90, 50)]
    # 10 x 3 + 900 x 0.3 + 90 x 3.75 + 50 x 15 millionths
    assert ask(store, "SELECT computed_cost FROM requests") == [(Decimal("0.0013875"),)]


@pytest.mark.parametrize(
    ("status", "hit"),
    [("HIT", True), ("SEMANTIC HIT", True), ("MISS", None), ("SEMANTIC MISS", None), ("REFRESH", None),
     ("DISABLED", None), (None, None), ("", None)],
)  # fmt: skip
def test_an_answer_of_the_cache_costs_nothing(status: str | None, hit: bool | None, tmp_path: Path):
    store = kept(tmp_path, record(cache_status=status), catalogue=Catalogue.load())
    # without the answer nothing is known of cached tokens: 2006 x 2.5 + 300 x 10 millionths
    cost = Decimal(0) if hit else Decimal("0.008015")
    assert ask(store, "SELECT cache_hit, computed_cost FROM requests") == [(hit, cost)]


def test_a_failure_is_one(tmp_path: Path):
    failed = record(is_success=0, response_status_code=429, ai_model=None, req_units=0, res_units=0, cost=0)
    assert ask(kept(tmp_path, failed), "SELECT success, status, model FROM requests") == [(False, "429", None)]


def test_metadata_may_be_a_text(tmp_path: Path):
    store = kept(tmp_path, record(metadata=json.dumps({"_user": "eve", "Team": "ops", "_environment": "test"})))
    assert ask(store, "SELECT user_id, team, environment FROM requests") == [("eve", "ops", "test")]


def test_damage_costs_no_neighbour(tmp_path: Path):
    line = json.dumps(record(id="broken"))
    unreadable = {**record(id="b", metadata="{not JSON"), "response.body": '{"usage": {"prompt'}
    store = kept(tmp_path, record(id="a"), line[:150], unreadable, record(id="c", cost=-1), rejected=2)
    assert ask(store, "SELECT request_id, input_tokens FROM requests ORDER BY 1") == [("a", 2006), ("b", 2006)]
