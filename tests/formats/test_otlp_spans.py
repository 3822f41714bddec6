"""OpenTelemetry spans: the attributes of every convention, and only the leaves of a trace billed."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import ask, content, read

from tollbook.prices.resolve import Catalogue

SPOKEN = "what was asked of the model"
START = 1_791_187_200_000_000_000  # 2026-10-05T08:00:00Z
SECOND = 1_000_000_000
TRACE = "7d2c1f0e5a964b3b8f1e2d3c4b5a6978"


def value(given: Any) -> dict[str, Any]:
    if isinstance(given, bool):
        return {"boolValue": given}
    if isinstance(given, int):
        return {"intValue": str(given)}  # 64-bit numbers are texts in the JSON of protocol buffers
    if isinstance(given, float):
        return {"doubleValue": given}
    if isinstance(given, list):
        return {"arrayValue": {"values": [value(each) for each in given]}}
    return {"stringValue": given}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(given)} for key, given in attributes.items()]


def span(number: int, parent: int = 0, *, trace: str = TRACE, second: float = 0, **more: Any) -> dict[str, Any]:
    """Return a span of one second; `attributes` are those it has."""
    attributes = more.pop("attributes", {})
    start = START + int(second * SECOND)
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": "a step",
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + SECOND),
        "attributes": pairs(attributes),
        "events": [{"name": "gen_ai.content.prompt", "attributes": pairs({"gen_ai.prompt": SPOKEN})}],
        "status": {},
        **more,
    }


def call(number: int, parent: int = 0, tokens: int = 100, **more: Any) -> dict[str, Any]:
    """Return the span of a chat."""
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 10,
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": SPOKEN}]),
    }  # fmt: skip
    return span(number, parent, attributes=attributes | more.pop("attributes", {}), **more)


def step(number: int, parent: int = 0, **more: Any) -> dict[str, Any]:
    return span(number, parent, attributes={"http.request.method": "POST"}, **more)


def export(*spans: dict[str, Any], scope: str = "instrumentation", **resource: Any) -> dict[str, Any]:
    """Return a line of the collector's file exporter."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs({"service.name": "triage"} | resource)},
                "scopeSpans": [{"scope": {"name": scope}, "spans": list(spans)}],
            }
        ]
    }


