"""However often, in whatever pieces, under whatever name a log is read: the store holds what one clean read gives."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reading import ask, check_accounts, content, read

TIMES = st.integers(1776679200, 1776679202)
WITH_ID = st.builds(
    lambda time, name, given, made, extra: json.dumps(
        {"ts": time, "request_id": name, "model": "m", "input_tokens": given, "output_tokens": made, "x": extra}
    ),
    TIMES, st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 2), st.integers(0, 1),
)  # fmt: skip
WITHOUT_ID = st.builds(lambda time: json.dumps({"ts": time, "model": "m", "team": "é"}), TIMES)
NO_ID = st.builds(
    lambda name: json.dumps({"ts": 1776679200, "request_id": name, "model": "m"}),
    st.sampled_from(["", "None", "null", " ", "-"]),
)
EVENT = st.builds(lambda time: json.dumps({"ts": time, "level": "info", "message": "retry"}), TIMES)
DAMAGED = st.sampled_from(
    ["", "oops", "{bad", "[1]", "null", '{"model":"m"}', '{"ts":1776679200,"model":"m","input_tokens":-1}',
     '{"ts":1776679200,"model":"m"}{"ts":1776679200,"model":"n"}', '{"ts":1776679200,"model":"m"} x',
     '{"ts":1776679200,"model":"m\\ud800"}']
)  # fmt: skip
LINES = st.lists(st.one_of(WITH_ID, WITH_ID, WITHOUT_ID, NO_ID, EVENT, DAMAGED), min_size=1, max_size=14)
few = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


def log_of(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


class Folder:
    """An empty folder with a store, in memory where there is such a place: these tests make hundreds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "store.duckdb"

    def write(self, name: str, data: bytes) -> Path:
        (self.path / name).write_bytes(data)
        return self.path / name

    def holds_what(self, *logs: bytes) -> None:
        """See that the store holds what one clean reading of logs gives, and that its accounts add up."""
        clean = self.path / "clean.duckdb"
        read(clean, *(self.write(f"clean-{number}.jsonl", data) for number, data in enumerate(logs)))
        assert content(self.store) == content(clean)
        check_accounts(self.store)


@contextmanager
def folder() -> Iterator[Folder]:
    memory = Path("/dev/shm")  # noqa: S108 - only where it is
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as path:
        yield Folder(Path(path))


@few
@given(lines=LINES)
def test_copies_and_archives_of_a_file_add_nothing(lines: list[str]):
    data = log_of(lines)
    with folder() as at:
        read(at.store, at.write("log.jsonl", data), at.write("copy.jsonl", data))
        read(at.store, at.write("log.jsonl.gz", gzip.compress(data)))
        read(at.store, at.write("log.jsonl.zst", zstandard.compress(data)), at.write("log.jsonl", data))
        at.holds_what(data)


@few
@given(lines=LINES, data=st.data())
def test_a_file_that_grows_by_any_bytes_is_read_on(lines: list[str], data: st.DataObject):
    log = log_of(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), min_size=1, max_size=3)))
    with folder() as at:
        for cut in [*cuts, len(log), len(log)]:
            read(at.store, at.write("log.jsonl", log[:cut]))
        at.holds_what(log)


@few
@given(lines=LINES, data=st.data())
def test_a_growing_file_may_be_renamed_and_compressed_between_readings(lines: list[str], data: st.DataObject):
    log = log_of(lines)
    cut = data.draw(st.integers(0, len(log)))
    with folder() as at:
        read(at.store, at.write("log.jsonl", log[:cut]))
        read(at.store, at.write("log.jsonl.1.gz", gzip.compress(log)))
        read(at.store, at.write("old.log", log[:cut]), at.write("old.zst", zstandard.compress(log)))
        at.holds_what(log)


@few
@given(before=LINES, after=LINES, data=st.data())
def test_rotation_loses_nothing_and_doubles_nothing(before: list[str], after: list[str], data: st.DataObject):
    old, new = log_of(before), log_of(after)
    cut, begun = data.draw(st.integers(0, len(old))), data.draw(st.integers(0, len(new)))
    with folder() as at:
        current = at.write("log.jsonl", old[:cut])
        read(at.store, current)
        current.write_bytes(old)
        rotated = current.rename(at.path / "log.jsonl.1")
        current.write_bytes(new[:begun])
        read(at.store, current, rotated)
        current.write_bytes(new)
        read(at.store, rotated, current)
        at.holds_what(old, new)


@few
@given(lines=LINES, size=st.integers(1, 400))
def test_the_size_of_a_batch_makes_no_difference(lines: list[str], size: int):
    data = log_of(lines)
    with folder() as at:
        read(at.store, at.write("log.jsonl", data), batch_bytes=size)
        at.holds_what(data)


@few
@given(logs=st.lists(LINES, min_size=2, max_size=4), data=st.data())
def test_the_order_of_files_makes_no_difference(logs: list[list[str]], data: st.DataObject):
    contents = [log_of(lines) for lines in logs]
    with folder() as at:
        files = [at.write(f"{number}.jsonl", content) for number, content in enumerate(contents)]
        files = data.draw(st.permutations(files))
        read(at.store, *files[:1])
        read(at.store, *files, batch_bytes=data.draw(st.sampled_from([50, 1 << 20])))
        at.holds_what(*contents)


