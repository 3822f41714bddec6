"""Access logs of gateways and the answers of providers: who billed which tokens, and what is no request's business.

Every expected row was worked out from the record by hand; see each format's file for where its description stands.
"""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import SPOKEN, ask, kept

COLUMNS = (
    "provider", "model", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens",
    "reasoning_tokens", "latency_ms", "success", "service_tier", "reported_cost",
)  # fmt: skip
COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, latency_ms"
TIME = "2026-10-05T08:00:00Z"
MESSAGES = [{"role": "user", "content": SPOKEN}]


def openai(**usage: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1791187200, "model": "gpt-4.1-2025-04-14",
        "choices": [{"message": {"content": SPOKEN}}], "usage": usage,
    }  # fmt: skip


def anthropic(**more: Any) -> dict[str, Any]:
    return {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6",
        "content": [{"type": "text", "text": SPOKEN}], "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 310, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 90, "output_tokens": 77
        },
        **more,
    }  # fmt: skip


def kong(plugin: str = "proxy", **more: Any) -> dict[str, Any]:
    called = {
        "meta": {"provider_name": "openai", "request_model": "gpt-4o", "response_model": "gpt-4o-2024-08-06"},
        "usage": {"prompt_tokens": 820, "completion_tokens": 64, "total_tokens": 884, "cost": 0.00269},
        "payload": {"request": SPOKEN},
    }
    return {
        "started_at": 1791187200120, "request": {"id": "k-1"}, "response": {"status": 200},
        "latencies": {"request": 1250}, "consumer": {"username": "noc-bot"}, "ai": {plugin: called}, **more,
    }  # fmt: skip