class Logs:
    """Spans and the store they are read into."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.store = folder / "store.duckdb"

    def read(self, *records: dict[str, Any], name: str = "traces.jsonl", **options: Any) -> Any:
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        (outcome,) = read(self.store, path, **options)
        return outcome.account

    def requests(self, columns: str) -> Any:
        return ask(self.store, f"SELECT {columns} FROM requests ORDER BY time, span_id")

    def billed(self) -> list[int]:
        """Return the numbers of the spans that became requests."""
        return sorted(int(row[0], 16) for row in ask(self.store, "SELECT span_id FROM requests"))


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path / "logs")


COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"


def test_a_call_is_read_with_all_that_span_and_resource_tell(logs: Logs):
    attributes = {
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.conversation.id": "conv-1", "user.id": "mira",
        "team": "noc", "openai.response.service_tier": "default", "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": "chatcmpl-Tollbook0001",
    }  # fmt: skip
    logs.read(
        export(
            call(1, 7, attributes=attributes),
            **{"deployment.environment.name": "prod", "service.namespace": "billing", "service.version": "1.2"},
        ),
        catalogue=Catalogue.load(),
    )
    assert logs.requests(COUNTS) == [(100, 40, None, 10, None)]
    assert logs.requests("request_id, trace_id, span_id, parent_span_id, session_id, provider, model") == [
        ("chatcmpl-Tollbook0001", TRACE, f"{1:016x}", f"{7:016x}", "conv-1", "openai", "gpt-4o-2024-08-06")
    ]
    assert logs.requests("team, project, environment, user_id, service, service_tier") == [
        ("noc", "billing", "prod", "mira", "triage", "default")
    ]
    assert logs.requests("CAST(time AS VARCHAR), latency_ms, ttft_ms, success, error") == [
        ("2026-10-05 08:00:00", 1000, 250, True, None)
    ]
    # 60 x 2.5 + 40 x 1.25 + 10 x 10 = 300 millionths
    assert logs.requests("computed_cost") == [(Decimal("0.0003"),)]
    assert json.loads(logs.requests("attributes")[0][0]) == {
        "kind": 3, "scope": "instrumentation", "operation": "chat", "response_id": "chatcmpl-Tollbook0001",
        "requested_model": "gpt-4o", "service_version": "1.2",
    }  # fmt: skip


CONVENTIONS: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    (
        "semantic conventions, current",
        {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "p", "gen_ai.request.model": "m",
         "gen_ai.usage.input_tokens": 50, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read.input_tokens": 20,
         "gen_ai.usage.cache_creation.input_tokens": 10, "gen_ai.usage.reasoning.output_tokens": 4},
        (50, 20, 10, 9, 4),
    ),
    (
        "semantic conventions, older",
        {"gen_ai.system": "p", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 50,
         "gen_ai.usage.completion_tokens": 9, "gen_ai.prompt": SPOKEN},
        (50, None, None, 9, None),
    ),
    (
        "OpenLLMetry",
        {"llm.request.type": "chat", "gen_ai.system": "p", "gen_ai.request.model": "m",
         "gen_ai.prompt.0.content": SPOKEN,
         "gen_ai.usage.prompt_tokens": 50, "gen_ai.usage.completion_tokens": 9, "llm.usage.total_tokens": 59,
         "gen_ai.usage.cache_read_input_tokens": 20, "gen_ai.usage.reasoning_tokens": 4},
        (50, 20, None, 9, 4),
    ),
    (
        "OpenInference",
        {"openinference.span.kind": "LLM", "llm.provider": "p", "llm.model_name": "m", "input.value": SPOKEN,
         "llm.token_count.prompt": 50, "llm.token_count.completion": 9, "llm.token_count.total": 59,
         "llm.token_count.prompt_details.cache_read": 20, "llm.token_count.prompt_details.cache_write": 10,
         "llm.token_count.completion_details.reasoning": 4},
        (50, 20, 10, 9, 4),
    ),
    (
        "AI SDK 6",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.prompt.messages": SPOKEN, "ai.usage.inputTokens": 50, "ai.usage.outputTokens": 9,
         "ai.usage.totalTokens": 59, "ai.usage.inputTokenDetails.cacheReadTokens": 20, "ai.usage.reasoningTokens": 4,
         "ai.usage.inputTokenDetails.cacheWriteTokens": 10, "gen_ai.usage.input_tokens": 50},
        (50, 20, 10, 9, 4),
    ),
    (
        "AI SDK 4",
        {"ai.operationId": "ai.streamText.doStream", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.promptTokens": 50, "ai.usage.completionTokens": 9},
        (50, None, None, 9, None),
    ),
    (
        # 30 are no part of the 50: the input counts 5 that were not cached, and all of it was 50
        "cached tokens beside the input, as more than it",
        {"gen_ai.system": "p", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5,
         "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read_input_tokens": 30,
         "gen_ai.usage.cache_creation_input_tokens": 15, "gen_ai.usage.total_tokens": 14},
        (50, 30, 15, 9, None),
    ),
    (
        "cached tokens beside the input, proved by the total",
        {"gen_ai.system": "p", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 40,
         "gen_ai.usage.output_tokens": 9, "gen_ai.usage.cache_read_input_tokens": 10,
         "gen_ai.usage.total_tokens": 59},
        (50, 10, None, 9, None),
    ),
    (
        "AI SDK 5 with what Anthropic counted",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.inputTokens": 40, "ai.usage.outputTokens": 9, "ai.usage.totalTokens": 49,
         "ai.usage.cachedInputTokens": 10, "gen_ai.usage.input_tokens": 40, "gen_ai.usage.output_tokens": 9,
         "ai.response.providerMetadata": json.dumps({"anthropic": {"usage": {
             "input_tokens": 40, "output_tokens": 9, "cache_read_input_tokens": 10,
             "cache_creation_input_tokens": 3}}})},
        (53, 10, 3, 9, None),
    ),
    (
        # The 40 hold none of what the cache read and wrote, though they are more than that.
        "AI SDK 4 with what Anthropic's cache did",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.promptTokens": 40, "ai.usage.completionTokens": 9, "gen_ai.usage.input_tokens": 40,
         "ai.response.providerMetadata": json.dumps({"anthropic": {
             "cacheReadInputTokens": 10, "cacheCreationInputTokens": 3}})},
        (53, 10, 3, 9, None),
    ),
    (
        "AI SDK 5 with what Bedrock's cache did",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.inputTokens": 40, "ai.usage.outputTokens": 9, "ai.usage.totalTokens": 49,
         "ai.usage.cachedInputTokens": 10,
         "ai.response.providerMetadata": json.dumps({"bedrock": {"usage": {"cacheWriteInputTokens": 3}}})},
        (53, 10, 3, 9, None),
    ),
    (
        "AI SDK 6 with what Bedrock's cache did",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.inputTokens": 53, "ai.usage.outputTokens": 9, "ai.usage.totalTokens": 62,
         "ai.usage.inputTokenDetails.cacheReadTokens": 10, "ai.usage.inputTokenDetails.cacheWriteTokens": 3,
         "ai.response.providerMetadata": json.dumps({"bedrock": {"usage": {"cacheWriteInputTokens": 3}}})},
        (53, 10, 3, 9, None),
    ),
    (
        "AI SDK 4 without a cache",
        {"ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "p", "ai.model.id": "m",
         "ai.usage.promptTokens": 40, "ai.usage.completionTokens": 9,
         "ai.response.providerMetadata": json.dumps({"anthropic": {
             "cacheReadInputTokens": None, "cacheCreationInputTokens": None}})},
        (40, None, None, 9, None),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "counts"), [pytest.param(*case[1:], id=case[0]) for case in CONVENTIONS])
def test_every_convention_is_read(logs: Logs, attributes: dict[str, Any], counts: tuple[Any, ...]):
    account = logs.read(export(span(1, attributes=attributes)))
    assert account.rejected == 0
    assert logs.requests(COUNTS) == [counts]
    assert logs.requests("provider, model") == [("p", "m")]


def test_claude_code_counts_as_anthropic_does(logs: Logs):
    attributes = {
        "model": "claude-sonnet-4-6", "input_tokens": 2, "output_tokens": 12, "cache_read_tokens": 845,
        "cache_creation_tokens": 70, "ttft_ms": 900, "attempt": 1, "request_id": "req_011CTollbook", "speed": "normal",
        "session.id": "s-1", "user.email": "mira@example.org",
    }  # fmt: skip
    logs.read(
        export(
            span(1, 2, name="claude_code.llm_request", attributes=attributes),
            span(2, name="claude_code.interaction", attributes={"user_prompt": SPOKEN}),
        )
    )
    assert logs.requests(COUNTS) == [(917, 845, 70, 12, None)]
    assert logs.requests("request_id, session_id, user_id, ttft_ms, service_tier") == [
        ("req_011CTollbook", "s-1", "mira@example.org", 900, None)
    ]


FORMS = {
    "an export": export,
    "a resource's spans": lambda one: export(one)["resourceSpans"][0],
    "a span": lambda one: one,
    "underscores": lambda one: json.loads(
        json.dumps(export(one))
        .replace("resourceSpans", "resource_spans").replace("scopeSpans", "scope_spans")
        .replace("traceId", "trace_id").replace("parentSpanId", "parent_span_id").replace("spanId", "span_id")
        .replace("startTimeUnixNano", "start_time_unix_nano").replace("endTimeUnixNano", "end_time_unix_nano")
        .replace("stringValue", "string_value").replace("intValue", "int_value")
    ),
    "an older collector's": lambda one: json.loads(
        json.dumps(export(one)).replace("scopeSpans", "instrumentationLibrarySpans")
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_line_gives_the_same_request(logs: Logs, form: str):
    logs.read(FORMS[form](call(1, 7, tokens=812)))
    assert logs.requests("input_tokens, output_tokens, model, latency_ms, span_id, parent_span_id") == [
        (812, 10, "gpt-4o", 1000, f"{1:016x}", f"{7:016x}")
    ]


def test_a_number_may_be_a_number(logs: Logs):
    given = call(1)
    given["attributes"] += [{"key": "gen_ai.usage.cache_read.input_tokens", "value": {"intValue": 64}}]
    given |= {"startTimeUnixNano": START, "endTimeUnixNano": START + SECOND}
    logs.read(export(given))
    assert logs.requests("cached_input_tokens, latency_ms") == [(64, 1000)]


def console(number: int, parent: int | None = None, **attributes: Any) -> dict[str, Any]:
    """Return what Python's console exporter writes."""
    return {
        "name": "chat",
        "context": {"trace_id": "0x" + TRACE, "span_id": f"0x{number:016x}", "trace_state": "[]"},
        "kind": "SpanKind.CLIENT",
        "parent_id": None if parent is None else f"0x{parent:016x}",
        "start_time": "2026-10-05T08:00:00.250000Z",
        "end_time": "2026-10-05T08:00:01.500000Z",
        "status": {"status_code": "UNSET"},
        "attributes": attributes,
        "events": [{"name": "gen_ai.user.message", "attributes": {"content": SPOKEN}}],
        "links": [],
        "resource": {"attributes": {"service.name": "triage", "deployment.environment": "dev"}, "schema_url": ""},
    }