@few
@given(lines=st.lists(st.one_of(WITH_ID, EVENT, DAMAGED), min_size=1, max_size=14, unique=True), data=st.data())
def test_lines_without_twins_may_be_split_into_any_files(lines: list[str], data: st.DataObject):
    parts: list[list[str]] = [[], [], []]
    for line in lines:
        parts[data.draw(st.integers(0, 2))].append(line)
    with folder() as at:
        read(at.store, *(at.write(f"part-{number}.jsonl", log_of(part)) for number, part in enumerate(parts)))
        at.holds_what(log_of(lines))


@few
@given(lines=st.lists(WITH_ID, min_size=1, max_size=10), data=st.data())
def test_of_one_id_the_last_and_largest_is_kept_in_any_order(lines: list[str], data: st.DataObject):
    best: dict[str, tuple[int, int, int]] = {}
    for record in map(json.loads, lines):
        rank = (record["output_tokens"], record["input_tokens"], record["ts"])
        best[record["request_id"]] = max(best.get(record["request_id"], rank), rank)
    with folder() as at:
        shuffled = data.draw(st.permutations(lines))
        cut = data.draw(st.integers(0, len(lines)))
        read(at.store, at.write("one.jsonl", log_of(shuffled[:cut])))
        read(at.store, at.write("two.jsonl", log_of(shuffled[cut:])))
        found = ask(
            at.store, "SELECT request_id, output_tokens, input_tokens, CAST(epoch(time) AS BIGINT) FROM requests"
        )
        assert {row[0]: row[1:] for row in found} == best
        assert len(found) == len(best)
        check_accounts(at.store)


@pytest.mark.parametrize("name", ["", " ", "None", "none", "null", "NULL", "nil", "undefined", "nan", "N/A", "-"])
def test_an_id_that_says_nothing_never_makes_two_requests_one(tmp_path: Path, name: str):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text("".join(f'{{"ts": {1776679200 + n}, "id": "{name}", "model": "m"}}\n' for n in (0, 1, 1)))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.duplicates) == (3, 0)
    assert ask(store, "SELECT count(*) FROM requests WHERE request_id IS NULL") == [(3,)]


def test_twins_of_one_file_stay_and_those_of_another_file_count_once(tmp_path: Path):
    line, store = '{"ts": 1776679200, "model": "m"}\n', tmp_path / "store.duckdb"
    (tmp_path / "three.jsonl").write_text(line * 3)
    (tmp_path / "two.jsonl").write_text('{"ts": 1776679200, "message": "other"}\n' + line * 2)
    (tmp_path / "five.jsonl").write_text('{"ts": 1776679201, "message": "other"}\n' + line * 5)
    accounts = [
        (outcome.account.requests, outcome.account.duplicates)
        for name in ("three", "two", "five")
        for outcome in read(store, tmp_path / f"{name}.jsonl")
    ]
    assert accounts == [(3, 0), (0, 2), (2, 3)]
    assert ask(store, "SELECT kind, count(*) FROM duplicates GROUP BY kind") == [("content", 5)]


def test_a_log_written_twice_into_one_file_doubles_only_what_has_no_id(tmp_path: Path):
    store, log = tmp_path / "store.duckdb", tmp_path / "log.jsonl"
    lines = ['{"ts": 1776679200, "id": "a", "model": "m"}', '{"ts": 1776679200, "model": "m"}']
    log.write_bytes(log_of(lines) * 2)
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.duplicates) == (3, 1)


def test_a_file_that_is_overwritten_from_its_start_is_a_new_one(tmp_path: Path):
    store, log = tmp_path / "store.duckdb", tmp_path / "log.jsonl"
    first, second = ([f'{{"ts": {1776679200 + n}, "model": "{name}"}}' for n in range(9)] for name in "ab")
    log.write_bytes(log_of(first))
    read(store, log)
    log.write_bytes(log_of(second))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.duplicates) == (9, 0)
    log.write_bytes(log_of(second[:4]))  # truncated: nothing new, nothing lost
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.duplicates) == (0, 4)
    assert ask(store, "SELECT count(*) FROM requests") == [(18,)]


def test_the_larger_record_of_an_id_takes_the_place_and_the_account_of_the_smaller(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    for name, made in (("first", 25), ("second", 250), ("third", 100)):
        (tmp_path / name).write_text(f'{{"ts": 1776679200, "id": "a", "model": "m", "output_tokens": {made}}}\n')
        (outcome,) = read(store, tmp_path / name)
        assert (outcome.account.requests, outcome.account.duplicates) == ((1, 0) if name == "first" else (0, 1))
    assert ask(store, "SELECT output_tokens FROM requests") == [(250,)]
    held = "SELECT parse_filename(name), requests, duplicates FROM sources ORDER BY source_id"
    assert ask(store, held) == [("first", 0, 1), ("second", 1, 0), ("third", 0, 1)]
    check_accounts(store)


@pytest.mark.parametrize("blanks", ["", " ", " \t", "\t"], ids=repr)
def test_blanks_behind_a_record_are_no_part_of_it(tmp_path: Path, blanks: str):
    """By itself in a line, before blanks, or welded to another: the record is the same."""
    record = json.dumps({"ts": 1776679200, "model": "m", "input_tokens": 5})
    other = json.dumps({"ts": 1776679201, "level": "info", "message": "retry"})
    store = tmp_path / "store.duckdb"
    for name, text in {"a": f"{record}{blanks}\n{other}{blanks}\n", "b": f"{other}{record}\n{other}\n"}.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
        read(store, tmp_path / f"{name}.jsonl")
    assert ask(store, "SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM events)") == [(1, 2)]
    check_accounts(store)
