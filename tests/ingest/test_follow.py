"""`ingest --follow`: keeps up with what is written, lets others in, and ends when told to."""

import gzip
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from reading import ask, check_accounts, read
from tollbook.errors import SourceError, SourceGoneError
from tollbook.ingest.account import Account
from tollbook.ingest.batches import Outcome
from tollbook.ingest.follow import follow
from tollbook.ingest.listing import Listed, Listing
from tollbook.ingest.stream import Live

LONG_ENOUGH_S = 120  # only a test that fails waits that long


def lines(first: int, last: int) -> str:
    return "".join(
        json.dumps({"timestamp": 1776679200 + number, "request_id": f"r{number}", "model": "m", "input_tokens": 1})
        + "\n"
        for number in range(first, last)
    )


def until(condition: Callable[[], bool], process: "Following | None" = None) -> None:
    """Wait for something to become true while a process lives."""
    deadline = time.monotonic() + LONG_ENOUGH_S
    while not condition():
        assert time.monotonic() < deadline
        assert process is None or process.process.poll() is None, process.ended()
        time.sleep(0.05)


class Following:
    """A `tollbook ingest --follow` that runs."""

    def __init__(self, folder: Path, *arguments: object, stdin: int | None = subprocess.DEVNULL) -> None:
        self.store = folder / "store.duckdb"
        self._err = (folder / "err.txt").open("w+")
        command = [sys.executable, "-m", "tollbook", "--store", self.store, *arguments]
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._err,
            text=True,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
        )

    def requests(self) -> int:
        """Return how many requests are in the store, waiting for the moment at which one can look."""
        for _ in range(1000):
            try:
                return int(ask(self.store, "SELECT count(*) FROM requests")[0][0])
            except duckdb.CatalogException:
                return 0
            except duckdb.IOException as error:
                if "does not exist" in str(error):
                    return 0
                time.sleep(0.02)
        raise AssertionError("the store is never free")

    def until_read(self, count: int) -> None:
        until(lambda: self.requests() == count, self)

    def said(self) -> str:
        return Path(self._err.name).read_text()

    def ended(self, number: int | None = None) -> tuple[int, str, str]:
        """Send a signal, and return how the process ended: its code, stdout and stderr."""
        if number is not None:
            self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=LONG_ENOUGH_S)
        return self.process.returncode, out, self.said()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Following]]:
    started: list[Following] = []

    def begin(*arguments: object, options: Sequence[object] = (), stdin: int | None = subprocess.DEVNULL) -> Following:
        words = (*options, "ingest", "--follow", "--every", "100ms", *arguments)
        started.append(Following(tmp_path, *words, stdin=stdin))
        return started[-1]

    yield begin
    for following in started:
        with suppress(ProcessLookupError):
            following.process.kill()
        following.process.communicate()
        following._err.close()


def test_it_keeps_up_with_logs_that_grow_rotate_and_appear(tmp_path: Path, start: Callable[..., Following]):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "app.log"
    log.write_text(lines(0, 3))
    following = start(folder, "--format", "json")
    following.until_read(3)
    with log.open("a") as file:
        file.write(lines(3, 5)[:-9])  # the last line is not finished
        file.flush()
        following.until_read(4)
        log.rename(folder / "app.log.1")
        file.write(lines(3, 5)[-9:])
    following.until_read(5)
    log.write_text(lines(5, 6))
    (folder / "other.jsonl").write_text(lines(6, 8))
    following.until_read(8)
    (folder / "app.log.1.gz").write_bytes(gzip.compress((folder / "app.log.1").read_bytes()))
    (folder / "app.log.1").unlink()
    log.write_text(lines(8, 9))  # truncated, and shorter than before or not
    following.until_read(9)
    (folder / "other.jsonl").unlink()
    code, out, err = following.ended(signal.SIGTERM)
    assert code == 0, err
    account = json.loads(out)
    assert (account["totals"]["read"], account["totals"]["requests"], account["totals"]["duplicates"]) == (9, 9, 0)
    assert account["warnings"] == []
    told = [line for line in err.splitlines() if " read " in line]
    assert sum(int(line.split(" read ")[1].split()[0]) for line in told) == 9
    assert len(told) <= 9  # a line for each commit, none for a round that found nothing
    assert ask(following.store, "SELECT count(*) FROM batches") == [(1,)]
    check_accounts(following.store)


def test_ctrl_c_ends_it_with_130_and_an_account_of_what_was_read(tmp_path: Path, start: Callable[..., Following]):
    log = tmp_path / "app.log"
    log.write_text(lines(0, 5))
    following = start(log)
    following.until_read(5)
    code, out, err = following.ended(signal.SIGINT)
    assert code == 130
    assert "total" in out or "app.log" in out
    assert "Traceback" not in err
    assert following.requests() == 5


def test_stopping_in_the_middle_of_much_keeps_whole_batches(tmp_path: Path):
    store, log = tmp_path / "store.duckdb", tmp_path / "app.log"
    log.write_text(lines(0, 5000))
    asked = iter(range(5))
    read(store, log, batch_bytes=20_000, live=Live(1, lambda: next(asked, None) is None))
    check_accounts(store)
    ((first,),) = ask(store, "SELECT count(*) FROM requests")
    assert 0 < first < 5000
    (outcome,) = read(store, log)
    assert outcome.account == Account(read=5000 - first, requests=5000 - first)
    check_accounts(store)


