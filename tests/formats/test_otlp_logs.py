"""OpenTelemetry logs and metrics: events of calls are requests, each once; sums of calls are none."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.formats.test_otlp_spans import SECOND, SPOKEN, START, TRACE, Logs, call, export, pairs
from tests.reading import ask, content, read

from tollbook.prices.resolve import Catalogue

SPAN = f"{1:016x}"
COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path / "logs")


def record(name: str, *, body: str = SPOKEN, second: int = 0, **attributes: Any) -> dict[str, Any]:
    """Return a log record; of attributes, two underscores stand for a dot."""
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "timeUnixNano": str(START + second * SECOND),
        "eventName": name,
        "body": {"stringValue": body},
        "attributes": pairs(given),
    }


def line(*records: dict[str, Any], scope: str = "events", service: str = "triage") -> dict[str, Any]:
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": pairs({"service.name": service, "deployment.environment": "prod"})},
                "scopeLogs": [{"scope": {"name": scope}, "logRecords": list(records)}],
            }
        ]
    }


def claude(name: str, **more: Any) -> dict[str, Any]:
    """Return an event of Claude Code, which names itself in the body, and short in an attribute."""
    given = {"event__name": name, "session__id": "s-1", "user__email": "mira@example.org", "model": "claude-sonnet-4-6"}
    return record("", body=f"claude_code.{name}", **given | more)


USED = {
    "input_tokens": "9", "output_tokens": "31", "cache_read_tokens": "900", "cache_creation_tokens": "400",
    "cost_usd": "0.002262", "duration_ms": "2310",
}  # fmt: skip


def test_a_request_of_claude_code_is_read(logs: Logs):
    event = claude("api_request", request_id="req_011CTollbook1", speed="fast", **USED)
    logs.read(line(event, scope="com.anthropic.claude_code.events", service="claude-code"))
    assert logs.requests(COUNTS) == [(1309, 900, 400, 31, None)]
    assert logs.requests(
        "request_id, session_id, user_id, model, service_tier, latency_ms, success, reported_cost"
    ) == [
        ("req_011CTollbook1", "s-1", "mira@example.org", "claude-sonnet-4-6", "fast", 2310, True, Decimal("0.002262"))
    ]
    assert logs.requests("service, environment, CAST(time AS VARCHAR)") == [
        ("claude-code", "prod", "2026-10-05 08:00:00")
    ]


def test_requests_without_an_id_are_told_apart_though_they_share_a_span(logs: Logs):
    events = [claude("api_request", second=n, event__sequence=n, **USED) for n in (1, 2)]
    logs.read(line(*({**event, "traceId": TRACE, "spanId": SPAN} for event in events)))
    assert logs.requests("trace_id, input_tokens") == [(TRACE, 1309), (TRACE, 1309)]


def test_a_failed_request_of_claude_code_is_one(logs: Logs):
    logs.read(line(claude("api_error", error="Overloaded", status_code="529", duration_ms="40", attempt="3")))
    assert logs.requests("success, error, status, latency_ms, input_tokens") == [(False, "Overloaded", "529", 40, None)]
    assert json.loads(logs.requests("attributes")[0][0])["attempt"] == "3"


def test_other_events_of_an_agent_are_events_and_show_nothing_that_was_said(logs: Logs):
    prompt = claude("user_prompt", prompt=SPOKEN, prompt_length="9")
    logs.read(line(prompt, record("gen_ai.user.message"), record("gen_ai.choice", message=SPOKEN)))
    assert ask(logs.store, "SELECT message FROM events ORDER BY message") == [
        ("claude_code.user_prompt",), ("gen_ai.choice",), ("gen_ai.user.message",)
    ]  # fmt: skip
    assert SPOKEN.encode() not in b"".join(path.read_bytes() for path in logs.folder.glob("store.duckdb*"))


DETAILS = {
    "gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-4o",
    "gen_ai__usage__input_tokens": 100, "gen_ai__usage__output_tokens": 10,
    "gen_ai__usage__cache_read__input_tokens": 40, "gen_ai__input__messages": SPOKEN,
}  # fmt: skip


def test_the_event_of_a_call_is_a_request(logs: Logs):
    event = record("gen_ai.client.inference.operation.details", **DETAILS)
    logs.read(line({**event, "traceId": TRACE, "spanId": SPAN}), catalogue=Catalogue.load())
    assert logs.requests(COUNTS) == [(100, 40, None, 10, None)]
    # 60 x 2.5 + 40 x 1.25 + 10 x 10 = 300 millionths
    assert logs.requests("request_id, computed_cost") == [(f"{TRACE}:{SPAN}", Decimal("0.0003"))]


@pytest.mark.parametrize("spans_first", [True, False])
def test_a_call_that_span_and_event_tell_of_counts_once(logs: Logs, *, spans_first: bool):
    event = {**record("gen_ai.client.inference.operation.details", **DETAILS), "traceId": TRACE, "spanId": SPAN}
    files = {"traces.jsonl": export(call(1)), "logs.jsonl": line(event)}
    for name in sorted(files, reverse=spans_first):
        logs.read(files[name], name=name)
    assert logs.requests("input_tokens, output_tokens") == [(100, 10)]


def test_gemini_cli_tells_each_call_twice_and_it_counts_once(logs: Logs):
    used = {
        "model": "gemini-2.5-pro", "input_token_count": 17, "output_token_count": 201, "thoughts_token_count": 213,
        "tool_token_count": 119, "cached_content_token_count": 0, "total_token_count": 550, "duration_ms": 900,
        "response_text": SPOKEN,
    }  # fmt: skip
    again = record("gen_ai.client.inference.operation.details", **DETAILS)
    own = record("", event__name="gemini_cli.api_response", **used)
    logs.read(line(own, again, service="gemini-cli"), catalogue=Catalogue.load())
    assert logs.requests("provider, " + COUNTS) == [("google", 136, 0, None, 414, 213)]
    # 136 x 1.25 + 414 x 10 = 4310 millionths
    assert logs.requests("computed_cost") == [(Decimal("0.00431"),)]


def test_codex_cli_counts_where_a_response_is_complete(logs: Logs):
    used = {"model": "gpt-5", "input_token_count": "1000", "cached_token_count": "600", "output_token_count": "50",
            "reasoning_token_count": "20", "tool_token_count": "1050", "conversation__id": "c-1"}  # fmt: skip
    events = [
        record("", event__name="codex.sse_event", event__kind=kind, **(used if kind == "response.completed" else {}))
        for kind in ("response.created", "response.output_item.done", "response.completed")
    ]
    account = logs.read(line(*events, service="codex_cli_rs"))
    assert (account.requests, account.events) == (1, 2)
    assert logs.requests("session_id, " + COUNTS) == [("c-1", 1000, 600, None, 50, 20)]


def test_an_ordinary_log_record_is_an_event_with_its_text(logs: Logs):
    plain = record("", body="retrying in 2 s") | {"severityText": "WARN", "traceId": TRACE, "spanId": SPAN}
    logs.read(line({**plain, "timeUnixNano": "0", "observedTimeUnixNano": str(START)}))
    assert ask(logs.store, "SELECT message, level, trace_id, CAST(time AS VARCHAR) FROM events") == [
        ("retrying in 2 s", "WARN", TRACE, "2026-10-05 08:00:00")
    ]


def test_a_damaged_record_costs_its_neighbours_nothing_and_a_copy_adds_nothing(logs: Logs):
    broken = claude("api_request", request_id="req_011CTollbook2", **USED | {"output_tokens": "many"})
    fine = claude("api_request", request_id="req_011CTollbook1", **USED)
    account = logs.read(line(broken, fine))
    assert (account.requests, account.rejected) == (1, 1)
    before = content(logs.store)
    logs.read(line(broken, fine), line(claude("api_request", request_id="req_011CTollbook1", **USED)), name="b.jsonl")
    assert content(logs.store) == before


def test_metrics_are_events_and_never_billed(logs: Logs):
    point = {"timeUnixNano": str(START), "attributes": pairs({"type": "input", "model": "m"})}
    metrics = [
        {"name": "claude_code.token.usage", "unit": "tokens", "sum": {"dataPoints": [{**point, "asDouble": 1340}]}},
        {"name": "gen_ai.client.token.usage", "histogram": {"dataPoints": [{**point, "count": "2", "sum": 99}]}},
        {"name": "queue", "gauge": {"dataPoints": [{**point, "asInt": "7"}, {**point, "asInt": "8"}]}},
    ]
    resource = {"attributes": pairs({"service.name": "claude-code"})}
    account = logs.read({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]})
    assert (account.requests, account.events, account.rejected) == (0, 4, 0)
    found = ask(logs.store, "SELECT message, service, attributes FROM events ORDER BY ALL")
    assert [(row[0], row[1]) for row in found] == [
        ("claude_code.token.usage", "claude-code"), ("gen_ai.client.token.usage", "claude-code"),
        ("queue", "claude-code"), ("queue", "claude-code"),
    ]  # fmt: skip
    assert json.loads(found[0][2]) == {
        "value": 1340.0, "unit": "tokens", "aggregation": "sum", "model": "m", "type": "input"
    }  # fmt: skip
    assert json.loads(found[1][2])["count"] == "2"


def test_real_logs(shared: Path, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    (outcome,) = read(store, shared / "data" / "formats" / "otlp" / "logs.json")
    assert (outcome.account.events, outcome.account.rejected) == (1, 0)
    assert ask(store, "SELECT message, level, service, span_id FROM events") == [
        ("Example log record", "Information", "my.service", "EEE19B7EC3C1B174")
    ]