ENVOY = {
    "start_time": TIME, "response_code": 200, "duration": 840, "x-request-id": "e-1",
    "gen_ai.request.model": "gpt-4.1", "gen_ai.response.model": "gpt-4.1-2025-04-14",
    "gen_ai.provider.name": "default/openai", "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 95,
    "gen_ai.usage.cached_input_tokens": 1000,
}  # fmt: skip
CLOUDFLARE = {
    "id": "01KQ", "created_at": TIME, "provider": "openai", "model": "gpt-4o-mini", "duration": 912,
    "request_type": "", "status_code": 200, "success": True, "cached": False, "tokens_in": 340, "tokens_out": 58,
    "cost": 0.0000858, "request_head": SPOKEN,
}  # fmt: skip
LOGPUSH = {
    "Timestamp": TIME, "Gateway": "triage", "Endpoint": "chat/completions", "Provider": "openai",
    "Model": "gpt-4o-mini", "StatusCode": 200, "Cached": False, "RateLimited": False, "Metadata": {"team": "noc"},
    "Metrics": {"cost": 0.0000858, "durationMs": 912}, "RequestBody": {"type": "encrypted", "data": SPOKEN},
}  # fmt: skip
BEDROCK_LOG = {
    "schemaType": "ModelInvocationLog", "timestamp": TIME, "requestId": "b-1", "region": "eu-central-1",
    "modelId": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "operation": "Converse",
    "input": {"inputTokenCount": 310, "cacheReadInputTokenCount": 2000, "inputBodyJson": {"messages": MESSAGES}},
    "output": {"outputTokenCount": 77, "outputBodyJson": {"metrics": {"latencyMs": 1430}}},
}  # fmt: skip
CONVERSE = {
    "ResponseMetadata": {
        "RequestId": "c-1", "HTTPStatusCode": 200, "HTTPHeaders": {"date": "Mon, 05 Oct 2026 08:00:00 GMT"}
    },
    "modelId": "us.amazon.nova-lite-v1:0", "output": {"message": {"content": [{"text": SPOKEN}]}},
    "stopReason": "end_turn", "metrics": {"latencyMs": 1864},
    "usage": {"inputTokens": 22, "outputTokens": 57, "totalTokens": 579, "cacheReadInputTokens": 500},
}  # fmt: skip
GEMINI = {
    "candidates": [{"content": {"parts": [{"text": SPOKEN}]}}], "createTime": TIME, "responseId": "g-1",
    "modelVersion": "gemini-2.5-pro",
    "usageMetadata": {
        "promptTokenCount": 120, "cachedContentTokenCount": 100, "toolUsePromptTokenCount": 30,
        "candidatesTokenCount": 9, "thoughtsTokenCount": 200, "totalTokenCount": 359,
    },
}  # fmt: skip
COHERE = {
    "timestamp": TIME, "model": "command-a-03-2025", "id": "co-1", "finish_reason": "COMPLETE",
    "message": {"content": [{"text": SPOKEN}]},
    "usage": {
        "billed_units": {"input_tokens": 5, "output_tokens": 18}, "tokens": {"input_tokens": 71, "output_tokens": 20}
    },
}  # fmt: skip
RESPONSES_API = {
    "id": "resp_1", "object": "response", "created_at": 1791187200, "status": "completed", "model": "gpt-5-2025-08-07",
    "output": [{"content": SPOKEN}], "service_tier": "flex",
    "usage": {
        "input_tokens": 75, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 1186,
        "output_tokens_details": {"reasoning_tokens": 1024}, "total_tokens": 1261,
    },
}  # fmt: skip
CHAT = openai(
    prompt_tokens=812, completion_tokens=40, total_tokens=852, prompt_tokens_details={"cached_tokens": 512},
    completion_tokens_details={"reasoning_tokens": 16},
)  # fmt: skip
XAI = openai(
    prompt_tokens=100, completion_tokens=10, total_tokens=160, cost_in_usd_ticks=123_000_000,
    completion_tokens_details={"reasoning_tokens": 50},
) | {"model": "grok-4"}  # fmt: skip
MISTRAL = openai(prompt_tokens=50, completion_tokens=7, total_tokens=57) | {"model": "mistral-large-2512"}
OPENROUTER = openai(prompt_tokens=420, completion_tokens=33, total_tokens=453, cost=0.001755) | {
    "id": "gen-1", "provider": "Anthropic", "model": "anthropic/claude-sonnet-4.5",
}  # fmt: skip
GENERATION = {
    "data": {
        "id": "gen-1", "created_at": TIME, "model": "anthropic/claude-sonnet-4.5", "provider_name": "Anthropic",
        "total_cost": 0.001755, "latency": 1250, "generation_time": 1200, "cancelled": False, "tokens_prompt": 400,
        "tokens_completion": 30, "native_tokens_prompt": 420, "native_tokens_completion": 33,
        "native_tokens_cached": 100, "native_tokens_reasoning": 5, "provider_responses": [{"said": SPOKEN}],
    }
}  # fmt: skip
OPENAI_BATCH = {
    "id": "batch_req_1", "custom_id": "t-1", "error": None,
    "response": {"status_code": 200, "body": openai(prompt_tokens=300, completion_tokens=12, total_tokens=312)},
}  # fmt: skip
ANTHROPIC_BATCH = {"timestamp": TIME, "custom_id": "t-1", "result": {"type": "succeeded", "message": anthropic()}}

