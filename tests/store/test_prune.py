"""Keeping a store to a retention."""

import gzip
import json
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings

from overlapping import NEW, OLD, files, write
from reading import NOW, ask, check_accounts, content, read
from tollbook.cli.app import run
from tollbook.store.prune import Pruned, prune

BEFORE = datetime(2026, 2, 1)


def record(time: str, **values: object) -> str:
    return json.dumps({"timestamp": time, "model": "m", **values}) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.jsonl"
    lines = [record(OLD), record(OLD, request_id="x"), record(NEW), record("2026-02-01T00:00:00Z"), "oops\n"]
    path.write_text("".join(lines) + json.dumps({"timestamp": OLD, "message": "retry"}) + "\n")
    return path


@pytest.fixture
def store(log: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.duckdb"
    read(path, log)
    return path


def test_what_is_older_goes_and_what_is_as_old_stays(store: Path, log: Path):
    assert prune(store, before=BEFORE, now=NOW) == (BEFORE, [Pruned(str(log), 2, 1)])
    assert ask(store, "SELECT time FROM requests ORDER BY time") == [(BEFORE,), (datetime(2026, 3, 10),)]
    assert ask(store, "SELECT count(*) FROM events") == [(0,)]
    assert ask(store, "SELECT read, requests, events, duplicates, rejected FROM sources") == [(6, 4, 1, 0, 1)]
    assert ask(store, "SELECT source_id, requests, events FROM pruned") == [(1, 2, 1)]
    check_accounts(store)


def test_it_does_not_come_back_in_whatever_file(store: Path, log: Path, tmp_path: Path):
    prune(store, before=BEFORE, now=NOW)
    before = content(store)
    renamed = tmp_path / "renamed.jsonl"
    renamed.write_bytes(log.read_bytes())
    packed = tmp_path / "app.jsonl.1.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    twice = tmp_path / "twice.jsonl"
    twice.write_text(record(NEW) + log.read_text() + log.read_text().replace(record(NEW), "").replace("oops\n", ""))
    unseen = tmp_path / "unseen.jsonl"
    unseen.write_text(record(OLD, request_id="never seen"))
    outcomes = read(store, log, renamed, packed, twice, unseen)
    assert [outcome.account.read for outcome in outcomes[:3]] == [0, 0, 0]
    assert (outcomes[3].account.duplicates, outcomes[3].account.requests) == (9, 2)  # each file may hold its twins
    assert outcomes[4].account.duplicates == 1
    assert content(store)["events"] == before["events"]
    assert ask(store, "SELECT count(*) FROM requests WHERE time < ?", [BEFORE]) == [(0,)]
    assert ask(store, "SELECT DISTINCT kind FROM duplicates ORDER BY kind") == [("content",), ("pruned",)]
    check_accounts(store)


def test_a_later_part_of_a_pruned_request_does_not_bring_it_back(tmp_path: Path):
    store, log, copy = (tmp_path / name for name in ("store.duckdb", "log.jsonl", "copy.jsonl"))
    large, small = record(OLD, request_id="x", output_tokens=9), record(NEW, request_id="x", output_tokens=1)
    log.write_text(large + small)
    read(store, log)
    prune(store, before=BEFORE, now=NOW)
    copy.write_text(small + large)
    read(store, copy)
    assert ask(store, "SELECT count(*) FROM requests") == [(0,)]
    assert ask(store, "SELECT kind FROM duplicates") == [("pruned",)] * 3
    check_accounts(store)


def test_pruning_again_and_up_to_an_earlier_moment_changes_nothing(store: Path):
    prune(store, before=BEFORE, now=NOW)
    before = content(store)
    for moment in (BEFORE, datetime(2025, 1, 1)):
        assert prune(store, before=moment, now=NOW) == (BEFORE, [])
        assert content(store) == before
    check_accounts(store)


def test_texts_of_refused_lines_go_with_their_time(store: Path):
    prune(store, before=NOW, now=NOW)
    assert ask(store, "SELECT excerpt FROM rejects") == [("oops",)]  # it was read just then
    prune(store, before=datetime(2027, 1, 1), now=datetime(2027, 6, 1))
    assert ask(store, "SELECT reason, excerpt FROM rejects") == [("not JSON", None)]


def test_the_space_is_used_again(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    sizes = []
    for month in (1, 2, 3):
        log = tmp_path / f"{month}.jsonl"
        log.write_text(
            "".join(record(f"2026-0{month}-01T00:00:00Z", request_id=f"{month}-{i}-{i**5}") for i in range(40_000))
        )
        read(store, log)
        prune(store, before=datetime(2026, month + 1, 1), now=NOW)
        sizes.append(store.stat().st_size)
    assert sizes[2] < 1.3 * sizes[0]


@settings(max_examples=10, deadline=None)
@given(files)
def test_a_pruned_store_that_reads_everything_again_is_the_pruned_store(logs: list[list[str]]):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "store.duckdb"
        read(store, *(write(folder, number, texts) for number, texts in enumerate(logs)))
        prune(store, before=BEFORE, now=NOW)
        check_accounts(store)
        pruned = content(store)
        again = [write(folder, 10 + number, texts) for number, texts in enumerate(reversed(logs))]
        read(store, *again)
        check_accounts(store)
        assert {name: count for name, count in content(store)["events"].items() if "begins" not in str(name)} == {
            name: count for name, count in pruned["events"].items() if "begins" not in str(name)
        }
        assert content(store)["requests"] == pruned["requests"]
        assert content(store)["rejects"] == pruned["rejects"]


def test_the_command_asks_shows_and_deletes(store: Path, capsys: pytest.CaptureFixture[str]):
    always = ["--store", str(store), "--at", "2026-11-01"]
    before = store.read_bytes()
    assert run([*always, "prune", "--before", "2026-02-01"]) == 2
    assert "no terminal to ask on" in capsys.readouterr().err
    assert run([*always, "prune", "--before", "2026-12-01", "--yes"]) == 2
    assert "in the future" in capsys.readouterr().err
    told = []
    for option in ("--dry-run", "--yes"):
        assert store.read_bytes() == before
        assert run([*always, "prune", "--before", "273d", option, "--format", "json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert told[0]["schema"] == "tollbook.prune/1"
    assert told[0]["window"]["until"] == "2026-02-01T00:00:00Z"
    assert (told[0]["totals"]["requests"], told[0]["totals"]["events"]) == (2, 1)
    assert run([*always, "status", "--format", "json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["pruned_before"], status["adds_up"]) == ("2026-02-01T00:00:00Z", True)


def test_without_a_store_there_is_nothing_to_prune(tollbook: Callable, tmp_path: Path):
    done = tollbook("--store", tmp_path / "none.duckdb", "prune", "--before", "1d", "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no store" in done.stderr
    assert not (tmp_path / "none.duckdb").exists()
