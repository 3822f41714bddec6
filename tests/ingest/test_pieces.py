"""Blocks that are scanned while they are still being read: all of them are, or an error says so."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest

from reading import ask, read
from tollbook.ingest import lines, pieces, run
from tollbook.ingest.formats import native, shipped
from tollbook.ingest.judge import Formats, judge
from tollbook.ingest.lines import Block
from tollbook.ingest.pieces import LINES_OF_PIECES, Blocks, pieces_of_blocks

FORMATS = Formats(native(), shipped())


def block(number: int, lines: int = 1) -> Block:
    text = "".join(
        f'{{"timestamp":"2026-05-01T00:00:00Z","model":"m","request_id":"request-{number}-{line:030}"}}\n'
        for line in range(lines)
    )
    return Block(0, text.encode(), offset=0, line=number * lines + 1)


def failing_second(function: Callable[..., object], error: type[BaseException]) -> Callable[..., object]:
    """Return a function that does the same, but raises an error when it is called for the second time."""
    calls = []

    def called(*arguments: Any) -> object:
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return function(*arguments)

    return called


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = run.connection("UTC")
    yield con
    con.close()


def test_a_scan_waits_for_the_blocks_to_come(con: duckdb.DuckDBPyConnection):
    blocks = Blocks()

    def add_slowly() -> None:
        for number in range(20):
            time.sleep(0.005)
            blocks.add(block(number, lines=3))
        blocks.end()

    adding = Thread(target=add_slowly)
    adding.start()
    found = pieces_of_blocks(blocks)
    con.register("pieces", found)
    count = f"SELECT count(*), count(DISTINCT line), max(line) FROM ({LINES_OF_PIECES})"
    assert con.execute(count).fetchall() == [(60, 60, 60)]
    adding.join()
    assert con.execute(count).fetchall() == [(60, 60, 60)]  # once more, with all of them there
    assert found.is_read
    con.unregister("pieces")
    assert pieces._scans == {}  # every stream was released


def test_a_scan_that_ends_early_is_not_read(con: duckdb.DuckDBPyConnection):
    found = pieces_of_blocks([block(number, lines=5000) for number in range(40)])
    con.register("pieces", found)
    con.execute("SELECT text FROM pieces LIMIT 1").fetchall()
    con.unregister("pieces")
    assert not found.is_read


def test_who_adds_blocks_is_never_far_ahead():
    blocks = Blocks()

    def add() -> None:
        for number in range(100):
            blocks.add(block(number))
        blocks.end()

    adding = Thread(target=add)
    adding.start()
    for number, _ in enumerate(blocks, start=1):
        assert len(blocks._blocks) <= number + pieces._MOST_AHEAD
    adding.join()
    assert len(list(blocks)) == 100


def test_who_adds_blocks_is_let_go_when_no_more_are_wanted():
    blocks = Blocks()
    refused = []

    def add() -> None:
        try:
            for number in range(100):
                blocks.add(block(number))
        except ValueError as error:
            refused.append(error)

    adding = Thread(target=add)
    adding.start()
    next(iter(blocks))
    blocks.end()
    adding.join(timeout=10)
    assert len(refused) == 1


def test_no_block_is_taken_when_no_more_are_wanted():
    blocks = Blocks()
    blocks.add(block(0))
    blocks.end()
    with pytest.raises(ValueError, match="no more"):
        blocks.add(block(1))
    assert list(blocks) == [block(0)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_ends_the_blocks_early_is_raised(con: duckdb.DuckDBPyConnection, error: type[BaseException]):
    class Broken:
        def __iter__(self) -> Iterator[Block]:
            yield block(0, lines=20_000)
            raise error

    with pytest.raises(error):
        judge(con, FORMATS, Broken())


@pytest.mark.parametrize("bad", ['{"a":}', '{"a":1}{"a":2}'])
def test_a_line_that_only_ends_like_json_costs_no_other(tmp_path: Path, bad: str):
    """It fails the first attempt to read, amid a scan of several blocks."""
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    blocks = [block(number, lines=40_000).data for number in range(3)]
    log.write_bytes(b"".join([blocks[0], bad.encode() + b"\n", *blocks[1:]]))
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.read) == (120_000, 120_000 + bad.count("{"))


@pytest.mark.parametrize("place", [(lines, "_clean"), (Block, "of_source")], ids=["cleaned", "added"])
def test_a_block_that_cannot_be_had_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_bytes(b"".join(block(number, lines=40_000).data for number in range(3)))
    monkeypatch.setattr(*place, failing_second(getattr(*place), MemoryError))
    with pytest.raises(MemoryError):
        read(store, log)
    read(store, log)
    assert ask(store, "SELECT count(*) FROM requests") == [(120_000,)]


def test_what_fails_before_the_scan_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_bytes(b"".join(block(number, lines=20_000).data for number in range(40)))

    def fail(*_: object) -> None:
        time.sleep(0.3)  # the reader has as much as it may have by then
        raise duckdb.Error("no threads")

    monkeypatch.setattr(run, "judge", fail)
    with pytest.raises(duckdb.Error, match="no threads"):
        read(store, log)


def test_ctrl_c_amid_a_scan_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_bytes(b"".join(block(number, lines=20_000).data for number in range(6)))
    monkeypatch.setattr(pieces, "_of_block", failing_second(pieces._of_block, KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        read(store, log)
    assert not store.exists()
    monkeypatch.undo()
    read(store, log)
    assert ask(store, "SELECT count(*) FROM requests") == [(120_000,)]


@pytest.mark.parametrize("error", [duckdb.InvalidInputException(), UnicodeDecodeError("utf-8", b"\xe5", 0, 1, "cut")])
def test_a_failure_whose_message_cannot_be_read_is_taken_for_one_of_the_text(error: Exception) -> None:
    """It repeats the text: where that is cut amid a character, some Pythons raise another error, some leave it out."""

    class FailsFirst:
        def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
            self.con, self.statements = con, 0

        def execute(self, statement: str, *parameters: Any) -> Any:
            if "TABLE staged AS" in statement:
                self.statements += 1
                if self.statements == 1:
                    raise error
            return self.con.execute(statement, *parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.con, name)

    with closing(run.connection("UTC")) as con:
        lines = b'{"timestamp": 1776679200, "model": "m"}\n' * 3
        judge(FailsFirst(con), FORMATS, [Block(0, lines, 0, 1)])  # type: ignore[arg-type]
        assert con.execute("SELECT kind, count(*) FROM judged GROUP BY ALL").fetchall() == [("request", 3)]
