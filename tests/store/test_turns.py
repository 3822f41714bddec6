"""Whoever waits for the store gets it, however busy writers are."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tollbook.store.connection import reader, writer
from tollbook.store.turns import give_way, is_awaited, waiting

pytest.importorskip("fcntl", reason="needs a system with advisory locks")

# Writes again and again, with next to no gap.
WRITER = """
import sys, time
from pathlib import Path
from tollbook.store.connection import writer
from tollbook.store.turns import give_way
store = Path(sys.argv[1])
while True:
    with writer(store):
        print("has it", flush=True)
        time.sleep(0.1)
    give_way(store)
"""
WAITER = """
import sys, time
from pathlib import Path
from tollbook.store.turns import waiting
with waiting(Path(sys.argv[1])):
    print("waits", flush=True)
    time.sleep(600)
"""


def start(program: str, store: Path) -> subprocess.Popen[str]:
    """Run a program in a process of its own; return it when it has said that it began."""
    process = subprocess.Popen([sys.executable, "-c", program, str(store)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_nobody_gives_way_to_nobody(tmp_path: Path):
    give_way(tmp_path / "store.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_a_writer_pauses_until_the_last_of_those_who_wait_is_through(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    with waiting(store):
        with waiting(store):
            assert is_awaited(store)
        assert is_awaited(store)
        through = threading.Event()
        pausing = threading.Thread(target=lambda: (give_way(store), through.set()))
        pausing.start()
        assert not through.wait(0.1)
    pausing.join()
    assert not is_awaited(store)
    assert list(tmp_path.iterdir()) == []


def test_nobody_gives_way_for_ever(tmp_path: Path):
    with waiting(tmp_path / "store.duckdb"):
        give_way(tmp_path / "store.duckdb")


def test_a_killed_process_does_not_wait_any_more(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    waiter = start(WAITER, store)
    assert is_awaited(store)
    waiter.kill()
    waiter.communicate()
    assert not is_awaited(store)
    assert list(tmp_path.iterdir()) == []


def test_a_report_gets_in_between_two_busy_writers(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    with writer(store):
        pass
    writers = [start(WRITER, store) for _ in range(2)]
    try:
        for _ in range(3):
            with reader(store) as con:
                assert con.execute("SELECT count(*) FROM store.requests").fetchone() == (0,)
        assert all(process.poll() is None for process in writers)
    finally:
        for process in writers:
            process.kill()
            process.communicate()


def test_a_folder_that_cannot_be_written_makes_nobody_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with waiting(tmp_path / "store.duckdb"):
        assert not is_awaited(tmp_path / "store.duckdb")
