"""Sets of files that are rotated between, and during, runs: what the store holds is what one clean ingest finds."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reading import ask, check_accounts, content, read
from tollbook.ingest.follow import Rounds, read_once
from tollbook.ingest.listing import Listing, find_sources

HEADER = '{"timestamp": "2026-10-20T00:00:00Z", "message": "started"}\n'  # what every process writes first


class Rotated:
    """The log of a writer, in a folder where logrotate works too."""

    def __init__(self, folder: Path, *, ids: bool = False, header: bool = True) -> None:
        self.folder = folder / "logs"
        self.folder.mkdir()
        self.store = folder / "store.duckdb"
        self.log = self.folder / "app.log"
        self.open = self.log  # the file that the writer writes to
        self._ids = ids
        self._header = HEADER if header else ""
        self._written = 0
        self._rest = ""

    def line(self) -> str:
        """Return the next line; now and then it says the same as the one before."""
        self._written += 1
        record: dict[str, object] = {"timestamp": 1776679200 + self._written // 3, "model": "m", "input_tokens": 7}
        if self._ids:
            record["request_id"] = f"r{self._written}"
        return json.dumps(record) + "\n"

    def write(self, count: int = 1) -> None:
        self.finish()
        with self.open.open("a") as file:
            if file.tell() == 0:
                file.write(self._header)
            file.writelines(self.line() for _ in range(count))

    def begin(self) -> None:
        """Write the first part of a line."""
        self.finish()
        line = self.line()
        with self.open.open("a") as file:
            file.write(line[:30])
        self._rest = line[30:]

    def finish(self) -> None:
        """Write the rest of the line that was begun, wherever its file is now, and go on in the current one."""
        if self._rest:
            with self.open.open("a") as file:
                file.write(self._rest)
            self._rest = ""
        self.open = self.log

    def is_empty(self) -> bool:
        return not self.log.exists() or self.log.stat().st_size == 0

    def make_room(self) -> Path:
        """Move the rotated files up by one; return the free name."""
        if self.open != self.log:
            self.open = self.folder / f"app.log.{int(self.open.suffix[1:]) + 1}"
        for number in range(len(list(self.folder.iterdir())), 0, -1):
            for file in (f"app.log.{number}", f"app.log.{number}.gz"):
                if (self.folder / file).exists():
                    (self.folder / file).rename(self.folder / file.replace(f".log.{number}", f".log.{number + 1}"))
        return self.folder / "app.log.1"

    def rename(self) -> None:
        if self.is_empty():
            return
        free = self.make_room()
        self.log.rename(free)
        if self.open == self.log and self._rest:
            self.open = free  # the writer has it open still

    def copytruncate(self) -> None:
        self.finish()
        if self.is_empty():
            return
        shutil.copyfile(self.log, self.make_room())
        with self.log.open("r+b") as file:
            file.truncate(0)

    def compress(self) -> None:
        for file in list(self.folder.glob("app.log.*[0-9]")):
            if file != self.open:
                file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
                file.unlink()

    def ingest(self, meanwhile: Callable[[], None] | None = None) -> Rounds:
        """Read the folder, with something happening between listing and reading."""
        happening = [meanwhile] if meanwhile else []

        def find() -> Listing:
            listing = find_sources([str(self.folder)])
            while happening:
                happening.pop()()
            return listing

        return read_once(find, lambda names: read(self.store, *map(Path, names)))

    def check(self) -> None:
        """See that the store holds what one clean ingest of the set finds."""
        self.finish()
        self.ingest()
        clean = self.store.with_name("clean.duckdb")
        read(clean, *sorted(self.folder.iterdir()))
        assert content(self.store) == content(clean)
        check_accounts(self.store)
        if self._ids:
            assert sum(content(self.store)["requests"].values()) == self._written


EVENTS = (
    "write",
    "begin",
    "rename",
    "copytruncate",
    "compress",
    "ingest",
    "rename meanwhile",
    "copytruncate meanwhile",
)


@settings(max_examples=12, deadline=None)
@given(events=st.lists(st.sampled_from(EVENTS), min_size=3, max_size=9), ids=st.booleans(), header=st.booleans())
def test_however_a_set_is_rotated_nothing_is_lost_and_nothing_doubled(events: list[str], ids: bool, header: bool):
    with TemporaryDirectory() as folder:
        logs = Rotated(Path(folder), ids=ids, header=header)
        logs.write(2)
        for event in events:
            name, _, meanwhile = event.partition(" ")
            if meanwhile:
                logs.ingest(getattr(logs, name))
            elif name == "write":
                logs.write(3)
            else:
                getattr(logs, name)()
        logs.check()


def test_whatever_was_rotated_last_an_ingest_at_once_finds_no_error(tmp_path: Path):
    logs = Rotated(tmp_path)
    for rotate in (logs.rename, logs.copytruncate, logs.compress, logs.copytruncate):
        logs.write(3)
        logs.begin()
        rotate()
        assert logs.ingest().errors == []
    logs.check()


@pytest.mark.parametrize("after", [1, 60])
def test_a_truncated_log_is_read_from_its_start_whether_it_is_shorter_or_longer_now(tmp_path: Path, after: int):
    logs = Rotated(tmp_path, ids=True)
    logs.write(20)
    logs.ingest()
    position = logs.log.stat().st_size
    logs.copytruncate()
    (logs.folder / "app.log.1").unlink()
    logs.write(after)  # begins with the header, as before
    assert (logs.log.stat().st_size > position) == (after == 60)
    logs.ingest()
    assert ask(logs.store, "SELECT count(*), count(DISTINCT request_id) FROM requests") == [(20 + after,) * 2]
    assert ask(logs.store, "SELECT count(*) FROM sources") == [(2,)]
    assert ask(logs.store, "SELECT count(*) FROM events") == [(1,)]
    check_accounts(logs.store)


def test_a_line_that_is_cut_by_truncation_costs_no_other(tmp_path: Path):
    logs = Rotated(tmp_path, ids=True, header=False)
    logs.write(3)
    line = logs.line()
    with logs.log.open("a") as file:
        file.write(line[:40])
    logs.ingest()
    shutil.copyfile(logs.log, logs.folder / "app.log.1")
    logs.log.write_text(line[40:])  # truncated, and the writer goes on
    logs.write(2)
    logs.ingest()
    assert ask(logs.store, "SELECT count(DISTINCT request_id) FROM requests") == [(5,)]
    assert ask(logs.store, "SELECT reason FROM rejects") == [("not JSON",)]


def test_a_writer_that_leaves_a_hole_after_truncation_is_read(tmp_path: Path):
    logs = Rotated(tmp_path, ids=True, header=False)
    with logs.log.open("w") as file:  # not opened for appending: it goes on where it was
        file.writelines(logs.line() for _ in range(5))
        file.flush()
        logs.ingest()
        shutil.copyfile(logs.log, logs.folder / "app.log.1")
        with logs.log.open("r+b") as other:
            other.truncate(0)
        file.writelines(logs.line() for _ in range(4))
    assert logs.log.read_bytes().startswith(b"\0" * 100)
    logs.check()
    assert ask(logs.store, "SELECT count(*) FROM requests") == [(9,)]


def test_two_honest_identical_lines_stay_two_however_their_file_is_rotated(tmp_path: Path):
    logs = Rotated(tmp_path, header=False)
    same = logs.line()
    for count, act in enumerate((logs.ingest, logs.rename, logs.compress), start=1):
        logs.open.write_text(same * count) if count < 3 else None
        act()
        logs.open = logs.folder / "app.log.1"
        logs.ingest()
    assert ask(logs.store, "SELECT count(*) FROM requests") == [(2,)]


def test_a_log_that_is_renamed_between_listing_and_reading_is_found_under_its_new_name(tmp_path: Path):
    logs = Rotated(tmp_path, ids=True)
    logs.write(4)
    rounds = logs.ingest(logs.rename)
    assert rounds.errors == []
    assert [(Path(name).name, outcome.account.requests) for name, outcome in rounds.outcomes.items()] == [
        ("app.log.1", 4)
    ]


def test_a_log_that_was_named_and_is_gone_is_an_error(tmp_path: Path):
    logs = Rotated(tmp_path)
    logs.write()
    listing = find_sources([str(logs.log)])
    logs.log.unlink()
    rounds = read_once(lambda: listing, lambda names: read(logs.store, *map(Path, names)))
    assert rounds.errors == [f"{logs.log} cannot be read: No such file or directory."]


def test_an_archive_that_is_read_while_it_is_written_is_told_and_read_later(tmp_path: Path):
    logs = Rotated(tmp_path, ids=True)
    logs.write(2000)
    packed = gzip.compress(logs.log.read_bytes())
    archive = logs.folder / "app.log.1.gz"
    archive.write_bytes(packed[: len(packed) // 2])
    logs.log.unlink()
    (error,) = logs.ingest().errors
    assert "cut short" in error
    archive.write_bytes(packed)
    assert logs.ingest().errors == []
    assert ask(logs.store, "SELECT count(*), count(DISTINCT request_id) FROM requests") == [(2000, 2000)]
    check_accounts(logs.store)
