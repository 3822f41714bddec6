"""What is read in one pass, and where batches and blocks are cut, changes nothing of what is stored."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeping import check_sound
from reading import ask, read
from tollbook.ingest import batches, commit, lines, run
from tollbook.ingest.lines import Block

TIME = "2026-04-20T10:00:00Z"


def call(number: int, **more: Any) -> str:
    return json.dumps({"timestamp": TIME, "model": "m", "request_id": f"request-{number:08}"} | more)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.duckdb"


def test_files_that_begin_alike_are_read_in_one_pass(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch):
    """Pretty-printed exports all begin with a brace."""
    monkeypatch.setattr(run, "_MOST_CONFLICTS", 2)  # a pass, and a look whether anything is left
    logs = [tmp_path / f"{number}.json" for number in range(12)]
    for number, log in enumerate(logs):
        log.write_text(json.dumps(json.loads(call(number)), indent=2) + "\n")
    outcomes = read(store, *logs)
    assert [(outcome.error, outcome.account.requests) for outcome in outcomes] == [(None, 1)] * 12
    assert [outcome.account.read for outcome in read(store, *logs)] == [0] * 12
    check_sound(store)


def test_copies_that_are_read_together_count_once_whichever_went_on(tmp_path: Path, store: Path):
    """Lines without ids: the twins within a file are two, and those of a copy none."""
    twin = json.dumps({"timestamp": TIME, "model": "m", "input_tokens": 1}) + "\n"
    more = json.dumps({"timestamp": TIME, "model": "m", "input_tokens": 2}) + "\n"
    texts = [twin * 2, twin * 2 + more, twin * 2, twin * 2 + more * 2]
    logs = [tmp_path / f"{number}.jsonl" for number in range(len(texts))]
    for log, text in zip(logs, texts, strict=True):
        log.write_text(text)
    read(store, *logs)
    assert ask(store, "SELECT input_tokens, count(*) FROM requests GROUP BY ALL ORDER BY ALL") == [(1, 2), (2, 2)]
    check_sound(store)


@pytest.mark.parametrize("long", ['{"a": "' + "x" * 300_000 + '"}', "x" * 300_000], ids=["a record", "no record"])
def test_a_line_that_is_too_long_is_refused_and_its_neighbours_are_read(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, long: str
):
    monkeypatch.setattr(lines, "_LONGEST_LINE", 1 << 16)
    monkeypatch.setattr(lines, "_MOST_CARRIED", 1 << 14)
    log = tmp_path / "log.jsonl"
    log.write_text(f"{call(1)}\n{long}\n{call(2)}\n")
    (outcome,) = read(store, log, batch_bytes=4096)
    account = outcome.account
    assert (account.read, account.requests, account.rejected, outcome.incomplete) == (3, 2, 1, 0)
    assert ask(store, "SELECT line, byte_offset FROM rejects") == [(2, len(call(1)) + 1)]
    check_sound(store)


def test_what_is_refused_of_a_welded_line_in_many_blocks_is_stored_once(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lines, "_MOST_CARRIED", 1000)
    monkeypatch.setattr(batches, "_BLOCK_BYTES", 500)
    welded = "".join(call(number) + call(number, input_tokens=-1 - number) for number in range(60))
    log = tmp_path / "log.jsonl"
    log.write_text(f"{welded}\n{call(99, input_tokens=-99)}\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected) == (60, 61)
    refused = ask(store, "SELECT line, byte_offset, count(*) FROM rejects GROUP BY ALL ORDER BY ALL")
    assert refused == [(1, 0, 60), (2, len(welded) + 1, 1)]
    check_sound(store)


def test_a_record_in_parts_is_read_whole_when_its_last_part_is_being_written(tmp_path: Path, store: Path):
    """As containerd cuts a long line; the run comes between the last part and its line end."""
    whole = call(1, note="n" * 400)
    parts = [whole[start : start + 200] for start in range(0, len(whole), 200)]
    rows = [f"{TIME} stdout {'F' if part is parts[-1] else 'P'} {part}" for part in parts]
    log = tmp_path / "log"
    log.write_text(f"{TIME} stdout F {call(0)}\n" + "\n".join(rows))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (1, 0, 1)
    with log.open("a") as more:
        more.write("\n")
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (1, 0, 0)
    check_sound(store)


def test_lines_of_nothing_are_no_rows(tmp_path: Path, store: Path):
    log = tmp_path / "log.jsonl"
    log.write_text("\n" * 1_000_000 + call(1) + "\n" * 1_000_000 + call(2) + "\n")
    (outcome,) = read(store, log)
    assert (outcome.account.read, outcome.account.requests) == (2, 2)
    assert ask(store, "SELECT line FROM requests ORDER BY line") == [(1_000_001,), (2_000_001,)]


def test_a_batch_that_takes_more_memory_to_be_compared_with_the_store_than_thought_is_stored(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(commit, "_LARGE_STORE_BYTES", 0)
    monkeypatch.setattr(commit, "_MATCHING_BYTES", 1)
    log, more = tmp_path / "log.jsonl", tmp_path / "more.jsonl"
    log.write_text("".join(call(number) + "\n" for number in range(20_000)))
    more.write_text("".join(call(number) + "\n" for number in range(10_000, 60_000)))
    assert [read(store, path)[0].account.requests for path in (log, more)] == [20_000, 40_000]
    assert ask(store, "SELECT count(*), count(DISTINCT request_id) FROM requests") == [(60_000, 60_000)]
    check_sound(store)


@given(
    st.lists(st.sampled_from([0, 1, 5, 300, 70_000]), min_size=1, max_size=60),
    st.booleans(),
    st.data(),
)
def test_a_line_of_a_block_is_found(lengths: list[int], is_ended: bool, data: st.DataObject):
    block = Block(0, b"\n".join(b"x" * length for length in lengths) + b"\n" * is_ended, offset=7, line=3)
    starts = [7 + sum(lengths[:number]) + number for number in range(len(lengths))]
    numbers = sorted(data.draw(st.sets(st.sampled_from(range(len(lengths))), min_size=1)))
    assert block.line_offsets([3 + number for number in numbers]) == [starts[number] for number in numbers]


def test_a_batch_ends_where_records_of_another_kind_begin(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch):
    """They are read by what their own first lines look like: faster, and without holding them several times."""
    monkeypatch.setattr(batches, "_BLOCK_BYTES", 2000)
    monkeypatch.setattr(batches, "_ALIKE_BYTES", 4000)
    event = json.dumps({"timestamp": TIME, "level": "INFO", "message": "m"}) + "\n"
    response = '{"id":"chatcmpl-%d","object":"chat.completion","created":1776679200,"model":"m","choices":[]}\n'
    native = "".join(f"{call(number)}\n{event}" for number in range(100))
    responses = "".join(response % number for number in range(100))
    strange = "".join(json.dumps({"time": TIME, "input_tokens": number, "q": 1}) + "\n" for number in range(100))
    for text, expected in [
        (native, 1),
        (responses, 1),
        (native + responses, 2),
        (native + strange, 2),
        (native + responses + strange, 3),
    ]:
        log = tmp_path / "log.jsonl"
        log.write_text(text)
        store.unlink(missing_ok=True)
        commits: list[int] = []

        def counting(con: Any, of: Any, progress: Any) -> None:
            commit.commit(con, of, progress)
            commits.append(sum(source.account.read for source in progress))  # noqa: B023 - used in this round

        monkeypatch.setattr(run, "commit", counting)
        (outcome,) = read(store, log)
        assert len(commits) == expected
        assert sum(commits) == outcome.account.read == text.count("\n")
        assert outcome.account.rejected == 0
        check_sound(store)
