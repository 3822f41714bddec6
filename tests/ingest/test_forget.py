"""Taking a source out again: the store is the one that never read it."""

import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeping import check_sound, take_out
from overlapping import NEW, files, write
from reading import NOW, ask, check_accounts, content, read
from tollbook.cli.app import run
from tollbook.errors import SourceError, UsageError
from tollbook.store.prune import prune


def call(**values: object) -> str:
    return json.dumps({"timestamp": NEW, "model": "m", **values})


@settings(max_examples=12, deadline=None)
@given(files, st.data(), st.booleans())
def test_a_store_that_forgets_a_file_is_the_store_that_never_read_it(
    logs: list[list[str]], data: st.DataObject, pruned: bool
):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write(folder, number, texts) for number, texts in enumerate(logs)]
        order = data.draw(st.permutations(paths))
        gone = data.draw(st.sampled_from(paths))
        store, never = folder / "store.duckdb", folder / "never.duckdb"
        read(store, *order)
        read(never, *(path for path in paths if path != gone))
        take_out(store, gone)
        check_sound(store)
        assert content(store) == content(never)
        for either in (store, never):  # and both go on alike
            if pruned:
                prune(either, before=datetime(2026, 2, 1), now=NOW)
            read(either, gone)
        check_accounts(store)
        assert content(store) == content(never)


@settings(max_examples=4, deadline=None)
@given(files, st.data())
def test_all_can_be_forgotten_in_any_order(logs: list[list[str]], data: st.DataObject):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write(folder, number, texts) for number, texts in enumerate(logs)]
        store = folder / "store.duckdb"
        read(store, *paths)
        for path in data.draw(st.permutations(paths)):
            take_out(store, path)
            check_accounts(store)
        for table in ("requests", "events", "rejects", "duplicates", "sources"):
            assert ask(store, f"SELECT count(*) FROM {table}") == [(0,)]
        assert ask(store, "SELECT sum(read), sum(requests), sum(duplicates) FROM batches") == [(0, 0, 0)]


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """The larger part of a request in one file, the smaller in another; a text and a refused line in both."""
    large, small = call(request_id="x", output_tokens=9), call(request_id="x", output_tokens=4)
    return [write(tmp_path, 1, [large, call(), "{damaged"]), write(tmp_path, 2, [small, call(), "{damaged", call()])]


@pytest.fixture
def store(logs: list[Path], tmp_path: Path) -> Path:
    path = tmp_path / "store.duckdb"
    read(path, *logs)
    return path


def test_the_smaller_part_of_a_request_comes_back(store: Path, logs: list[Path]):
    forgotten = take_out(store, logs[0])
    assert {change.source: change.account.requests for change in forgotten.changes} == {
        str(logs[0]): -2,
        str(logs[1]): 2,
    }
    assert ask(store, "SELECT output_tokens FROM requests WHERE request_id = 'x'") == [(4,)]
    assert ask(store, "SELECT byte_offset FROM rejects") == [(logs[1].read_bytes().index(b"{damaged"),)]
    assert ask(store, "SELECT DISTINCT source_id FROM requests") == [(2,)]
    check_sound(store)


def test_a_file_that_was_moved_is_found_where_it_is_said_to_be(store: Path, logs: list[Path], tmp_path: Path):
    (tmp_path / "archive").mkdir()
    logs[1].rename(tmp_path / "archive" / "2.jsonl.1")
    before = content(store)
    with pytest.raises(SourceError, match=r"shares records with files that are not at hand: .*2\.jsonl\. Say where"):
        take_out(store, logs[0])
    assert content(store) == before
    take_out(store, logs[0], tmp_path / "archive")
    assert ask(store, "SELECT output_tokens FROM requests WHERE request_id = 'x'") == [(4,)]
    check_sound(store)


def test_what_only_a_missing_file_can_tell_is_lost_by_force_and_counted(store: Path, logs: list[Path]):
    logs[1].unlink()
    assert take_out(store, logs[0], dry=True, force=True).lost == 2  # the request with an id, the refused line
    assert take_out(store, logs[0], force=True).lost == 2
    assert ask(store, "SELECT count(*), count(request_id) FROM requests") == [(2, 0)]  # texts need no file
    check_sound(store)


def test_a_source_is_meant_by_path_name_or_number_and_never_guessed(store: Path, logs: list[Path]):
    with pytest.raises(UsageError, match=r"There is no source .*3\.jsonl\. Did you mean .*\.jsonl"):
        take_out(store, logs[0].with_name("3.jsonl"))
    logs[0].write_text(call(request_id="anew") + "\n")
    read(store, logs[0])
    with pytest.raises(
        UsageError, match=r"Several sources were read from .*1\.jsonl\. Say the number of one: 1 .*, 3 "
    ):
        take_out(store, logs[0])
    take_out(store, "3")
    take_out(store, "2.jsonl")
    assert ask(store, "SELECT source_id FROM sources") == [(1,)]
    check_sound(store)


def test_the_command_asks_shows_and_forgets(store: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]):
    always = ["--store", str(store), "--at", "2026-11-01", "forget", str(logs[0])]
    before = content(store)
    assert run(always) == 2
    assert "no terminal to ask on" in capsys.readouterr().err
    assert run([*always[:-1], "nowhere.jsonl", "--yes"]) == 2
    assert capsys.readouterr().err.startswith("tollbook: There is no source nowhere.jsonl.")
    told = []
    for option in ("--dry-run", "--yes"):
        assert content(store) == before
        assert run([*always, option, "--format", "json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert (told[0]["schema"], told[0]["lost"]) == ("tollbook.forget/1", 0)
    totals = told[0]["totals"]
    assert totals["read"] == sum(totals[name] for name in ("requests", "events", "duplicates", "rejected")) == -4
    assert content(store) != before


def test_without_a_store_there_is_nothing_to_forget(tollbook: Callable, tmp_path: Path):
    done = tollbook("--store", tmp_path / "none.duckdb", "forget", "x", "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no store" in done.stderr
