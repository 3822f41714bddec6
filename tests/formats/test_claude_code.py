"""Claude Code sessions: which lines bill, once each, at which price, and that nothing of a conversation is stored."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import ask, read

from tollbook.prices.resolve import Catalogue

SESSION = "5f1c0f6e-90a1-4ffb-8f9e-0d6a51c9e0f1"
SPOKEN = "the words of a conversation"
COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens"


def usage(input_tokens: int = 3, output_tokens: int = 40, **more: Any) -> dict[str, Any]:
    return {"input_tokens": input_tokens, "output_tokens": output_tokens, **more}


def answer(
    number: int, counts: dict[str, Any] | None = None, *, message: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a line as the client writes one per block of an answer."""
    return {
        "parentUuid": f"0c54b1a2-{number - 1:04}",
        "isSidechain": False,
        "userType": "external",
        "cwd": "/srv/billing",
        "sessionId": SESSION,
        "version": "2.1.205",
        "gitBranch": "main",
        "type": "assistant",
        "uuid": f"0c54b1a2-1f27-4d5c-9c1d-{number:012}",
        "timestamp": f"2026-10-05T08:{number:02}:00.250Z",
        "requestId": f"req_{number}",
        "message": {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "content": [{"type": "text", "text": SPOKEN}],
            "stop_reason": "end_turn",
            "usage": counts or usage(),
            **(message or {}),
        },
        **more,
    }


class Log:
    """A session file and the store it is read into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store.duckdb"

    def read(self, *records: dict[str, Any] | str, name: str = "session.jsonl", **options: Any) -> Any:
        path = self.folder / name
        lines = [record if isinstance(record, str) else json.dumps(record, separators=(",", ":")) for record in records]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (outcome,) = read(self.store, path, **options)
        return outcome.account

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self.store, query)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_an_answer_is_a_request_with_all_that_its_line_says(log: Log):
    counts = usage(
        9, 310,
        cache_creation_input_tokens=500, cache_read_input_tokens=2000,
        cache_creation={"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
        output_tokens_details={"thinking_tokens": 120},
        server_tool_use={"web_search_requests": 2, "web_fetch_requests": 1},
        service_tier="standard", inference_geo="us", speed="standard",
    )  # fmt: skip
    log.read(answer(7, counts, costUSD=0.25))
    assert log.ask(f"SELECT {COUNTS} FROM requests") == [(2509, 2000, 500, 400, 310, 120)]
    assert log.ask(
        "SELECT CAST(time AS VARCHAR), request_id, session_id, model, provider, project, region, service_tier,"
        " success, reported_cost FROM requests"
    ) == [
        (
            "2026-10-05 08:07:00.25", "msg_7", SESSION, "claude-opus-4-6", None, "billing", "us", "standard", True,
            Decimal("0.25"),
        )
    ]  # fmt: skip
    ((kept,),) = log.ask("SELECT attributes FROM requests")
    assert json.loads(kept) == {
        "cwd": "/srv/billing", "gitBranch": "main", "version": "2.1.205", "requestId": "req_7", "isSidechain": False,
        "stop_reason": "end_turn", "speed": "standard", "web_search_requests": 2, "web_fetch_requests": 1,
    }  # fmt: skip


def test_cache_writes_of_an_hour_and_of_five_minutes_have_their_own_prices(log: Log):
    counts = usage(
        10, 100, cache_creation_input_tokens=500, cache_read_input_tokens=2000,
        cache_creation={"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 400},
    )  # fmt: skip
    log.read(answer(1, counts), catalogue=Catalogue.load())
    # USD per million: 10 x 5 + 2000 x 0.5 + 100 x 6.25 + 400 x 10 + 100 x 25 = 8175
    assert log.ask("SELECT computed_cost FROM requests") == [(Decimal("0.008175"),)]


def test_a_fast_answer_has_the_fast_price(log: Log):
    log.read(
        answer(1, usage(1000, 100, speed="fast", service_tier="standard"), message={"model": "claude-opus-4-8"}),
        catalogue=Catalogue.load(),
    )
    # 1000 x 10 + 100 x 50 millionths
    assert log.ask("SELECT service_tier, computed_cost FROM requests") == [("fast", Decimal("0.015"))]


def test_a_region_that_is_not_available_is_unknown(log: Log):
    log.read(answer(1, usage(inference_geo="not_available")))
    assert log.ask("SELECT region FROM requests") == [(None,)]


def test_the_blocks_of_a_streamed_answer_are_one_request_with_the_largest_usage(log: Log):
    blocks = [answer(1, usage(100, output)) for output in (1, 25, 250)]
    account = log.read(*blocks)
    assert (account.requests, account.duplicates) == (1, 2)
    assert log.ask("SELECT output_tokens FROM requests") == [(250,)]


def test_a_side_conversation_that_replays_its_parent_adds_only_its_own_answer(log: Log):
    own = answer(3, usage(output_tokens=5), isSidechain=True)
    replays = [{**answer(number), "isSidechain": True, "requestId": f"req_side_{number}"} for number in (1, 2)]
    log.read(answer(1), answer(2))
    account = log.read(*replays, own, name="agent-aside.jsonl")
    assert (account.requests, account.duplicates) == (1, 2)
    assert log.ask("SELECT count(*), sum(output_tokens) FROM requests") == [(3, 85)]


def test_a_session_that_was_copied_into_another_counts_once(log: Log):
    log.read(answer(1), answer(2))
    copied = [{**answer(number), "sessionId": "another-session"} for number in (1, 2)]
    log.read(*copied, answer(3), name="resumed.jsonl")
    assert log.ask("SELECT count(*) FROM requests") == [(3,)]


def progress(number: int, counts: dict[str, Any]) -> dict[str, Any]:
    """Return what the session of the parent holds of a sub-agent's answer."""
    inner = answer(number, counts)
    return {
        **{key: inner[key] for key in ("sessionId", "cwd", "version", "gitBranch", "isSidechain")},
        "type": "progress",
        "uuid": f"77777777-1f27-4d5c-9c1d-{number:012}",
        "timestamp": "2026-10-05T09:30:00.000Z",
        "toolUseID": "agent_msg_1",
        "data": {
            "type": "agent_progress",
            "agentId": "a1b2c3",
            "prompt": SPOKEN,
            "message": {key: inner[key] for key in ("type", "timestamp", "uuid", "requestId", "message")},
        },
    }


