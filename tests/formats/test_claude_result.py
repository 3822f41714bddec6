"""Results of `claude -p`: a request per model, what was added since the last result of a stream, exact costs."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import ask, read

from tollbook.prices.resolve import Catalogue

SESSION = "8c1f0a52-6f3e-4be7-9a3b-5d2d1c0b7e44"
SPOKEN = "the words of an answer"
HAIKU, OPUS = "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101"


def used(
    input_: int = 0, output: int = 0, *, read: int = 0, written: int = 0, cost: float = 0.0, **more: Any
) -> dict[str, Any]:
    return {
        "inputTokens": input_,
        "outputTokens": output,
        "cacheReadInputTokens": read,
        "cacheCreationInputTokens": written,
        "webSearchRequests": 0,
        "costUSD": cost,
        "contextWindow": 200000,
        **more,
    }


def result(number: int, models: dict[str, Any], *, five: int = 0, hour: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "duration_ms": 4300,
        "duration_api_ms": 4264,
        "ttft_ms": 2131,
        "num_turns": 2,
        "result": SPOKEN,
        "session_id": SESSION,
        "total_cost_usd": 9.99,
        "usage": {
            "input_tokens": 1,
            "output_tokens": 2,
            "service_tier": "standard",
            "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        },
        "modelUsage": models,
        "permission_denials": [],
        "uuid": f"cec86581-6d23-4789-adb8-{number:012}",
        "timestamp": f"2026-10-05T08:{number:02}:00Z",
        **more,
    }


def stream(*records: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the lines that `stream-json` puts around results, which have no time of their own."""
    init = {
        "type": "system", "subtype": "init", "session_id": SESSION, "uuid": "i", "cwd": "/srv/billing", "model": OPUS,
        "claude_code_version": "2.1.205",
    }  # fmt: skip
    said = {"type": "assistant", "session_id": SESSION, "uuid": "a", "parent_tool_use_id": None,
            "message": {"id": "msg_1", "model": OPUS, "content": SPOKEN, "usage": {"output_tokens": 7}}}  # fmt: skip
    tool = {"type": "user", "session_id": SESSION, "uuid": "u", "timestamp": "2026-10-05T09:00:00Z",
            "message": {"role": "user", "content": SPOKEN}}  # fmt: skip
    timeless = [{key: value for key, value in record.items() if key != "timestamp"} for record in records]
    return [init, said, tool, *timeless]


def ingest(tmp_path: Path, records: list[Any], name: str = "results.jsonl", **options: Any) -> Any:
    log = tmp_path / name
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    (outcome,) = read(tmp_path / "store.duckdb", log, **options)
    return outcome.account


def requests(tmp_path: Path, columns: str) -> list[tuple[Any, ...]]:
    return ask(tmp_path / "store.duckdb", f"SELECT {columns} FROM requests ORDER BY request_id")


def test_each_model_of_a_result_is_a_request(tmp_path: Path):
    models = {
        HAIKU: used(2823, 270, cost=0.004173),
        OPUS: used(5, 1587, read=59073, written=30316, cost=0.2587115, thinkingTokens=12, provider="firstParty"),
    }
    ingest(tmp_path, [result(1, models, five=30316)], catalogue=Catalogue.load())
    columns = "model, provider, input_tokens, cached_input_tokens, cache_write_tokens, cache_write_1h_tokens"
    assert requests(tmp_path, columns) == [
        (HAIKU, None, 2823, 0, 0, 0),
        (OPUS, "anthropic", 5 + 59073 + 30316, 59073, 30316, 0),
    ]
    # the client reckons at list prices: 2823 x 1 + 270 x 5; 5 x 5 + 59073 x 0.5 + 30316 x 6.25 + 1587 x 25 millionths
    assert requests(tmp_path, "output_tokens, reasoning_tokens, reported_cost, computed_cost, ttft_ms") == [
        (270, None, Decimal("0.004173"), Decimal("0.004173"), None),
        (1587, 12, Decimal("0.2587115"), Decimal("0.2587115"), 2131.0),
    ]
    assert requests(tmp_path, "request_id, session_id, success, latency_ms")[0] == (
        f"cec86581-6d23-4789-adb8-000000000001:{HAIKU}", SESSION, True, None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("five", "hour", "expected"), [(0, 900, (50, 800)), (900, 0, (0, 0)), (300, 600, (0, 600)), (100, 900, (0, 800))]
)
def test_the_cache_writes_of_an_hour_are_told_from_the_usage(
    tmp_path: Path, five: int, hour: int, expected: tuple[int, int]
):
    ingest(tmp_path, [result(1, {HAIKU: used(1, 1, written=50), OPUS: used(1, 1, written=800)}, five=five, hour=hour)])
    assert tuple(row[0] for row in requests(tmp_path, "cache_write_1h_tokens")) == expected


def test_a_run_that_is_fast_has_the_fast_price_for_its_main_model(tmp_path: Path):
    fast = result(1, {HAIKU: used(5, 5), OPUS: used(1, 1, written=800)})
    fast["usage"]["speed"] = "fast"
    ingest(tmp_path, [fast])
    assert requests(tmp_path, "service_tier") == [("standard",), ("fast",)]


