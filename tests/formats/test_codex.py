"""Codex CLI rollouts: what the counters moved by is billed once, whatever repeats them, and however they are read."""

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import ask, content, read

from tollbook.prices.resolve import Catalogue

SPOKEN = "the words of a thread"
PARENT = "0199b3f0-1c2d-7e30-9a41-000000000001"
CHILD = "0199b400-0000-7e30-9a41-000000000002"  # an id tells its time: 10:52:15.872 on 2025-10-05
TURN_OF_PARENT = "0199b3f1-0000-7000-8000-000000000001"  # 10:35:51.424
TURN_OF_CHILD = "0199b401-0000-7000-8000-000000000002"  # 10:53:21.408
FORKED_AT = "2025-10-05T10:52:15.872Z"
Counts = tuple[int, int, int, int]  # input, cached of it, output, reasoning of it


def line(minute: float, kind: str, **payload: Any) -> dict[str, Any]:
    second = round(minute * 60)
    return {
        "timestamp": f"2025-10-05T{10 + second // 3600}:{second // 60 % 60:02}:{second % 60:02}.000Z",
        "type": kind,
        "payload": payload,
    }


def meta(minute: float, name: str, **more: Any) -> dict[str, Any]:
    return line(
        minute, "session_meta", id=name, timestamp="2025-10-05T10:34:00.000Z", cwd="/srv/billing",
        originator="codex_cli_rs", cli_version="0.142.0", model_provider="openai",
        git={"branch": "main", "commit_hash": "c0ffee"}, instructions=SPOKEN, **more,
    )  # fmt: skip


def turn(minute: float, model: str | None = "gpt-5.2-codex", name: str | None = None, **more: Any) -> dict[str, Any]:
    return line(minute, "turn_context", cwd="/srv/billing/api", model=model, turn_id=name, effort="high", **more)


def usage(counts: Counts) -> dict[str, int]:
    return {
        "input_tokens": counts[0],
        "cached_input_tokens": counts[1],
        "output_tokens": counts[2],
        "reasoning_output_tokens": counts[3],
        "total_tokens": counts[0] + counts[2],
    }


def count(minute: float, total: Counts | None, last: Counts | None = None, **info: Any) -> dict[str, Any]:
    if total:
        info["total_token_usage"] = usage(total)
    if last:
        info["last_token_usage"] = usage(last)
    return line(minute, "event_msg", type="token_count", info=info or None, rate_limits={"plan_type": "pro"})


def record(minute: float, name: str, counts: Counts, **more: Any) -> dict[str, Any]:
    return line(
        minute, "token_usage_record", response_id=name, usage=usage(counts), thread_token_usage=usage(counts), **more
    )


def said(minute: float) -> dict[str, Any]:
    return line(minute, "response_item", type="message", role="assistant", content=[{"text": SPOKEN}])


def running(*steps: Counts) -> list[Counts]:
    """Return how high counters stand after each step."""
    return list(itertools.accumulate(steps, lambda a, b: tuple(x + y for x, y in zip(a, b, strict=True))))  # type: ignore[arg-type, return-value]


