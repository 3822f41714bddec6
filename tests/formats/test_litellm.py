"""LiteLLM's logging payloads and SpendLogs rows: prompts hold their cached tokens, whoever the provider is."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import SPOKEN, ask, content, kept, read

from tollbook.prices.resolve import Catalogue

START = datetime(2026, 10, 5, 8, 0, 0, 250000)
ANSWERED = {
    "prompt_tokens": 3000, "completion_tokens": 200, "total_tokens": 3200,
    "prompt_tokens_details": {
        "cached_tokens": 1500, "cache_creation_tokens": 900,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 400},
    },
    "completion_tokens_details": {"reasoning_tokens": 50},
}  # fmt: skip
# 600 x 3 + 1500 x 0.3 + 500 x 3.75 + 400 x 6 + 200 x 15 millionths of a dollar
COST = Decimal("0.009525")


def payload(**more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "trace_id": "op-1", "call_type": "acompletion", "stream": True, "status": "success",
        "custom_llm_provider": "anthropic", "model": "claude-sonnet-4-6", "model_group": "sonnet",
        "startTime": "2026-10-05 08:00:00.250000", "endTime": "2026-10-05 08:00:02.750000",
        "completionStartTime": "2026-10-05 08:00:00.750000", "response_time": 0.5,
        "prompt_tokens": 3000, "completion_tokens": 200, "total_tokens": 3200, "response_cost": 0.0095,
        "cache_hit": None, "end_user": "", "api_base": f"https://example.org/?{SPOKEN}", "request_tags": ["triage"],
        "metadata": {
            "user_api_key_team_alias": "network-ops", "user_api_key_team_id": "t-1",
            "user_api_key_project_alias": "core", "user_api_key_user_id": "dana",
            "requester_metadata": {"environment": "production"}, "prompt_variables": SPOKEN, "attempted_retries": 0,
        },
        "messages": [{"role": "user", "content": SPOKEN}],
        "response": {"choices": [{"message": {"content": SPOKEN}}], "usage": ANSWERED},
        "error_str": None, "error_information": {"error_code": "", "error_class": "", "error_message": ""},
        "cost_breakdown": {"total_cost": 0.0095}, "model_parameters": {"user": SPOKEN}, **more,
    }  # fmt: skip


def spend(metadata: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    known = {
        "user_api_key_team_alias": "network-ops", "user_api_key_project_id": "core", "usage_object": ANSWERED,
        "attempted_retries": 2, "spend_logs_metadata": {"env": "production"}, "status": None, **(metadata or {}),
    }  # fmt: skip
    return {
        "request_id": "chatcmpl-2", "session_id": "op-2", "call_type": "acompletion", "api_key": "88dc28",
        "cache_hit": "None", "startTime": "2026-10-05 08:00:00.25", "endTime": "2026-10-05 08:00:02.75",
        "completionStartTime": "2026-10-05 08:00:00.75", "model": "claude-sonnet-4-6", "user": "dana", "team_id": "t-1",
        "metadata": json.dumps(known), "cache_key": "Cache OFF", "spend": 0.0095, "total_tokens": 3200,
        "prompt_tokens": 3000, "completion_tokens": 200, "request_tags": '["triage"]', "end_user": "",
        "custom_llm_provider": "anthropic", "messages": json.dumps({"content": SPOKEN}), "response": f'"{SPOKEN}"',
        "proxy_server_request": json.dumps({"messages": SPOKEN}), "status": "success", **more,
    }  # fmt: skip


COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens"


@pytest.mark.parametrize(
    "record", [payload(), spend(), spend(metadata=None) | {"metadata": json.loads(spend()["metadata"])}]
)
def test_every_class_of_tokens_is_part_of_the_prompt_and_priced_apart(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    assert ask(store, f"SELECT {COUNTS} FROM requests") == [(3000, 1500, 900, 400, 200, 50)]
    assert ask(store, "SELECT computed_cost, reported_cost, success FROM requests") == [(COST, Decimal("0.0095"), True)]
    (dimensions,) = ask(store, "SELECT time, team, project, environment, user_id, provider, model FROM requests")
    assert dimensions == (START, "network-ops", "core", "production", "dana", "anthropic", "claude-sonnet-4-6")
    assert ask(store, "SELECT latency_ms, ttft_ms FROM requests") == [(2500.0, 500.0)]


def told_beside() -> dict[str, Any]:
    """Return the counts with the lifetimes of what was written beside the details of the prompt, not in them."""
    details = dict(ANSWERED["prompt_tokens_details"])  # type: ignore[call-overload]
    return ANSWERED | {
        "cache_creation_token_details": details.pop("cache_creation_token_details"),
        "prompt_tokens_details": details,
    }


@pytest.mark.parametrize(
    "record", [payload(response={"usage": told_beside()}), spend(metadata={"usage_object": told_beside()})]
)
def test_lifetimes_of_written_tokens_are_found_in_either_place(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    assert ask(store, f"SELECT {COUNTS}, computed_cost FROM requests") == [(3000, 1500, 900, 400, 200, 50, COST)]


@pytest.mark.parametrize(
    "record",
    [
        payload(call_type="aretrieve_batch", response={}),
        spend(call_type="aretrieve_batch", metadata={"usage_object": None}),
    ],
)
def test_what_a_batch_used_has_the_price_of_batches(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    # Half of 3000 x 3 + 200 x 15 millionths of a dollar.
    assert ask(store, "SELECT service_tier, computed_cost FROM requests") == [("batch", Decimal("0.006"))]


def test_cached_tokens_of_openai_are_discounted_where_no_cache_of_the_gateway_is_named(tmp_path: Path):
    usage = {"prompt_tokens": 2006, "completion_tokens": 300, "prompt_tokens_details": {"cached_tokens": 1920}}
    counts = {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306}
    record = payload(model="gpt-4o", custom_llm_provider="openai", response={"usage": usage}, **counts)
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    # 86 x 2.5 + 1920 x 1.25 + 300 x 10 millionths
    assert ask(store, "SELECT computed_cost FROM requests") == [(Decimal("0.005615"),)]


@pytest.mark.parametrize("response", [None, "redacted-by-litellm", {"text": "redacted-by-litellm"}, {}])
def test_counts_hold_where_the_answer_was_redacted(response: Any, tmp_path: Path):
    record = payload(response=response)
    record["metadata"]["usage_object"] = ANSWERED
    store = kept(tmp_path, record)
    assert ask(store, f"SELECT {COUNTS} FROM requests") == [(3000, 1500, 900, 400, 200, 50)]


def test_an_instant_is_the_same_as_a_text_and_as_seconds(tmp_path: Path):
    seconds = START.timestamp() - datetime(1970, 1, 1).timestamp()
    texts = payload(id="a", startTime="2026-10-05 08:00:00.250000")
    numbers = payload(id="b", startTime=seconds, endTime=seconds + 2.5, completionStartTime=seconds + 0.5)
    zoned = payload(id="c", startTime="2026-10-05T10:00:00.25+02:00")
    store = kept(tmp_path, texts, numbers, zoned)
    assert ask(store, "SELECT DISTINCT time, latency_ms, ttft_ms FROM requests") == [(START, 2500.0, 500.0)]


@pytest.mark.parametrize(
    ("record", "hit"),
    [(payload(cache_hit=True, response_cost=0.0), True), (spend(cache_hit="True", spend=0.0), True),
     (payload(cache_hit=False), None), (spend(cache_hit="False"), None), (spend(cache_hit="None"), None)],
)  # fmt: skip
def test_an_answer_of_the_gateways_cache_costs_nothing_and_its_tokens_are_told_apart(
    record: dict[str, Any], hit: bool | None, tmp_path: Path
):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    expected = (0, 0, None, Decimal(0), True) if hit else (3000, 200, 1500, COST, None)
    (found,) = ask(
        store, "SELECT input_tokens, output_tokens, cached_input_tokens, computed_cost, cache_hit FROM requests"
    )
    assert found == expected
    (replayed,) = ask(store, "SELECT json_extract_string(attributes, '/replayed') FROM requests")[0]
    assert json.loads(replayed or "null") == ({"input_tokens": 3000, "output_tokens": 200} if hit else None)


def test_retries_are_attempts_of_one_operation(tmp_path: Path):
    def failure(number: int) -> dict[str, Any]:
        return payload(
            id=f"call-{number}", status="failure", prompt_tokens=0, completion_tokens=0, total_tokens=0,
            response_cost=0, response=None, startTime=f"2026-10-05 08:00:0{number}",
            metadata={"attempted_retries": number},
            error_str=SPOKEN, error_information={
                "error_code": "429", "error_class": "RateLimitError", "error_message": SPOKEN, "traceback": SPOKEN},
        )  # fmt: skip

    store = kept(tmp_path, failure(0), failure(1), payload())
    found = ask(store, "SELECT trace_id, success, status, error_type, error FROM requests ORDER BY time, success")
    assert sorted(found, key=str) == sorted(
        [("op-1", False, "429", "RateLimitError", None)] * 2 + [("op-1", True, "success", None, None)], key=str
    )
    attempts = ask(
        store, "SELECT json_extract(attributes, '/attempt')::INTEGER FROM requests WHERE NOT success ORDER BY 1"
    )
    assert attempts == [(0,), (1,)]


def test_failures_of_spend_logs_are_failures_in_new_rows_and_old(tmp_path: Path):
    error = {"error_information": {"error_code": "500", "error_class": "InternalServerError", "error_message": SPOKEN}}
    new = spend(metadata={"status": "failure", **error}, request_id="n", status="failure")
    old = spend(metadata={"status": "failure", **error}, request_id="o")
    del old["status"]
    silent = spend(request_id="s")
    del silent["status"]
    store = kept(tmp_path, new, old, silent)
    found = ask(store, "SELECT request_id, success, status, error_type FROM requests ORDER BY request_id")
    expected = [(name, False, "500", "InternalServerError") for name in "no"] + [("s", None, None, None)]
    assert found == expected


@pytest.mark.parametrize("nothing", ["None", "", None])
def test_calls_without_an_id_are_not_taken_for_one(nothing: str | None, tmp_path: Path):
    first, second = payload(id=nothing), payload(id=nothing, endTime="2026-10-05 08:00:03")
    assert ask(kept(tmp_path, first, second), "SELECT request_id FROM requests") == [(None,), (None,)]


def test_an_aborted_stream_is_kept_priced_and_marked(tmp_path: Path):
    record = payload(status="failure", error_information={"error_code": "499", "error_class": "ClientDisconnect"})
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    assert ask(store, "SELECT success, estimated, computed_cost FROM requests") == [(False, True, COST)]


def test_payloads_of_older_versions_are_read(tmp_path: Path):
    record = {
        "id": "chatcmpl-9", "call_type": "completion", "response_cost": 0.000225, "total_tokens": 30,
        "prompt_tokens": 10, "completion_tokens": 20, "startTime": 1737710446.847371, "endTime": 1737710447.847371,
        "completionStartTime": 1737710447.0, "model": "gpt-4o", "metadata": {"user_api_key_team_id": "t-1"},
        "cache_hit": None, "request_tags": [], "end_user": "eve", "messages": SPOKEN, "response": SPOKEN,
    }  # fmt: skip
    store = kept(tmp_path, record)
    (found,) = ask(store, "SELECT time, team, user_id, input_tokens, output_tokens, latency_ms, success FROM requests")
    assert found == (datetime(2025, 1, 24, 9, 20, 46, 847371), "t-1", "eve", 10, 20, 1000.0, None)


def test_damage_costs_no_neighbour(tmp_path: Path):
    line = json.dumps(payload(id="broken"))
    bad_metadata = spend(request_id="m", metadata=None) | {"metadata": '{"usage_object": {"prompt_tok'}
    store = kept(tmp_path, payload(id="a"), line[: len(line) // 2], spend(request_id="b"), bad_metadata, rejected=1)
    found = ask(store, "SELECT request_id, input_tokens, team FROM requests ORDER BY request_id")
    assert found == [("a", 3000, "network-ops"), ("b", 3000, "network-ops"), ("m", 3000, "t-1")]


def test_a_wrong_count_is_refused_with_its_reason(tmp_path: Path):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text(json.dumps(payload(prompt_tokens=-3)) + "\n" + json.dumps(payload()) + "\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected) == (1, 1)
    assert "whole number" in ask(store, "SELECT reason FROM rejects")[0][0]


def test_real_records(shared: Path, tmp_path: Path):
    logs = sorted((shared / "data" / "formats" / "litellm").iterdir())
    assert len(logs) == 2
    store = tmp_path / "store.duckdb"
    read(store, *logs, catalogue=Catalogue.load())
    held = content(store)
    found = ask(
        store,
        "SELECT time, input_tokens, output_tokens, reported_cost, computed_cost, latency_ms, success FROM requests",
    )
    # 10 x 2.5 + 20 x 10 millionths; .851954 - .847371 s
    moment, cost = datetime(2025, 1, 24, 9, 20, 46, 847371), Decimal("0.000225")
    assert found == [(moment, 10, 20, cost, cost, 4.583, True)] * 2
    read(store, *logs, catalogue=Catalogue.load())
    assert content(store) == held


def test_a_page_of_the_api_holds_rows(tmp_path: Path):
    page = {"data": [spend(), spend(request_id="chatcmpl-3")], "total": 2, "page": 1, "page_size": 50, "total_pages": 1}
    store = kept(tmp_path, page)
    assert ask(store, "SELECT request_id, input_tokens, output_tokens FROM requests ORDER BY 1") == [
        ("chatcmpl-2", 3000, 200),
        ("chatcmpl-3", 3000, 200),
    ]