def test_what_the_console_exporter_writes_is_read_with_its_leaves_billed(logs: Logs):
    usage = {"gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 64, "gen_ai.request.model": "gpt-4o"}
    logs.read(console(2, 1, **usage), console(1, **usage))
    assert logs.requests("span_id, parent_span_id, trace_id, input_tokens, latency_ms, environment, service") == [
        (f"{2:016x}", f"{1:016x}", TRACE, 812, 1250, "dev", "triage")
    ]


def test_indented_spans_of_a_console_are_read(logs: Logs):
    path = logs.folder / "console.log"
    path.write_text(
        "".join(json.dumps(console(n, **{"gen_ai.usage.input_tokens": n}), indent=4) + "\n" for n in (1, 2))
    )
    read(logs.store, path)
    assert logs.requests("input_tokens") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("more", "attributes", "outcome"),
    [
        ({"status": {"code": 2, "message": "rate limited"}}, {"error.type": "429"}, (False, "rate limited", "429")),
        ({"status": {"code": "STATUS_CODE_ERROR"}}, {}, (False, None, None)),
        ({"status": {}}, {"error.type": "timeout"}, (False, None, "timeout")),
        ({"status": {"code": 1}}, {}, (True, None, None)),
        ({"status": {}}, {}, (True, None, None)),
        ({"status": {}, "endTimeUnixNano": "0"}, {}, (None, None, None)),
    ],
)
def test_the_outcome_is_that_of_status_and_error_type(
    logs: Logs, more: dict[str, Any], attributes: dict[str, Any], outcome: tuple[Any, ...]
):
    logs.read(export(call(1, attributes=attributes, **more)))
    assert logs.requests("success, error, error_type") == [outcome]