def test_runs_of_their_own_count_whole_even_in_one_session(tmp_path: Path):
    runs = [result(1, {OPUS: used(10, 20, cost=0.5)}), result(2, {OPUS: used(15, 30, cost=0.75)})]
    ingest(tmp_path, runs)
    assert requests(tmp_path, "output_tokens, reported_cost") == [(20, Decimal("0.5")), (30, Decimal("0.75"))]


GROWING = [
    {OPUS: used(10, 20, read=100, written=7, cost=0.5)},
    {OPUS: used(15, 30, read=300, written=9, cost=0.7), HAIKU: used(1, 1, cost=0.01)},
    {OPUS: used(15, 30, read=300, written=9, cost=0.7), HAIKU: used(3, 2, cost=0.03)},
    {OPUS: used(4, 4, read=0, written=0, cost=0.1)},  # another process went on with the session
]


@pytest.mark.parametrize("batch_bytes", [None, 200, 700])
def test_the_results_of_a_stream_count_what_they_add(tmp_path: Path, batch_bytes: int | None):
    lines = stream(*(result(number, models, five=1) for number, models in enumerate(GROWING, start=1)))
    account = ingest(tmp_path, lines, batch_bytes=batch_bytes)
    # what comes before the first time of all can only borrow one that is read together with it
    assert (account.requests, account.events + account.rejected) == (5, 3)
    assert batch_bytes or account.rejected == 0
    assert requests(tmp_path, "model, input_tokens, cached_input_tokens, output_tokens, reported_cost") == [
        (OPUS, 117, 100, 20, Decimal("0.5")),
        (HAIKU, 1, 0, 1, Decimal("0.01")),
        (OPUS, 5 + 200 + 2, 200, 10, Decimal("0.2")),
        (HAIKU, 2, 0, 1, Decimal("0.02")),
        (OPUS, 4, 0, 4, Decimal("0.1")),
    ]
    # the time and the folder are those that the stream told before
    assert set(requests(tmp_path, "CAST(time AS VARCHAR), project")) == {("2026-10-05 09:00:00", "billing")}


def test_a_stream_that_grows_goes_on_from_what_it_held(tmp_path: Path):
    lines = stream(*(result(number, models) for number, models in enumerate(GROWING, start=1)))
    for count in range(1, len(lines) + 1):
        ingest(tmp_path, lines[:count])
    assert requests(tmp_path, "output_tokens") == [(20,), (1,), (10,), (1,), (4,)]


def test_an_older_result_without_its_models_is_one_request(tmp_path: Path):
    old = result(1, {})
    del old["modelUsage"], old["uuid"]
    account = ingest(tmp_path, [old, old])
    assert (account.requests, account.duplicates) == (1, 1)
    assert requests(tmp_path, "model, input_tokens, output_tokens, reported_cost") == [(None, 1, 2, Decimal("9.99"))]


def test_a_failed_run_keeps_what_it_used(tmp_path: Path):
    failed = result(1, {OPUS: used(3, 4)}, subtype="error_max_turns", is_error=True, api_error_status=529)
    ingest(tmp_path, [failed])
    assert requests(tmp_path, "success, status, error_type, output_tokens") == [(False, "529", "error_max_turns", 4)]


def test_a_result_that_nothing_dates_is_refused(tmp_path: Path):
    account = ingest(tmp_path, [result(1, {OPUS: used(3, 4)}, timestamp=None)])
    assert (account.requests, account.rejected) == (0, 1)
    assert ask(tmp_path / "store.duckdb", "SELECT reason FROM rejects") == [("no time",)]


def test_damage_to_one_model_or_line_costs_no_other(tmp_path: Path):
    account = ingest(
        tmp_path,
        [
            result(1, {OPUS: used(3, 4), HAIKU: used(-1, 4)}),
            result(2, {OPUS: 7}),
            result(3, {"a/b~c": used(1, 1)}),
            result(4, []),  # type: ignore[arg-type]
        ],
    )
    assert account.rejected == 1
    assert [row[0] for row in requests(tmp_path, "model")] == [OPUS, OPUS, "a/b~c", None]


def test_no_word_of_an_answer_reaches_the_store(tmp_path: Path):
    ingest(tmp_path, stream(result(1, {OPUS: used(3, 4)})))
    held = b"".join(path.read_bytes() for path in tmp_path.glob("store.duckdb*"))
    assert SPOKEN.encode() not in held
    assert OPUS.encode() in held


def test_a_result_that_names_a_model_twice_is_refused_and_its_neighbours_are_read(tmp_path: Path) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    sound = [json.dumps(result(number, {OPUS: used(5, number)})) for number in (1, 2)]
    twice = json.dumps(result(3, {OPUS: used(7, 7), "other": used(8, 8)})).replace('"other"', f'"{OPUS}"')
    log.write_text("\n".join([sound[0], twice, sound[1]]) + "\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected) == (2, 1)
    (refused,) = ask(store, "SELECT line, reason FROM rejects")
    assert refused == (2, "a key stands twice in the usage object: which count is billed is ambiguous")