CASES = {
    "envoy": (ENVOY, None, "gpt-4.1-2025-04-14", 1200, 1000, None, 95, None, 840.0, True, None, None),
    "kong": (
        kong(), "openai", "gpt-4o-2024-08-06", 820, None, None, 64, None, 1250.0, True, None, Decimal("0.00269"),
    ),
    "kong, older": (
        kong("ai-proxy"), "openai", "gpt-4o-2024-08-06", 820, None, None, 64, None, 1250.0, True, None,
        Decimal("0.00269"),
    ),
    "cloudflare": (
        CLOUDFLARE, "openai", "gpt-4o-mini", 340, None, None, 58, None, 912.0, True, None, Decimal("0.0000858"),
    ),
    # Logpush tells what a call cost, and no tokens.
    "cloudflare logpush": (
        LOGPUSH, "openai", "gpt-4o-mini", None, None, None, None, None, 912.0, True, None, Decimal("0.0000858"),
    ),
    # Bedrock counts what it read from its cache beside the input.
    "bedrock log": (
        BEDROCK_LOG, "aws", BEDROCK_LOG["modelId"], 2310, 2000, None, 77, None, 1430.0, True, None, None,
    ),
    "bedrock converse": (CONVERSE, "aws", CONVERSE["modelId"], 522, 500, None, 57, None, 1864.0, True, None, None),
    "openai chat": (CHAT, None, "gpt-4.1-2025-04-14", 812, 512, None, 40, 16, None, True, None, None),
    "openai responses": (RESPONSES_API, None, "gpt-5-2025-08-07", 75, 64, None, 1186, 1024, None, True, "flex", None),
    # xAI counts reasoning beside the answer, as its total proves, and costs in ticks of 1e-10 USD.
    "xai": (XAI, "x-ai", "grok-4", 100, None, None, 60, 50, None, True, None, Decimal("0.0123")),
    "mistral": (MISTRAL, None, "mistral-large-2512", 50, None, None, 7, None, None, True, None, None),
    "openrouter": (
        OPENROUTER, "openrouter", "anthropic/claude-sonnet-4.5", 420, None, None, 33, None, None, True, None,
        Decimal("0.001755"),
    ),
    "openai batch": (OPENAI_BATCH, None, "gpt-4.1-2025-04-14", 300, None, None, 12, None, None, True, "batch", None),
    # Anthropic counts what it read from and wrote to its cache beside the input: 310 + 2000 + 90.
    "anthropic": (
        anthropic(timestamp=TIME), "anthropic", "claude-sonnet-4-6", 2400, 2000, 90, 77, None, None, True, None, None,
    ),
    "anthropic through bedrock": (
        anthropic(timestamp=TIME, id="msg_bdrk_01"), "aws", "claude-sonnet-4-6", 2400, 2000, 90, 77, None, None, True,
        None, None,
    ),
    "another's model, answered as by anthropic": (
        anthropic(timestamp=TIME, model="glm-4.6"), None, "glm-4.6", 2400, 2000, 90, 77, None, None, True, None, None,
    ),
    "anthropic batch": (
        ANTHROPIC_BATCH, "anthropic", "claude-sonnet-4-6", 2400, 2000, 90, 77, None, None, True, "batch", None,
    ),
    # Gemini counts thoughts beside the answer and what tools wrote beside the prompt: 9 + 200, 120 + 30.
    "gemini": (GEMINI, "google", "gemini-2.5-pro", 150, 100, None, 209, 200, None, True, None, None),
    "cohere": (COHERE, "cohere", "command-a-03-2025", 5, None, None, 18, None, None, True, None, None),
    "wrapped": (
        {"timestamp": TIME, "request_id": "w-1", "latency_ms": 830, "response": anthropic()},
        "anthropic", "claude-sonnet-4-6", 2400, 2000, 90, 77, None, 830.0, True, None, None,
    ),
    "wrapped converse": (
        {"model": "us.amazon.nova-lite-v1:0", "response": CONVERSE},
        "aws", "us.amazon.nova-lite-v1:0", 522, 500, None, 57, None, 1864.0, True, None, None,
    ),
    "wrapped gemini": ({"body": GEMINI}, "google", "gemini-2.5-pro", 150, 100, None, 209, 200, None, True, None, None),
    "wrapped chat": (
        {"response": CHAT}, None, "gpt-4.1-2025-04-14", 812, 512, None, 40, 16, None, True, None, None,
    ),
    "wrapped openrouter": (
        {"response": OPENROUTER}, "openrouter", "anthropic/claude-sonnet-4.5", 420, None, None, 33, None, None, True,
        None, Decimal("0.001755"),
    ),
    "wrapped chunk": (
        {"response": CHAT | {"object": "chat.completion.chunk"}},
        None, "gpt-4.1-2025-04-14", 812, 512, None, 40, 16, None, None, None, None,
    ),
}  # fmt: skip