def test_anthropics_own_spans_leave_open_what_was_cancelled(logs: Logs):
    logs.read(export(call(1), scope="com.anthropic.sdk.python"))
    assert logs.requests("success") == [(None,)]


WRAPPERS: list[dict[str, Any]] = [
    {"gen_ai.operation.name": "invoke_agent"},
    {"gen_ai.operation.name": "execute_tool"},
    {"openinference.span.kind": "CHAIN"},
    {"openinference.span.kind": "AGENT"},
    {"traceloop.span.kind": "workflow"},
    {"ai.operationId": "ai.generateText"},
]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_what_says_that_it_only_calls_others_is_never_billed(logs: Logs, wrapper: dict[str, Any]):
    usage = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}
    account = logs.read(export(span(1, attributes=wrapper | usage)))
    assert (account.requests, account.events) == (0, 1)
    assert json.loads(ask(logs.store, "SELECT attributes FROM events")[0][0])["repeats_usage"] is True


def test_other_spans_are_events(logs: Logs):
    logs.read(export(step(1)))
    assert ask(logs.store, "SELECT message, trace_id, span_id, service FROM events") == [
        ("a step", TRACE, f"{1:016x}", "triage")
    ]


def test_a_trace_costs_what_its_leaves_cost(logs: Logs):
    """Two generations of $0.09526 in all, which the agent that made them says again."""
    leaf = {"gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat"}
    first = leaf | {"gen_ai.usage.input_tokens": 20_000, "gen_ai.usage.output_tokens": 1000}
    second = leaf | {"gen_ai.usage.input_tokens": 10_104, "gen_ai.usage.output_tokens": 1000}
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o",
             "gen_ai.usage.input_tokens": 30_104, "gen_ai.usage.output_tokens": 2000}  # fmt: skip
    logs.read(
        export(span(2, 1, attributes=first), span(3, 1, attributes=second, second=1), span(1, attributes=agent)),
        catalogue=Catalogue.load(),
    )
    # (20000 x 2.5 + 1000 x 10) + (10104 x 2.5 + 1000 x 10) = 60000 + 35260 millionths
    assert ask(logs.store, "SELECT sum(computed_cost) FROM requests") == [(Decimal("0.09526"),)]