def test_the_progress_of_a_sub_agent_bills_where_it_stands_alone_and_once_beside_its_own_file(log: Log):
    log.read(progress(1, usage(output_tokens=30)), progress(2, usage(output_tokens=8)))
    assert log.ask("SELECT request_id, CAST(time AS VARCHAR), model, output_tokens FROM requests ORDER BY 1") == [
        ("msg_1", "2026-10-05 08:01:00.25", "claude-opus-4-6", 30),
        ("msg_2", "2026-10-05 08:02:00.25", "claude-opus-4-6", 8),
    ]
    log.read(answer(1, usage(output_tokens=30)), answer(2, usage(output_tokens=90)), name="agent-1.jsonl")
    assert log.ask("SELECT sum(output_tokens) FROM requests") == [(120,)]


def test_an_advisor_is_a_request_of_its_own_and_other_iterations_are_none(log: Log):
    iterations = [
        {"type": "message", "input_tokens": 1, "output_tokens": 45},
        {"type": "advisor_message", "model": "claude-opus-4-7", "input_tokens": 1600, "output_tokens": 80,
         "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
        {"type": "message", "input_tokens": 1, "output_tokens": 446},
    ]  # fmt: skip
    line = answer(
        1, usage(2, 491, cache_read_input_tokens=700, iterations=iterations), message={"model": "claude-sonnet-4-6"}
    )
    account = log.read(line, line, answer(2, usage(4, 5, iterations=iterations[:1])))
    assert (account.requests, account.duplicates) == (3, 2)
    assert log.ask("SELECT request_id, model, input_tokens, output_tokens FROM requests ORDER BY 1") == [
        ("msg_1", "claude-sonnet-4-6", 702, 491),
        ("msg_1:advisor:1", "claude-opus-4-7", 1600, 80),
        ("msg_2", "claude-opus-4-6", 4, 5),
    ]


def test_the_summary_of_a_long_conversation_is_a_request_of_its_own(log: Log):
    iterations = [
        {"type": "compaction", "input_tokens": 180000, "output_tokens": 3500},
        {"type": "message", "input_tokens": 23000, "output_tokens": 1000},
    ]
    line = answer(1, usage(23000, 1000, service_tier="standard", iterations=iterations))
    log.read(line, line, catalogue=Catalogue.load())
    # 23000 x 5 + 1000 x 25, and 180000 x 5 + 3500 x 25 millionths of a dollar
    assert log.ask("SELECT request_id, model, service_tier, computed_cost FROM requests ORDER BY 1") == [
        ("msg_1", "claude-opus-4-6", "standard", Decimal("0.14")),
        ("msg_1:compaction:1", "claude-opus-4-6", "standard", Decimal("0.9875")),
    ]


def test_the_words_of_the_client_itself_are_events_and_its_errors_are_failures(log: Log):
    nothing = usage(0, 0)
    log.read(
        answer(1, nothing, message={"model": "<synthetic>", "id": "3e1d6c52-0a2f-4f3a-9f0e-6a1d3a7e5b01"}),
        answer(
            2, nothing, message={"model": "<synthetic>", "id": "3e1d6c52-0a2f-4f3a-9f0e-6a1d3a7e5b02"},
            isApiErrorMessage=True, error="rate_limit", apiErrorStatus=429, requestId=None,
        ),
    )  # fmt: skip
    assert log.ask("SELECT message FROM events") == [("assistant",)]
    assert log.ask("SELECT model, success, status, error_type, output_tokens FROM requests") == [
        (None, False, "429", "rate_limit", 0)
    ]


def test_everything_else_in_a_session_is_an_event_without_its_content(log: Log):
    base = {"sessionId": SESSION, "cwd": "/srv/billing"}
    account = log.read(
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"trackedFileBackups": {"a.py": SPOKEN}}},
        {"type": "summary", "summary": SPOKEN, "leafUuid": "0c54b1a2"},
        {**base, "type": "user", "uuid": "u1", "timestamp": "2026-10-05T08:00:00Z",
         "message": {"role": "user", "content": SPOKEN}, "toolUseResult": {"stdout": SPOKEN}},
        {**base, "type": "system", "subtype": "api_error", "level": "error", "uuid": "u2",
         "timestamp": "2026-10-05T08:00:05Z", "error": {"status": 529, "message": SPOKEN}, "retryAttempt": 1,
         "maxRetries": 10, "retryInMs": 541.5},
        {**base, "type": "attachment", "uuid": "u3", "timestamp": "2026-10-05T08:00:06Z", "attachment": SPOKEN},
        {"type": "queue-operation", "operation": "enqueue", "timestamp": "2026-10-05T08:00:07Z", "content": SPOKEN,
         "sessionId": SESSION},
        {"type": "last-prompt", "lastPrompt": SPOKEN, "sessionId": SESSION},
        {"type": "ai-title", "aiTitle": SPOKEN, "sessionId": SESSION},
        {**base, "type": "progress", "uuid": "u4", "timestamp": "2026-10-05T08:00:08Z",
         "data": {"type": "bash_progress", "output": SPOKEN}},
    )  # fmt: skip
    assert (account.events, account.rejected) == (9, 0)
    assert [row[0] for row in log.ask("SELECT message FROM events ORDER BY line")] == [
        "file-history-snapshot", "summary", "user", "api_error", "attachment", "queue-operation", "last-prompt",
        "ai-title", "progress",
    ]  # fmt: skip
    # what has no time has that of its neighbours
    assert log.ask("SELECT CAST(time AS VARCHAR) FROM events WHERE line IN (1, 2, 7) ORDER BY line") == [
        ("2026-10-05 08:00:00",), ("2026-10-05 08:00:00",), ("2026-10-05 08:00:07",)
    ]  # fmt: skip
    ((level, kept),) = log.ask("SELECT level, attributes FROM events WHERE message = 'api_error'")
    assert level == "error"
    assert json.loads(kept) == {"cwd": "/srv/billing", "retryAttempt": 1, "maxRetries": 10, "retryInMs": 541.5}