def test_it_waits_for_a_log_that_is_not_there_yet_and_says_so_once(tmp_path: Path, start: Callable[..., Following]):
    log = tmp_path / "app.log"
    following = start(log)
    until(lambda: "There is no file" in following.said(), following)
    log.write_text(lines(0, 2))
    following.until_read(2)
    log.unlink()
    until(lambda: following.said().count("There is no file") == 2, following)
    log.write_text(lines(2, 4))
    following.until_read(4)
    code, _, err = following.ended(signal.SIGTERM)
    assert code == 0
    assert err.count("There is no file") == 2


def test_it_waits_for_a_store_that_is_in_use(tmp_path: Path, start: Callable[..., Following]):
    log = tmp_path / "app.log"
    log.write_text(lines(0, 2))
    following = start(log, options=("--lock-timeout", "0.2"))
    following.until_read(2)
    code = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    while True:  # it may be writing at this moment
        other = subprocess.Popen(
            [sys.executable, "-c", code, str(following.store)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert other.stdout is not None
        if other.stdout.readline() == "held\n":
            break
        other.communicate()
    with log.open("a") as file:
        file.write(lines(2, 4))
    until(lambda: following.said().count("in use by another process") >= 2, following)
    other.communicate("")
    following.until_read(4)
    assert following.ended(signal.SIGTERM)[0] == 0


def test_a_pipe_is_committed_as_it_comes_and_read_to_its_end(tmp_path: Path, start: Callable[..., Following]):
    following = start("-", stdin=subprocess.PIPE)
    pipe = following.process.stdin
    assert pipe is not None
    first = lines(0, 3)
    pipe.write(first[:-5])
    pipe.flush()
    following.until_read(2)
    pipe.write(first[-5:] + lines(3, 4))
    pipe.flush()
    following.until_read(4)
    pipe.write('{"timestamp": 1776679200, "model": "m", "input_tokens": 1}\n')
    pipe.flush()
    following.until_read(5)
    pipe.write('{"timestamp": 1776679200, "model": "m", "input_tokens": 1}\n')  # says the same, and is another
    pipe.close()
    following.process.stdin = None
    code, _, err = following.ended()
    assert code == 0, err
    assert following.requests() == 6
    assert ask(following.store, "SELECT count(*) FROM sources") == [(1,)]
    check_accounts(following.store)


def test_a_pipe_is_let_go_of_when_told_to_stop(tmp_path: Path, start: Callable[..., Following]):
    reading, writing = os.pipe()
    following = start("-", stdin=reading)
    os.write(writing, lines(0, 2).encode())
    following.until_read(2)
    os.write(writing, lines(2, 3).encode())
    code, _, err = following.ended(signal.SIGTERM)
    os.close(reading)
    os.close(writing)
    assert code == 0, err
    assert following.requests() == 3


def test_what_was_compressed_comes_through_a_pipe_too(tmp_path: Path, start: Callable[..., Following]):
    reading, writing = os.pipe()
    following = start("-", stdin=reading)
    os.close(reading)
    os.write(writing, gzip.compress(lines(0, 2).encode()))
    following.until_read(2)
    os.write(writing, gzip.compress(lines(2, 4).encode()))
    following.until_read(4)
    os.close(writing)
    assert following.ended()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--dry-run", "a.log"), "--follow and --dry-run cannot both be given."),
        (("-", "a.log"), "--follow reads - to its end, so nothing beside it."),
        (("--every", "0s", "a.log"), "--every must be longer than nothing"),
        (("--every", "soon", "a.log"), "'soon' is not a length of time."),
    ],
)
def test_what_cannot_be_followed_is_told(tollbook, arguments: tuple[str, ...], sentence: str):
    done = tollbook("--store", "s.duckdb", "ingest", "--follow", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"tollbook: {sentence}")


def test_only_what_has_changed_is_read_again_and_an_error_is_told_once():
    listings = [
        Listing([Listed("a", 1, "v1"), Listed("b", 1, "v1")]),
        Listing([Listed("a", 1, "v1"), Listed("b", 1, "v2")], [SourceGoneError("no c")]),
        Listing([Listed("a", 1, "v1"), Listed("b", 1, "v2")], [SourceGoneError("no c")]),
        Listing([Listed("b", 1, "v2")], [SourceError("closed")]),
        Listing([Listed("a", 1, "v1"), Listed("b", 1, "v2")], [SourceGoneError("no c")]),
    ]
    asked, said = [], []
    rounds_left = len(listings)

    def read_names(names: Sequence[str]) -> list[Outcome]:
        asked.append(list(names))
        return [Outcome(name, Account(1, 1), error="b is damaged" if name == "b" else None) for name in names]

    def wait() -> bool:
        nonlocal rounds_left
        rounds_left -= 1
        return rounds_left > 0

    shown = iter(listings)
    rounds = follow(lambda: next(shown), read_names, wait=wait, say=said.append)
    assert asked == [["a", "b"], ["b"], ["a"]]
    assert said == ["b is damaged", "no c", "closed", "no c"]
    assert {name: outcome.account.read for name, outcome in rounds.outcomes.items()} == {"a": 2, "b": 2}
    assert rounds.errors == ["b is damaged"]


def test_what_is_read_of_stdin_waits_no_longer_than_asked_for(tmp_path: Path, start: Callable[..., Following]):
    """A writer that never pauses does not keep the first of its lines from the store."""
    reading, writing = os.pipe()
    following = start("-", stdin=reading)
    os.close(reading)
    number = 0
    while following.requests() == 0:
        assert number < 1_000_000
        if select.select([], [writing], [], 0.01)[1]:
            os.write(writing, lines(number, number + 1).encode())
            number += 1
    os.close(writing)
    assert following.ended()[0] == 0
    assert following.requests() == number