# A tree: the number of a span -> that of its parent. 1 is the route, 2 a gateway's call, 4 the provider's within it, 3
# a step between them, 5 and 6 further calls of the gateway, 7 a call beside it.
PARENTS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 2, 6: 3, 7: 1}
CALLS = {2, 4, 5, 6, 7}


def tree() -> dict[int, dict[str, Any]]:
    return {
        number: call(number, parent, second=number) if number in CALLS else step(number, parent, second=number)
        for number, parent in PARENTS.items()
    }


def test_of_calls_within_each_other_the_innermost_is_billed(logs: Logs):
    logs.read(export(*tree().values()))
    assert logs.billed() == [4, 5, 6, 7]


@pytest.mark.parametrize("batch_bytes", [3000, 1 << 20])
def test_spans_that_end_before_their_parents_are_billed_as_within_one_line(logs: Logs, batch_bytes: int):
    spans = tree()
    logs.read(*(export(spans[number]) for number in (4, 6, 3, 5, 2, 7, 1)), batch_bytes=batch_bytes)
    assert logs.billed() == [4, 5, 6, 7]


def expected(order: list[int]) -> list[int]:
    """Return what is billed of the tree's spans, a line each: one by one, by what a span knows when it is written."""
    seen: list[int] = []
    outermost: set[int] = set()
    billed = []

    def above(number: int, known: set[int]) -> set[int]:
        found = set()
        while number in known and PARENTS[number]:
            number = PARENTS[number]
            found.add(number)
        return found

    for number in order:
        known = {*seen, number}
        if number in CALLS:
            holds = any(number in above(earlier, known - {number}) for earlier in seen if earlier in CALLS)
            if not holds:
                if not above(number, known) & outermost & set(seen):
                    billed.append(number)
                outermost.add(number)
        seen.append(number)
    return sorted(billed)


@pytest.mark.parametrize("seed", range(2))
def test_the_order_of_lines_decides_and_not_where_a_file_was_cut(tmp_path: Path, seed: int):
    order = random.Random(seed).sample(sorted(PARENTS), len(PARENTS))  # noqa: S311 - an order, no secret
    spans = tree()
    lines = [export(spans[number]) for number in order]
    whole, pieces, growing = (Logs(tmp_path / name) for name in ("whole", "pieces", "growing"))
    whole.read(*lines)
    assert whole.billed() == expected(order)
    pieces.read(*lines, batch_bytes=1)
    for count in (2, 3, 5, len(lines)):
        growing.read(*lines[:count])
    assert content(pieces.store) == content(whole.store)
    assert content(growing.store) == content(whole.store)


def test_a_call_is_found_within_another_whichever_of_the_two_was_written_first(logs: Logs):
    logs.read(export(call(1, tokens=300)), export(call(2, 1, tokens=300)))
    assert logs.billed() == [1]


