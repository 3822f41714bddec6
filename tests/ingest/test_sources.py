"""Which files a user means, and which file a file is."""

import gzip
import io
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading import ask, read
from tollbook.ingest.listing import Listing, find_sources
from tollbook.ingest.sources import Known, digest, recognise
from tollbook.ingest.stream import Stream, open_stream

FIRST = b'{"n": 0}\n'
LOG = FIRST + b"".join(b'{"n": %d}\n' % number for number in range(1, 2000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.jsonl", "a.log", "a.log.1", "a.log.2.gz", "c.json.zst", "d.ndjson", "e-2026-10-31.JSONL", "notes.txt",
        "image.png", "archive.gz", ".hidden.jsonl", "sub/f.jsonl", ".git/g.jsonl",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(FIRST)
    return tmp_path


def names(found: Listing, folder: Path) -> list[str]:
    return [str(Path(source.name).relative_to(folder)) for source in found.sources]


def test_a_folder_stands_for_the_logs_below_it(folder: Path):
    found = find_sources([str(folder)])
    assert names(found, folder) == [
        "a.log", "a.log.1", "a.log.2.gz", "b.jsonl", "c.json.zst", "d.ndjson", "e-2026-10-31.JSONL", "sub/f.jsonl",
    ]  # fmt: skip
    assert found.errors == []


def test_a_file_is_taken_by_any_name_and_each_once(folder: Path):
    (folder / "link.log").symlink_to(folder / "a.log")
    found = find_sources(
        [
            str(folder / "notes.txt"),
            str(folder / "sub" / ".." / "notes.txt"),
            str(folder / "a.log"),
            f"{folder}/link.log",
        ]
    )
    assert names(found, folder) == ["notes.txt", "a.log"]
    assert found.errors == []


def test_a_glob_is_expanded_and_reaches_down(folder: Path):
    assert names(find_sources([f"{folder}/a.log*"]), folder) == ["a.log", "a.log.1", "a.log.2.gz"]
    assert names(find_sources([f"{folder}/**/*.jsonl"]), folder) == ["b.jsonl", "sub/f.jsonl"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder: Path):
    (folder / "log[1].jsonl").write_bytes(FIRST)
    assert names(find_sources([f"{folder}/log[1].jsonl"]), folder) == ["log[1].jsonl"]


def test_what_finds_nothing_is_told_and_the_rest_is_found(folder: Path, tmp_path: Path):
    (folder / "empty").mkdir()
    found = find_sources([f"{folder}/gone.log", f"{folder}/*.gone", f"{folder}/empty", "-", f"{folder}/a.log"])
    assert [source.name for source in found.sources] == ["-", f"{folder}/a.log"]
    assert [str(error) for error in found.errors[:2]] == [
        f"There is no file or folder {folder}/gone.log.",
        f"No file matches {folder}/*.gone.",
    ]
    assert str(found.errors[2]).startswith(f"The folder {folder}/empty holds no log files (*.jsonl, ")


def test_names_of_rotated_logs_are_known_and_what_is_left_out_is_told(tmp_path: Path):
    logs = (
        "a.log.1", "a.log.2.gz", "a.jsonl-20261001.gz", "a.log.2026-10-01", "a.log.2026-10-01_13-00.zst", "a.LOG.old",
        "a.log-20261001-1790000000", "a.json.bak", "a-2026.log", "a.log.2026-10-01T13:00:00Z",
    )  # fmt: skip
    others = ("a.log.bz2", "a.log.swp", "a.log~", "a.txt", "store.duckdb", "log", "a.log.1.tmp")
    for name in (*logs, *others, ".a.log"):
        (tmp_path / name).write_bytes(FIRST)
    found = find_sources([str(tmp_path)])
    assert names(found, tmp_path) == sorted(logs)
    assert [Path(name).name for name in found.left_out] == sorted(others)


def test_patterns_choose_which_names_are_logs_in_folders(folder: Path):
    assert names(find_sources([str(folder)], ["*.txt", "a.log*"]), folder) == [
        "a.log", "a.log.1", "a.log.2.gz", "notes.txt",
    ]  # fmt: skip
    assert names(find_sources([str(folder)], ["f.*"]), folder) == ["sub/f.jsonl"]
    assert names(find_sources([f"{folder}/a.log"], ["*.txt"]), folder) == ["a.log"]  # what is named is read
    (error,) = find_sources([str(folder)], ["*.out"]).errors
    assert str(error).startswith(f"The folder {folder} holds no log files (*.out).")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everywhere")
def test_a_closed_folder_within_is_told(folder: Path):
    (folder / "sub").chmod(0)
    try:
        (error,) = find_sources([str(folder)]).errors
    finally:
        (folder / "sub").chmod(0o755)
    assert str(error) == f"The folder {folder}/sub cannot be read: Permission denied."


def test_a_link_that_leads_nowhere_we_can_look_costs_no_other(folder: Path, tmp_path: Path):
    (folder / "sub" / "a.jsonl").symlink_to("n" * 300)  # longer than a name can be: even root is refused
    (folder / "sub" / "loop.jsonl").symlink_to("loop.jsonl")
    for path in (f"{folder}/sub", f"{folder}/sub/*.jsonl"):
        found = find_sources([path])
        assert found.errors == []
        link, log = read(tmp_path / "store", *(source.name for source in found.sources))
        assert link.error == f"{folder}/sub/a.jsonl cannot be read: File name too long."
        assert log.source == f"{folder}/sub/f.jsonl"
        assert log.error is None


def test_a_linked_folder_is_read_like_any_other_and_none_twice(tmp_path: Path):
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    for folder in (logs, elsewhere):
        folder.mkdir()
        (folder / "app.jsonl").write_text("{}")
    for name, target in {"there": elsewhere, "again": elsewhere, "loop": logs, "nowhere": tmp_path / "x"}.items():
        (logs / name).symlink_to(target)
    listing = find_sources([str(logs)])
    names = {Path(source.name).resolve() for source in listing.sources}
    assert names == {logs / "app.jsonl", elsewhere / "app.jsonl"}
    assert (len(listing.sources), listing.errors) == (2, [])


def test_a_folder_that_is_removed_while_it_is_listed_is_no_error(folder: Path, monkeypatch):
    walk = os.walk

    def walk_and_remove(*args: Any, **options: Any) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in walk(*args, **options):
            shutil.rmtree(folder / "sub", ignore_errors=True)
            yield found

    monkeypatch.setattr(os, "walk", walk_and_remove)
    found = find_sources([str(folder)])
    assert len(found.sources) == 7
    assert found.errors == []


def test_a_home_of_nobody_is_a_name_like_any_other():
    (error,) = find_sources(["~of-nobody-at-all/a.log"]).errors
    assert str(error) == "There is no file or folder ~of-nobody-at-all/a.log."


@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_file_whose_name_is_no_text_is_read_and_forgotten(tmp_path, tollbook, form: str):
    name = os.fsdecode(b"caf\xe9.jsonl")
    try:
        (tmp_path / name).write_text('{"timestamp": 1776679200, "model": "m"}\n')
    except OSError:
        pytest.skip("the file system takes no such name")
    output = ["--output", "out.parquet"] if form == "parquet" else []
    done = tollbook("--store", "s.duckdb", "ingest", name, "--format", form, *output)
    assert done.returncode == 0, done.stderr
    if form != "parquet":
        assert ("caf\\\\xe9.jsonl" if form == "json" else "caf\\xe9.jsonl") in done.stdout
    assert ask(tmp_path / "s.duckdb", "SELECT name FROM sources") == [(f"{tmp_path}/caf\\xe9.jsonl",)]
    again = tollbook("--store", "s.duckdb", "ingest", name, "--format", "csv")
    assert again.stdout.splitlines()[1] == "caf\\xe9.jsonl,,0,0,0,0,0,0,"
    assert tollbook("--store", "s.duckdb", "forget", name, "--yes").returncode == 0
    assert ask(tmp_path / "s.duckdb", "SELECT count(*) FROM sources") == [(0,)]


def test_going_on_in_a_large_log_reads_no_more_of_it_than_it_must(tmp_path: Path):
    path, data = tmp_path / "large.log", LOG * 200
    path.write_bytes(data)
    source = known(1, len(data) - 9000, data)
    found = recognise(str(path), {source.head: [source]})
    assert found.known == source
    assert found.stream.position == source.position
    assert found.stream.read(1 << 20) == data[source.position :]
    found.stream.close()
    blocks_read = []

    class Counted(io.BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            block = super().read(size)
            blocks_read.append(len(block))
            return block

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tollbook.ingest.stream.Path.open", lambda self, mode: Counted(io.FileIO(self, mode)))
        recognise(str(path), {source.head: [source]}).stream.close()
    assert 0 < sum(blocks_read) < 150_000 < len(data)


def test_a_byte_order_mark_does_not_shift_where_reading_goes_on(tmp_path: Path):
    path, data = tmp_path / "marked.log", LOG * 10
    path.write_bytes(b"\xef\xbb\xbf" + data)
    source = known(1, len(data) - 9000, data)
    found = recognise(str(path), {source.head: [source]})
    assert found.known == source
    assert found.stream.read(1 << 20) == data[source.position :]
    found.stream.close()


def known(source_id: int, position: int, log: bytes = LOG) -> Known:
    """What a store knows of a log that was read up to a position."""
    tail = log[max(0, position - 4096) : position]
    return Known(source_id, digest(log.split(b"\n", 1)[0]), digest(tail), position, log.count(b"\n", 0, position))


def look(path: Path, data: bytes, *sources: Known) -> tuple[int | None, int]:
    """Return as which source a file is recognised, and where reading goes on."""
    path.write_bytes(data)
    by_head: dict[str, list[Known]] = {}
    for source in sources:
        by_head.setdefault(source.head, []).append(source)
    found = recognise(str(path), by_head)
    place = found.stream.position
    rest = data if path.suffix != ".gz" else gzip.decompress(data)
    assert found.stream.read(1 << 20) == rest[place:]
    found.stream.close()
    return (found.known.source_id if found.known else None), place


def test_a_file_is_read_on_where_it_was_read_up_to(tmp_path: Path):
    assert look(tmp_path / "any name", LOG, known(7, 9000)) == (7, 9000)
    assert look(tmp_path / "packed.gz", gzip.compress(LOG), known(7, 9000)) == (7, 9000)
    assert look(tmp_path / "all", LOG, known(7, len(LOG))) == (7, len(LOG))


def test_of_several_that_it_could_be_a_file_is_the_one_read_furthest(tmp_path: Path):
    assert look(tmp_path / "log", LOG, known(1, 9), known(3, 9000), known(2, 500)) == (3, 9000)


def test_of_two_that_were_read_nearly_as_far_a_file_is_the_one_read_further(tmp_path: Path):
    assert look(tmp_path / "log", LOG, known(1, 5000), known(2, 5010)) == (2, 5010)
    assert look(tmp_path / "log", LOG, known(1, 60), known(2, 100), known(3, 140)) == (3, 140)
    other = LOG[:300] + b"x" + LOG[301:]
    assert look(tmp_path / "log", LOG, known(1, 400, other), known(2, 500)) == (2, 500)
    assert look(tmp_path / "packed.gz", gzip.compress(LOG), known(1, 400, other), known(2, 500)) == (2, 500)


def test_two_files_that_begin_alike_are_known_again(tmp_path: Path):
    for name, text in (("short", "one"), ("long", "another and longer")):
        (tmp_path / name).write_text(f'begin\n{{"timestamp": 1776679200, "message": "{text}"}}\n')
    read(tmp_path / "store", tmp_path / "short", tmp_path / "long")
    again = read(tmp_path / "store", tmp_path / "short", tmp_path / "long")
    assert [outcome.account.read for outcome in again] == [0, 0]


def test_a_file_that_is_replaced_while_it_is_looked_at_is_the_new_one(tmp_path: Path, monkeypatch):
    log, opened = tmp_path / "log", []
    other = b"{}\n" + LOG[::-1]

    def open_and_rotate(path: str, *live: object) -> Stream:
        stream = open_stream(path, *live)
        if not opened:
            log.rename(tmp_path / "log.1")
            log.write_bytes(other)
        opened.append(path)
        return stream

    log.write_bytes(LOG)
    monkeypatch.setattr("tollbook.ingest.sources.open_stream", open_and_rotate)
    # What was looked at is read up to 5000, and was looked at up to 6000.
    lines = {known(1, 5000).head: [known(1, 5000), known(2, 6000, LOG[:5500] + other)]}
    found = recognise(str(log), lines)
    assert (found.known, found.stream.read(1 << 20)) == (None, other)
    found.stream.close()


def test_a_file_that_goes_another_way_is_another(tmp_path: Path):
    other = LOG[:5000] + b"x" + LOG[5001:]
    assert look(tmp_path / "log", other, known(1, 6000)) == (None, 0)
    assert look(tmp_path / "log", other, known(1, 5000)) == (1, 5000)  # the same, as far as it was read
    assert look(tmp_path / "log", other, known(1, 5000), known(2, 6000)) == (1, 5000)


def test_a_shorter_file_with_the_first_line_of_another_is_read_to_its_end(tmp_path: Path):
    """It was looked at whether it is the longer one, behind whose position it ends."""

    def lines(ids: range) -> str:
        return "".join(f'{{"timestamp":"2026-05-01T00:00:00Z","model":"m","request_id":"{one:040}"}}\n' for one in ids)

    longer, shorter, store = tmp_path / "longer.jsonl", tmp_path / "shorter.jsonl", tmp_path / "store.duckdb"
    longer.write_text(lines(range(4000)))
    shorter.write_text(lines(range(1)) + lines(range(10_000, 12_000)))  # more than is looked at to know a file
    read(store, longer)
    (outcome,) = read(store, shorter)
    assert (outcome.account.read, outcome.account.requests, outcome.incomplete) == (2001, 2000, 0)
    assert read(store, shorter)[0].account.read == 0


def test_a_file_that_is_shorter_now_is_another(tmp_path: Path):
    assert look(tmp_path / "log", LOG[:8000], known(1, 9000)) == (None, 0)
    assert look(tmp_path / "log", b"", known(1, 9000)) == (None, 0)


def test_a_file_with_another_first_line_is_another(tmp_path: Path):
    assert look(tmp_path / "log", b"{}\n" + LOG, known(1, 9000)) == (None, 0)


def test_a_first_ingest_makes_the_store_even_of_nothing(tmp_path, tollbook):
    (tmp_path / "empty.jsonl").write_text("")
    assert tollbook("--store", "s.duckdb", "ingest", "empty.jsonl").returncode == 0
    assert tollbook("--store", "s.duckdb", "status").returncode == 0


def test_a_name_of_blanks_is_no_name(tmp_path, tollbook):
    line = '{"timestamp": "2026-10-20T10:00:00Z", "model": "gpt-4o ", "team": "   ", "input_tokens": 1}\n'
    (tmp_path / "a.jsonl").write_text(line)
    assert tollbook("--store", "s.duckdb", "ingest", "a.jsonl").returncode == 0
    got = tollbook("--store", "s.duckdb", "sql", "select team, model from requests", "--format", "csv")
    assert got.stdout == "team,model\n,gpt-4o\n"


def test_a_pipe_that_begins_like_a_file_of_the_same_run_is_read_to_its_end(tmp_path, tollbook):
    line = '{"timestamp": "2026-10-20T10:00:0%dZ", "request_id": "r%d", "model": "m", "input_tokens": 1}\n'
    first, second, third = (line % (n, n) for n in range(3))
    (tmp_path / "a.jsonl").write_text(first + second)
    done = tollbook("--store", "s.duckdb", "ingest", "a.jsonl", "-", text=first + third)
    assert done.returncode == 0, done.stderr
    got = tollbook("--store", "s.duckdb", "sql", "select request_id from requests order by 1", "--format", "csv")
    assert got.stdout.split() == ["request_id", "r0", "r1", "r2"]


def test_a_named_pipe_is_read_once_and_never_gone_back_in(tmp_path, tollbook):
    text = '{"timestamp": "2026-10-20T10:00:00Z", "request_id": "r", "model": "m", "input_tokens": 1}\n'
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for expected in ("1", "0"):  # the second time all of it is here already
        writer = threading.Thread(target=pipe.write_text, args=(text,))
        writer.start()
        done = tollbook("--store", "s.duckdb", "ingest", pipe, "--format", "csv")
        writer.join()
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1].split(",")[2:4] == ["1", expected]