class Logs:
    """Rollouts and the store they are read into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store.duckdb"

    def read(self, *records: dict[str, Any], name: str = "rollout.jsonl", **options: Any) -> Any:
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        (outcome,) = read(self.store, path, **options)
        return outcome.account

    def requests(self, columns: str = "input_tokens, cached_input_tokens, output_tokens, reasoning_tokens") -> Any:
        return ask(self.store, f"SELECT {columns} FROM requests ORDER BY time, line, output_tokens")


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def test_a_request_is_what_the_counters_moved_by_with_all_that_the_thread_told(logs: Logs):
    steps: list[Counts] = [(1000, 250, 125, 75), (2500, 500, 300, 200)]
    first, second = running(*steps)
    logs.read(
        meta(34, PARENT), turn(35, name=TURN_OF_PARENT), said(35.5), count(36, first, steps[0]),
        turn(37, "gpt-5.4"), count(38, second, steps[1]),
        catalogue=Catalogue.load(),
    )  # fmt: skip
    assert logs.requests() == steps
    assert logs.requests("model, provider, session_id, project, success, CAST(time AS VARCHAR)") == [
        ("gpt-5.2-codex", "openai", PARENT, "api", True, "2025-10-05 10:36:00"),
        ("gpt-5.4", "openai", PARENT, "api", True, "2025-10-05 10:38:00"),
    ]
    # 750 x 1.75 + 250 x 0.175 + 125 x 14 = 3106.25 and 2000 x 2.5 + 500 x 0.25 + 300 x 15 = 9625 millionths
    assert logs.requests("computed_cost") == [(Decimal("0.00310625"),), (Decimal("0.009625"),)]
    assert json.loads(logs.requests("attributes")[0][0]) == {
        "cwd": "/srv/billing/api", "branch": "main", "version": "0.142.0", "originator": "codex_cli_rs",
        "effort": "high", "turn_id": TURN_OF_PARENT,
    }  # fmt: skip
    assert ask(logs.store, "SELECT message FROM events ORDER BY line") == [
        ("session_meta",), ("turn_context",), ("message",), ("turn_context",)
    ]  # fmt: skip


def test_counters_that_are_repeated_unchanged_add_nothing(logs: Logs):
    steps: list[Counts] = [(1000, 0, 100, 0), (1000, 200, 200, 0)]
    first, second = running(*steps)
    account = logs.read(
        meta(34, PARENT), turn(35), count(36, first, steps[0]), count(36.5, first, steps[0]), count(37, None),
        count(38, first, steps[0]), count(39, second, steps[1]), count(40, second, steps[1]),
    )  # fmt: skip
    assert (account.requests, account.events) == (2, 6)
    assert logs.requests() == steps


def test_counters_alone_tell_the_steps(logs: Logs):
    steps: list[Counts] = [(1000, 0, 100, 0), (1000, 200, 200, 5)]
    logs.read(meta(34, PARENT), turn(35), *(count(36 + n, total) for n, total in enumerate(running(*steps))))
    assert logs.requests() == steps


def test_a_line_that_was_lost_is_made_up_for_by_the_next(logs: Logs):
    steps: list[Counts] = [(10, 0, 1, 0), (20, 5, 2, 0), (40, 6, 4, 0)]
    totals = running(*steps)
    logs.read(meta(34, PARENT), turn(35), count(36, totals[0], steps[0]), count(38, totals[2], steps[2]))
    assert logs.requests() == [(10, 0, 1, 0), (60, 11, 6, 0)]


def test_counters_that_are_set_back_begin_anew(logs: Logs):
    logs.read(
        meta(34, PARENT), turn(35), count(36, (900, 0, 90, 0), (900, 0, 90, 0)),
        count(37, (50, 0, 5, 0), (50, 0, 5, 0)), count(38, (70, 0, 9, 0), (20, 0, 4, 0)), count(39, (30, 0, 3, 0)),
    )  # fmt: skip
    assert [row[0] for row in logs.requests()] == [900, 50, 20, 30]


def test_what_was_counted_before_the_log_begins_is_not_billed(logs: Logs):
    logs.read(meta(34, PARENT), turn(35), count(36, (28_000_000, 0, 7000, 0), (30_000, 0, 10, 0)))
    assert logs.requests("input_tokens") == [(30_000,)]


def test_usage_without_counters_is_billed_as_it_stands(logs: Logs):
    logs.read(meta(34, PARENT), turn(35), count(36, None, (100, 0, 10, 0)), count(37, None, (100, 0, 10, 0)))
    assert logs.requests("input_tokens") == [(100,), (100,)]


def test_the_model_of_the_count_itself_comes_first_and_none_is_unknown(logs: Logs):
    logs.read(meta(34, PARENT), count(35, (1, 0, 1, 0)), count(36, (2, 0, 2, 0), model="gpt-5.3-codex"))
    assert logs.requests("model") == [(None,), ("gpt-5.3-codex",)]


def test_records_of_responses_count_and_the_counters_behind_them_do_not(logs: Logs):
    logs.read(
        meta(34, PARENT), turn(35), count(35.5, (10, 0, 1, 0), (10, 0, 1, 0)),
        record(36, "resp_1", (100, 60, 20, 5)), count(36.1, (110, 60, 21, 5), (100, 60, 20, 5)),
        record(37, "resp_2", (300, 0, 30, 0)), line(37.5, "compacted", message=SPOKEN, compaction_response_id="resp_2"),
        record(38, "resp_3", (50, 0, 7, 0), model="gpt-5-mini", service_tier="flex"),
        count(38.1, (160, 60, 28, 5), (50, 0, 7, 0)), record(39, "resp_3", (50, 0, 7, 0)),
    )  # fmt: skip
    assert logs.requests("input_tokens, cached_input_tokens, output_tokens") == [
        (10, 0, 1), (100, 60, 20), (300, 0, 30), (50, 0, 7)
    ]  # fmt: skip
    assert ask(logs.store, "SELECT request_id, model FROM requests WHERE request_id LIKE 'resp%' ORDER BY 1") == [
        ("resp_1", "gpt-5.2-codex"), ("resp_2", "gpt-5.2-codex"), ("resp_3", "gpt-5.2-codex")
    ]  # fmt: skip


@pytest.mark.parametrize(("said_", "stored"), [("priority", "priority"), ("fast", "priority"), ("flex", "flex")])
def test_the_tier_of_the_thread_holds_until_another_is_set(logs: Logs, said_: str, stored: str):
    logs.read(
        meta(34, PARENT), turn(35), count(36, (1, 0, 1, 0)),
        line(37, "event_msg", type="thread_settings_applied", thread_settings={"service_tier": said_}),
        count(38, (2, 0, 2, 0)), line(39, "event_msg", type="thread_settings_applied", thread_settings={}),
        count(40, (3, 0, 3, 0)),
    )  # fmt: skip
    assert logs.requests("service_tier") == [(None,), (stored,), (stored,)]


HISTORY: list[Counts] = [(1000, 0, 100, 10), (1500, 900, 150, 0), (2000, 1400, 50, 0)]


def parent(steps: list[Counts] = HISTORY) -> list[dict[str, Any]]:
    totals = running(*steps)
    counts = [count(37 + n, total, step) for n, (total, step) in enumerate(zip(totals, steps, strict=True))]
    return [meta(34, PARENT), turn(35, name=TURN_OF_PARENT), *counts]


def fork(
    name: str, own: list[Counts], *, embeds: bool = True, at: str = FORKED_AT, turn_id: str = TURN_OF_CHILD
) -> list[dict[str, Any]]:
    """Return the rollout of a fork: its history with new times, and what it used itself."""
    head, *rest = parent()
    beginning = {**meta(52, name, forked_from_id=PARENT), "timestamp": at}
    beginning["payload"]["timestamp"] = at
    copied = [{**each, "timestamp": at} for each in ([head] if embeds else []) + rest]
    totals = running(running(*HISTORY)[-1], *own)[1:]
    counts = [count(54 + n, total, step) for n, (total, step) in enumerate(zip(totals, own, strict=True))]
    return [beginning, *copied, turn(53, name=turn_id), *counts]


OWN: list[Counts] = [(3000, 2900, 70, 0)]


@pytest.mark.parametrize("embeds", [True, False])
@pytest.mark.parametrize("parent_first", [True, False])
def test_a_fork_adds_only_what_it_used_itself(logs: Logs, *, embeds: bool, parent_first: bool):
    rollouts = {"a.jsonl": parent(), "b.jsonl": fork(CHILD, OWN, embeds=embeds)}
    for name in sorted(rollouts, reverse=not parent_first):
        logs.read(*rollouts[name], name=name)
    assert logs.requests() == [*HISTORY, *OWN]
    # the originals stay where they were, and when
    assert logs.requests("session_id, CAST(time AS VARCHAR)") == [
        (PARENT, "2025-10-05 10:37:00"),
        (PARENT, "2025-10-05 10:38:00"),
        (PARENT, "2025-10-05 10:39:00"),
        (CHILD, "2025-10-05 10:54:00"),
    ]


def test_many_forks_of_one_history_count_it_once_even_without_the_original(logs: Logs):
    for number in range(3):
        logs.read(
            *fork(f"{CHILD[:-1]}{number}", [(3000, 2900, 70 + number, 0)], embeds=number == 1), name=f"{number}.jsonl"
        )
    assert ask(logs.store, "SELECT count(*), sum(input_tokens) FROM requests") == [(6, 4500 + 3 * 3000)]


def test_a_sub_agent_without_a_history_has_counters_of_its_own(logs: Logs):
    spawned = {"source": {"subagent": {"thread_spawn": {"parent_thread_id": PARENT, "depth": 1}}}}
    for name in ("a1", "a2"):  # two that used the very same
        logs.read(
            meta(50, name, **spawned), turn(51), count(52, (9000, 0, 5, 0), (9000, 0, 5, 0)), name=f"{name}.jsonl"
        )
    assert logs.requests("session_id, input_tokens") == [("a1", 9000), ("a2", 9000)]


def test_rollouts_in_one_file_keep_their_counters_apart(logs: Logs):
    logs.read(
        meta(34, "one"), turn(35), count(36, (100, 0, 1, 0), (100, 0, 1, 0)),
        meta(44, "two"), turn(45, "gpt-5"), count(46, (150, 0, 2, 0), (150, 0, 2, 0)),
    )  # fmt: skip
    assert logs.requests("session_id, model, input_tokens") == [("one", "gpt-5.2-codex", 100), ("two", "gpt-5", 150)]


EVERYTHING = [
    *parent(), said(40), count(41, running(*HISTORY)[-1], HISTORY[-1]), turn(42, "gpt-5.4"),
    count(43, running(*HISTORY, (10, 0, 1, 0))[-1], (10, 0, 1, 0)), record(44, "resp_1", (7, 0, 7, 0)),
    count(45, running(*HISTORY, (10, 0, 1, 0), (7, 0, 7, 0))[-1]),
]  # fmt: skip


@pytest.mark.parametrize("rollout", [EVERYTHING, fork(CHILD, OWN)], ids=["thread", "fork"])
@pytest.mark.parametrize("batch_bytes", [1, 400, 1500])
def test_pieces_of_any_size_give_what_the_whole_gives(
    logs: Logs, tmp_path: Path, rollout: list[dict[str, Any]], batch_bytes: int
):
    logs.read(*rollout, batch_bytes=batch_bytes)
    whole = Logs(tmp_path / "whole")
    whole.folder.mkdir()
    whole.read(*rollout)
    assert content(logs.store) == content(whole.store)


@pytest.mark.parametrize("rollout", [EVERYTHING, fork(CHILD, OWN)], ids=["thread", "fork"])
def test_a_rollout_that_grows_goes_on_from_what_it_held(logs: Logs, tmp_path: Path, rollout: list[dict[str, Any]]):
    for lines in range(1, len(rollout) + 1):
        logs.read(*rollout[:lines])
    whole = Logs(tmp_path / "whole")
    whole.folder.mkdir()
    whole.read(*rollout)
    assert content(logs.store) == content(whole.store)


def test_reading_a_copy_adds_nothing(logs: Logs):
    logs.read(*EVERYTHING)
    before = content(logs.store)
    account = logs.read(*EVERYTHING, name="archived.jsonl")
    assert (account.requests, account.events, account.rejected) == (0, 0, 0)
    assert content(logs.store) == before


def test_a_damaged_count_is_refused_and_costs_its_neighbours_nothing(logs: Logs):
    broken = count(37, (25, 0, 2, 0), (15, 0, 1, 0))
    broken["payload"]["info"]["last_token_usage"]["input_tokens"] = -15
    account = logs.read(
        meta(34, PARENT), turn(35), count(36, (10, 0, 1, 0), (10, 0, 1, 0)), broken,
        {**said(37.5), "timestamp": "soon"}, count(38, (30, 0, 3, 0), (5, 0, 1, 0)),
    )  # fmt: skip
    assert account.rejected == 2
    assert logs.requests("input_tokens") == [(10,), (5,)]


def test_no_word_of_a_thread_reaches_the_store(logs: Logs):
    logs.read(*EVERYTHING, line(50, "compacted", message=SPOKEN), line(51, "world_state", files=[SPOKEN]))
    held = b"".join(path.read_bytes() for path in logs.folder.glob("store.duckdb*"))
    assert SPOKEN.encode() not in held
    assert PARENT.encode() in held


def test_a_real_rollout(shared: Path, tmp_path: Path):
    path = shared / "data" / "formats" / "codex" / "session_alpha.jsonl"
    store = tmp_path / "store.duckdb"
    read(store, path)
    latest = [
        record["payload"]["info"]["last_token_usage"]
        for record in map(json.loads, path.read_text().splitlines())
        if record["type"] == "event_msg"
    ]
    assert ask(store, "SELECT input_tokens, output_tokens FROM requests ORDER BY time") == [
        (counts["input_tokens"], counts["output_tokens"]) for counts in latest
    ]