def test_a_failed_call_within_one_that_succeeded_does_not_hide_its_usage(logs: Logs):
    failed = span(2, 1, attributes={"gen_ai.operation.name": "chat", "error.type": "429"})
    logs.read(export(failed, call(1)))
    assert logs.requests("span_id, success, input_tokens") == [(f"{1:016x}", True, 100), (f"{2:016x}", False, None)]


def test_spans_of_other_traces_and_loops_are_no_kin(logs: Logs):
    logs.read(export(call(2, 1), call(1, trace="0" * 32), call(3, 3), call(4, 5, second=1), step(5, 4)))
    assert sorted(row[0][-1] for row in logs.requests("span_id")) == ["1", "2"]


def test_kin_is_known_over_2000_spans_and_not_beyond(tmp_path: Path):
    for between, billed in ((2000, [2]), (2001, [1, 2])):
        store = Logs(tmp_path / str(between))
        others = [export(*(step(n, 9) for n in range(10, 10 + between)))]
        store.read(export(call(2, 1)), *others, export(call(1)), batch_bytes=1 << 16)
        assert store.billed() == billed


def test_one_response_that_two_frameworks_tell_of_counts_once(logs: Logs):
    told = {"gen_ai.response.id": "chatcmpl-Tollbook0001"}
    account = logs.read(export(call(1, attributes=told), call(2, trace="0" * 32, attributes=told)))
    assert (account.requests, account.duplicates) == (1, 1)


def test_a_short_id_of_a_response_names_none(logs: Logs):
    told = {"gen_ai.response.id": "chatcmpl-1"}
    logs.read(export(call(1, attributes=told), call(2, attributes=told)))
    assert logs.billed() == [1, 2]


def test_a_damaged_span_is_refused_and_costs_its_neighbours_nothing(logs: Logs):
    broken = call(2, attributes={"gen_ai.usage.input_tokens": -5})
    timeless = {**call(3), "startTimeUnixNano": "soon"}
    odd = {**call(4), "attributes": [None, 5, {"value": {}}, {"key": 7}, *call(4)["attributes"], {"key": "x"}]}
    account = logs.read(export(call(1), broken, timeless, odd, call(5)), {"resourceSpans": []}, export(call(6)))
    assert account.rejected == 3
    assert logs.billed() == [1, 4, 5, 6]


def test_reading_a_copy_adds_nothing(logs: Logs):
    lines = [export(one) for one in tree().values()]
    logs.read(*lines)
    before = content(logs.store)
    account = logs.read(*lines, export(step(9)), name="copy.jsonl")
    assert (account.requests, account.events) == (0, 1)
    assert content(logs.store)["requests"] == before["requests"]


def test_no_word_of_a_conversation_reaches_the_store(logs: Logs):
    keys = (
        "gen_ai.prompt.0.content", "gen_ai.completion.0.content", "gen_ai.input.messages", "gen_ai.output.messages",
        "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "input.value", "output.value", "ai.prompt",
        "ai.response.text", "ai.prompt.messages", "llm.input_messages.0.message.content", "traceloop.entity.input",
    )  # fmt: skip
    secret = dict.fromkeys(keys, SPOKEN)
    logs.read(
        export(call(1, attributes=secret), span(2, attributes=secret)),
        console(3, **secret), console(4, **secret, **{"gen_ai.usage.input_tokens": 1}),
        export(call(5, attributes=secret | {"gen_ai.usage.input_tokens": -1})),
    )  # fmt: skip
    held = b"".join(path.read_bytes() for path in logs.folder.glob("store.duckdb*"))
    assert TRACE.encode() in held
    assert SPOKEN.encode() not in held


def test_a_real_trace(shared: Path, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    (outcome,) = read(store, shared / "data" / "formats" / "otlp" / "trace.json")
    assert (outcome.account.events, outcome.account.rejected) == (1, 0)
    assert ask(store, "SELECT message, service, trace_id, parent_span_id FROM events") == [
        ("I'm a server span", "my.service", "5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B173")
    ]