def told(store: Path) -> list[tuple[Any, ...]]:
    return ask(store, f"SELECT {', '.join(COLUMNS)} FROM requests")


@pytest.mark.parametrize("case", CASES)
def test_tokens_costs_and_outcomes_are_those_of_the_record(case: str, tmp_path: Path):
    record, *expected = CASES[case]
    damaged = json.dumps(record)[:-3]
    store = kept(tmp_path, damaged, record, rejected=1)
    assert told(store) == [tuple(expected)]
    assert ask(store, "SELECT date_trunc('second', time) FROM requests") == [(datetime(2026, 10, 5, 8),)]


@pytest.mark.parametrize("case", CASES)
def test_no_word_of_a_conversation_reaches_the_store(case: str, tmp_path: Path):
    kept(tmp_path, CASES[case][0])  # looks for them


@pytest.mark.parametrize(
    ("record", "status", "error_type"),
    [
        (ENVOY | {"response_code": 429, "gen_ai.usage.output_tokens": 0}, "429", None),
        # What was not answered, or cut off by whom it was for, whatever the status was until then.
        (ENVOY | {"response_code": 0, "response_flags": "DC"}, "0", None),
        (ENVOY | {"response_flags": "UF,DC"}, "200", None),
        (kong(response={"status": 503}), "503", None),
        (CLOUDFLARE | {"success": False, "status_code": 500}, "500", None),
        ({"timestamp": TIME, "status_code": 502, "response": anthropic()}, "502", None),
        (LOGPUSH | {"StatusCode": 429, "RateLimited": True}, "429", None),
        (BEDROCK_LOG | {"errorCode": "ThrottlingException", "output": {}}, None, "ThrottlingException"),
        (
            ANTHROPIC_BATCH | {"result": {"type": "errored", "error": {"error": {"type": "api_error"}}}},
            "errored", "api_error",
        ),
        (
            OPENAI_BATCH | {"timestamp": TIME, "error": {"code": "batch_expired"}, "response": None},
            None, "batch_expired",
        ),
    ],
)  # fmt: skip
def test_failures_are_failures(record: dict[str, Any], status: str | None, error_type: str | None, tmp_path: Path):
    store = kept(tmp_path, record)
    assert ask(store, "SELECT success, status, error_type FROM requests") == [(False, status, error_type)]


@pytest.mark.parametrize(
    "record",
    [
        CLOUDFLARE | {"cached": True},
        kong(response={"status": 200, "headers": {"x-cache-status": "Hit"}}),
    ],
)
def test_what_a_gateway_answered_from_its_cache_is_not_billed(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record)
    assert ask(store, "SELECT cache_hit, input_tokens, output_tokens FROM requests") == [(True, 0, 0)]


@pytest.mark.parametrize(
    "record",
    [
        # Envoy writes the keys of its format whether or not there is something to tell.
        {key: None if key.startswith("gen_ai") else value for key, value in ENVOY.items()}
        | {"response_code": 404, "response_flags": "NR", "x-envoy-origin-path": f"/status?key={SPOKEN}"},
        {key: "-" if key.startswith("gen_ai") else value for key, value in ENVOY.items()}
        | {"response_flags": "-", "x-envoy-origin-path": f"/status?key={SPOKEN}"},
        kong(request={"id": "k-2", "method": "GET", "uri": f"/status?key={SPOKEN}"}, ai=None),
        kong(request={"id": "k-3", "method": "POST", "uri": f"/status?key={SPOKEN}"}, ai={"mcp": {"rpc": []}}),
    ],
)
def test_what_asked_no_model_is_an_event(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record)
    assert ask(store, "SELECT count(*) FROM requests") == [(0,)]
    assert ask(store, "SELECT date_trunc('second', time), message FROM events") == [
        (datetime(2026, 10, 5, 8), "/status")
    ]


