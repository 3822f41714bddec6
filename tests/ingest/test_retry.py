"""Reading refused lines again after what refused them was put right."""

import gzip
import json
from pathlib import Path

import pytest

from keeping import check_sound, read_refused
from reading import ask, content, read
from tollbook.cli.app import run
from tollbook.ingest import lines, reread
from tollbook.ingest.account import Account
from tollbook.ingest.formats import Condition, Format, native
from tollbook.ingest.judge import Formats

TIME = "2026-03-10T00:00:00Z"
ODD = json.dumps({"when": TIME, "engine": "m", "n": 5})  # refused for want of a time, until its format is known
ODD_WITH_ID = json.dumps({"when": TIME, "engine": "m", "n": 7, "key": "x"})
GOOD = json.dumps({"timestamp": TIME, "model": "m"})
FIXED = Formats(
    native(),
    (
        Format(
            "odd",
            ((Condition("when"),),),
            {"timestamp": ("when",), "model": ("engine",), "input_tokens": ("n",), "request_id": ("key",)},
        ),
    ),
)
TEXTS = [ODD, GOOD, "{damaged", ODD, ODD_WITH_ID, json.dumps(json.loads(ODD) | {"n": 6}, indent=1)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.jsonl"
    path.write_text("".join(text + "\n" for text in TEXTS))
    return path


@pytest.fixture
def store(log: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.duckdb"
    read(path, log)
    return path


def test_lines_that_are_understood_now_are_stored_and_the_others_stay_refused(store: Path, log: Path, tmp_path: Path):
    [retried] = read_refused(store, formats=FIXED)
    assert (retried.source, retried.account) == (str(log), Account(5, 4, 0, 0, 1))
    never_refused = tmp_path / "never.duckdb"
    read(never_refused, log, formats=FIXED)
    assert content(store) == content(never_refused)
    assert ask(store, "SELECT line, byte_offset FROM rejects") == [(3, len(ODD + GOOD) + 2)]
    assert ask(store, "SELECT read, requests, rejected FROM batches ORDER BY batch_id") == [(6, 1, 5), (0, 4, -4)]
    check_sound(store)


def test_trying_again_without_a_change_changes_nothing(store: Path):
    for formats in (None, FIXED, FIXED):
        read_refused(store, formats=formats)
    before = ask(store, "SELECT count(*), max(batch_id) FROM batches")
    assert before == [(2, 2)]
    [retried] = read_refused(store, formats=FIXED)
    assert retried.account == Account(1, 0, 0, 0, 1)
    assert ask(store, "SELECT count(*), max(batch_id) FROM batches") == before


def test_a_file_that_has_grown_moved_and_was_compressed_is_known(store: Path, log: Path, tmp_path: Path):
    grown = log.read_bytes() + (ODD + "\n").encode()
    log.write_text("another log\n" * 100)
    [retried] = read_refused(store, formats=FIXED)
    assert (retried.account, retried.error) == (Account(), "not at hand: say where it is now")
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "app.jsonl.1.gz").write_bytes(gzip.compress(grown))
    [retried] = read_refused(store, archive, formats=FIXED)
    assert retried.account == Account(5, 4, 0, 0, 1)  # what it has grown by is for ingest
    read(store, archive / "app.jsonl.1.gz", formats=FIXED)
    assert ask(store, "SELECT read, requests, rejected FROM sources") == [(7, 6, 1)]
    check_sound(store)


def test_copies_of_refused_lines_repeat_what_became_of_them(store: Path, tmp_path: Path):
    copy = tmp_path / "copy.jsonl"
    copy.write_text("".join(text + "\n" for text in [GOOD, ODD_WITH_ID, "{damaged", ODD]))
    read(store, copy)
    read_refused(store, formats=FIXED)
    assert ask(store, "SELECT line, kind FROM duplicates WHERE source_id = 2 ORDER BY line") == [
        (1, "content"),
        (2, "id"),
        (3, "content"),
        (4, "content"),
    ]
    check_sound(store)


def test_what_was_accepted_elsewhere_meanwhile_is_a_duplicate(store: Path, tmp_path: Path):
    other = tmp_path / "other.jsonl"
    other.write_text(GOOD + "\n" + ODD_WITH_ID + "\n" + ODD + "\n")
    read(store, other, formats=FIXED)
    [retried] = read_refused(store, formats=FIXED)
    assert retried.account == Account(5, 2, 0, 2, 1)
    check_sound(store)


def test_a_new_reason_takes_the_place_of_the_old(store: Path):
    formats = Formats(native(), (Format("odd", ((Condition("when"),),), {"timestamp": ("engine",)}),))
    read_refused(store, formats=formats)
    assert dict(ask(store, "SELECT line, reason FROM rejects")) == {
        1: "the time is not understood",
        3: "not JSON",
        4: "the time is not understood",
        5: "the time is not understood",
        6: "the time is not understood",
    }
    check_sound(store)


def test_a_line_that_is_read_in_several_blocks_begins_in_one(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lines, "_MOST_CARRIED", 1000)
    monkeypatch.setattr(reread, "_BLOCK_BYTES", 1000)
    log, store = tmp_path / "welded.jsonl", tmp_path / "store.duckdb"
    texts = [GOOD, (ODD + GOOD) * 99, "{damaged", ODD]
    log.write_text("".join(text + "\n" for text in texts))
    read(store, log, batch_bytes=1000)
    [retried] = read_refused(store)
    assert retried.account == Account(101, 0, 0, 0, 101)
    [retried] = read_refused(store, formats=FIXED)
    assert retried.account == Account(101, 100, 0, 0, 1)
    assert ask(store, "SELECT line, byte_offset FROM rejects") == [(3, len(texts[0] + texts[1]) + 2)]
    check_sound(store)


def test_a_picture_among_the_files_to_look_in_is_passed_by(store: Path, log: Path, tmp_path: Path):
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "picture.log").write_bytes(bytes(range(256)) * 9)
    log.rename(archive / "app.log")
    [retried] = read_refused(store, archive, formats=FIXED)
    assert retried.account == Account(5, 4, 0, 0, 1)


def test_the_command_tells_the_account(store: Path, log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "tollbook.toml"
    config.write_text('[formats.odd]\nwhen = ["when"]\ntimestamp = "when"\nmodel = "engine"\n')
    always = ["--config", str(config), "--store", str(store), "--at", "2026-11-01", "rejects"]
    told = []
    before = store.read_bytes()
    for options in (["--dry-run"], []):
        assert store.read_bytes() == before
        assert run([*always, "retry", *options, "--format", "json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert told[0]["schema"] == "tollbook.rejects-retry/1"
    assert told[0]["totals"] == {
        "source": None, "tried": 5, "requests": 4, "events": 0, "duplicates": 0, "rejected": 1, "error": None,
    }  # fmt: skip
    log.unlink()
    assert run([*always, "retry"]) == 1
    assert f"Not at hand: {log}." in capsys.readouterr().err
    assert run([*always, "--summary"]) == 0