def test_no_word_of_a_conversation_reaches_the_store(log: Log):
    log.read(
        answer(1), {**answer(2), "thinkingMetadata": SPOKEN}, progress(3, usage()),
        answer(4, usage(iterations=[{"type": "advisor_message", "model": "m", "input_tokens": 1}])),
        {"type": "last-prompt", "lastPrompt": SPOKEN, "sessionId": SESSION},
    )  # fmt: skip
    held = b"".join(path.read_bytes() for path in log.folder.glob("store.duckdb*"))
    assert SPOKEN.encode() not in held
    assert b"msg_1" in held


def test_the_oldest_lines_without_a_kind_are_read(log: Log):
    log.read(
        {"timestamp": "2025-06-09T10:00:00.000Z", "sessionId": "s", "version": "0.2.30", "requestId": "req_1",
         "costUSD": 0.12, "message": {"role": "assistant", "id": "msg_1", "model": "claude-sonnet-4-20250514",
                                      "usage": usage(100, 50)}}
    )  # fmt: skip
    assert log.ask("SELECT model, input_tokens, reported_cost FROM requests") == [
        ("claude-sonnet-4-20250514", 100, Decimal("0.12"))
    ]


def test_spaces_after_colons_change_nothing(log: Log):
    account = log.read(json.dumps(answer(1)), json.dumps(answer(2), separators=(", ", " : ")))
    assert account.requests == 2