def test_a_cut_answer_is_priced_as_far_as_it_went_and_marked(tmp_path: Path):
    store = kept(tmp_path, ENVOY | {"response_flags": "DC"})
    assert ask(store, "SELECT success, estimated, input_tokens, output_tokens FROM requests") == [
        (False, True, 1200, 95)
    ]


def test_counts_by_the_older_names_of_envoy_are_read(tmp_path: Path):
    record = {
        "start_time": TIME, "response_code": 200, "duration": 108, "genai_backend_name": "default/openai",
        "genai_model_name": "gpt-4.1", "genai_tokens_input": 44, "genai_tokens_output": 12,
    }  # fmt: skip
    store = kept(tmp_path, record)
    assert told(store) == [(None, "gpt-4.1", 44, None, None, 12, None, 108.0, True, None, None)]


def test_a_page_of_an_api_holds_records(tmp_path: Path):
    page = {"success": True, "result": [CLOUDFLARE, CLOUDFLARE | {"id": "01KR"}], "result_info": {"page": 1}}
    store = kept(tmp_path, page, json.dumps(page)[:-30], CLOUDFLARE, rejected=1)
    assert ask(store, "SELECT request_id, input_tokens, output_tokens FROM requests ORDER BY 1") == [
        ("01KQ", 340, 58),
        ("01KR", 340, 58),
    ]


def test_every_plugin_of_kong_that_asked_a_model_is_a_request(tmp_path: Path):
    record = kong()
    record["ai"]["ai-request-transformer"] = {
        "meta": {"provider_name": "openai", "request_model": "gpt-4o-mini"},
        "usage": {"prompt_tokens": 70, "completion_tokens": 20, "total_tokens": 90},
    }
    store = kept(tmp_path, record)
    assert ask(store, "SELECT request_id, input_tokens, latency_ms, success FROM requests ORDER BY request_id") == [
        ("k-1", 820, 1250.0, True),
        ("k-1:ai-request-transformer", 70, None, None),
    ]


def test_of_a_streamed_answer_the_last_and_largest_counts(tmp_path: Path):
    first = openai(prompt_tokens=812, completion_tokens=3, total_tokens=815) | {"object": "chat.completion.chunk"}
    last = openai(prompt_tokens=812, completion_tokens=40, total_tokens=852) | {"object": "chat.completion.chunk"}
    store = kept(tmp_path, first, last)
    assert ask(store, "SELECT input_tokens, output_tokens FROM requests") == [(812, 40)]


def test_one_hour_writes_are_told_from_those_of_five_minutes(tmp_path: Path):
    record = anthropic(timestamp=TIME)
    record["usage"]["cache_creation"] = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 60}
    store = kept(tmp_path, record)
    assert ask(store, "SELECT cache_write_tokens, cache_write_1h_tokens FROM requests") == [(90, 60)]


@pytest.mark.parametrize(
    "told_as",
    [
        {"num_cached_tokens": 32},
        {"prompt_token_details": {"cached_tokens": 32}},
        {"num_cached_tokens": 32, "prompt_tokens_details": {"cached_tokens": 32}},
    ],
)
@pytest.mark.parametrize("wrap", [dict, lambda response: {"response": response}])
def test_cached_tokens_of_mistral_are_part_of_the_prompt(told_as: dict[str, Any], wrap: Any, tmp_path: Path):
    response = openai(prompt_tokens=50, completion_tokens=7, total_tokens=57, **told_as)
    store = kept(tmp_path, wrap(response | {"model": "mistral-large-2512"}))
    assert ask(store, "SELECT input_tokens, cached_input_tokens FROM requests") == [(50, 32)]


