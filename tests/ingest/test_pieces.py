"""Blocks that are scanned while they are still being read: all of them are, or an error says so."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from reading import ask, read
from tollbook.ingest import pieces, run
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


def test_ctrl_c_amid_a_scan_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_bytes(b"".join(block(number, lines=20_000).data for number in range(6)))
    given = []

    def pressed(one: Block) -> object:
        given.append(one)
        if len(given) == 2:
            raise KeyboardInterrupt
        return of_block(one)

    of_block = pieces._of_block
    monkeypatch.setattr(pieces, "_of_block", pressed)
    with pytest.raises(KeyboardInterrupt):
        read(store, log)
    assert not store.exists()
    monkeypatch.undo()
    read(store, log)
    assert ask(store, "SELECT count(*) FROM requests") == [(120_000,)]