@pytest.mark.parametrize("name", ["msg_bdrk_01A", "msg_vrtx_01A", "chatcmpl-0a1b2c3d4e5f", "0198c0de-aaaa-bbbb-cccc-1"])
def test_ids_of_any_provider_identify_without_the_request(log: Log, name: str):
    lines = [answer(number, message={"id": name}) for number in (1, 2)]
    for line in lines:
        del line["requestId"]
    account = log.read(*lines)
    assert (account.requests, account.duplicates) == (1, 1)


@pytest.mark.parametrize("name", ["relay", "", None])
def test_a_gateway_that_calls_every_message_the_same_loses_none(log: Log, name: str | None):
    with_request = [answer(number, message={"id": name}) for number in (1, 2)]
    without = [{**answer(number, message={"id": name}), "requestId": None} for number in (3, 4)]
    account = log.read(*with_request, with_request[0], *without)
    assert (account.requests, account.duplicates) == (4, 1)


def test_a_model_without_a_name_still_bills_its_tokens(log: Log):
    log.read(answer(1, usage(5, 6), message={"model": None}))
    assert log.ask("SELECT model, output_tokens, computed_cost FROM requests") == [(None, 6, None)]


def test_a_damaged_line_costs_its_neighbours_nothing(log: Log):
    torn = json.dumps(answer(2))[:200]
    broken = answer(3, {"input_tokens": -1, "output_tokens": 5})
    account = log.read(answer(1), torn, broken, answer(4))
    assert (account.requests, account.rejected) == (2, 2)


def test_reading_again_and_in_small_pieces_adds_nothing(log: Log):
    records = [answer(number, usage(number, number)) for number in range(1, 40)]
    log.read(*records, batch_bytes=2000)
    assert log.read(*records, *records, batch_bytes=900).requests == 0
    assert log.ask("SELECT count(*), sum(output_tokens) FROM requests") == [(39, sum(range(1, 40)))]


def test_home_made_logs_that_name_a_session_stay_native(log: Log):
    log.read({"timestamp": "2026-10-05T08:00:00Z", "sessionId": "s", "type": "llm_call", "model": "m", "tokens": 3})
    assert log.ask("SELECT model, attributes FROM requests") == [
        ("m", '{"sessionId":"s","type":"llm_call","tokens":3}')
    ]


def test_real_sessions(shared: Path, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    folder = shared / "data" / "formats" / "claude_code"
    accounts = [outcome.account for outcome in read(store, *sorted(folder.glob("*.jsonl")))]
    assert sum(account.rejected for account in accounts) == 0
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    billed = {}
    for line in lines:
        if counts := line.get("message", {}).get("usage"):
            billed[line["message"]["id"]] = counts
    assert ask(store, "SELECT count(*), sum(output_tokens), sum(input_tokens) FROM requests") == [
        (
            len(billed),
            sum(counts["output_tokens"] for counts in billed.values()),
            sum(
                counts["input_tokens"] + counts["cache_creation_input_tokens"] + counts["cache_read_input_tokens"]
                for counts in billed.values()
            ),
        )
    ]