def test_a_generation_of_openrouter_is_its_response(tmp_path: Path):
    bare = GENERATION["data"] | {"id": "gen-2", "cancelled": True}
    store = kept(tmp_path, GENERATION, OPENROUTER, bare)
    assert ask(store, "SELECT request_id, output_tokens, success, estimated FROM requests ORDER BY 1") == [
        ("gen-1", 33, True, None),
        ("gen-2", 33, False, True),
    ]


def test_a_response_is_known_by_its_id_within_a_record_too(tmp_path: Path):
    store = kept(tmp_path, {"model": "us.amazon.nova-lite-v1:0", "response": CONVERSE}, CONVERSE)
    assert ask(store, "SELECT request_id FROM requests") == [("c-1",)]


def test_iterations_that_the_usage_of_claude_leaves_out_are_requests_of_their_own(tmp_path: Path):
    answer = anthropic(id="msg_01Tollbook", model="claude-opus-4-6")
    answer["usage"] |= {
        "service_tier": "batch", "iterations": [
            {"type": "compaction", "input_tokens": 1800, "output_tokens": 35, "cache_read_input_tokens": 200},
            {"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 1600, "output_tokens": 80},
            {"type": "message", "input_tokens": 310, "output_tokens": 77},
        ],
    }  # fmt: skip
    raw = answer | {"timestamp": TIME, "latency_ms": 900}
    wrapped = {"timestamp": TIME, "request_id": "w-1", "latency_ms": 900, "response": answer | {"id": "msg_02Tollbook"}}
    store = kept(tmp_path, raw, wrapped)
    columns = "model, service_tier, input_tokens, cached_input_tokens, output_tokens, latency_ms"
    for request_id in ("msg_01Tollbook", "w-1"):
        assert ask(
            store, f"SELECT request_id, {columns} FROM requests WHERE request_id LIKE '{request_id}%' ORDER BY 1"
        ) == [
            (request_id, "claude-opus-4-6", "batch", 2400, 2000, 77, 900.0),
            (f"{request_id}:advisor:2", "claude-opus-4-7", "batch", 1600, None, 80, None),
            (f"{request_id}:compaction:1", "claude-opus-4-6", "batch", 2000, 200, 35, None),
        ]


def test_one_hour_writes_are_found_wherever_an_answer_of_bedrock_stands(tmp_path: Path):
    usage = {
        "inputTokens": 22, "outputTokens": 57, "totalTokens": 669, "cacheReadInputTokens": 500,
        "cacheWriteInputTokens": 90, "cacheDetails": [
            {"inputTokens": 30, "ttl": "5m"}, {"inputTokens": 40, "ttl": "1h"}, {"ttl": "1h", "inputTokens": 20},
        ],
    }  # fmt: skip
    answer = CONVERSE | {"usage": usage}
    log = BEDROCK_LOG | {"input": {"inputTokenCount": 22}, "output": {"outputBodyJson": answer, "outputTokenCount": 57}}
    store = kept(tmp_path, answer, {"request_id": "w-1", "model": "m", "response": answer}, log)
    assert ask(store, f"SELECT request_id, provider, cache_write_1h_tokens, {COUNTS} FROM requests ORDER BY 1") == [
        ("b-1", "aws", 60, 612, 500, 90, 57, 1864.0),
        ("c-1", "aws", 60, 612, 500, 90, 57, 1864.0),
        ("w-1", "aws", 60, 612, 500, 90, 57, 1864.0),
    ]


def test_metadata_of_gateways_becomes_dimensions(tmp_path: Path):
    store = kept(
        tmp_path,
        CLOUDFLARE | {"metadata": '{"team":"noc","user":"mira"}'},
        BEDROCK_LOG | {"requestMetadata": {"team": "security", "project": "triage"}},
        kong(),
    )
    assert ask(store, "SELECT request_id, team, project, user_id FROM requests ORDER BY request_id") == [
        ("01KQ", "noc", None, "mira"),
        ("b-1", "security", "triage", None),
        ("k-1", None, None, "noc-bot"),
    ]
