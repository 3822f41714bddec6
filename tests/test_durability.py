"""What a store holds survives whatever happens to the process that writes it, and to the machine around it."""

import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from reading import ask, check_accounts, content, read
from tollbook.cli.app import run
from tollbook.store.connection import reason

SAMPLE = Path(__file__).parents[1] / "sample_logs"
KILLS = 15
# Ingests the log again and again, a few lines at a time, and says when it begins.
DRIVER = """
import sys
import time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from reading import read
print("begun", flush=True)
read(Path(sys.argv[2]), *map(Path, sys.argv[3:]), batch_bytes=8_000)
print("done", flush=True)
"""
GOOD = '{"timestamp": "2026-04-20T10:00:00Z", "model": "m", "input_tokens": 1}\n'


def start(store: Path, *logs: Path) -> subprocess.Popen[str]:
    """Begin to ingest logs in a process of its own; return it when it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(Path(__file__).parent), str(store), *map(str, logs)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """See that a process ends well."""
    out, err = process.communicate()
    assert (process.returncode, out) == (0, "done\n"), err


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """Two logs of a few hundred records each: with and without ids, events, damage, and a copy of the first."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in ("one", "two"):
        lines = []
        for number in range(400):
            record: dict[str, object] = {"timestamp": 1776679200 + number, "model": name, "output_tokens": number % 7}
            if number % 3 == 0:
                record["request_id"] = f"{number % 90}"  # an id comes back some batches later
            if number % 11 == 0:
                record = {"timestamp": 1776679200 + number // 50, "message": "retry"}
            lines.append("{damaged" if number % 37 == 0 else json.dumps(record))
        (folder / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines))
    (folder / "one.jsonl.1").write_bytes((folder / "one.jsonl").read_bytes())
    return sorted(folder.iterdir())


@pytest.fixture
def clean(logs: list[Path], tmp_path: Path) -> Path:
    store = tmp_path / "clean.duckdb"
    read(store, *logs)
    return store


def test_killing_an_ingest_at_any_moment_loses_and_doubles_nothing(logs: list[Path], clean: Path, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    chance = random.Random(17)  # noqa: S311
    lived, committed = 0, set()
    begun = time.monotonic()
    end(start(tmp_path / "timed.duckdb", *logs))
    took = time.monotonic() - begun
    for _ in range(KILLS):
        process = start(store, *logs)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, took))
        process.send_signal(signal.SIGKILL)
        lived += process.wait() == 0
        process.communicate()
        if store.exists():  # what is there is whole, and nobody has to repair it
            check_or_empty(store)
            committed.add(held(store))
    end(start(store, *logs))
    assert content(store) == content(clean)
    check_accounts(store)
    assert lived < KILLS
    assert len(committed) > 1  # some of the kills came between two commits


def held(store: Path) -> int:
    tables = ask(store, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'sources'")
    return int(ask(store, "SELECT coalesce(sum(read), 0) FROM sources")[0][0]) if tables == [(1,)] else 0


def check_or_empty(store: Path) -> None:
    if held(store):
        check_accounts(store)


def test_two_ingests_of_the_same_files_at_once_share_the_work(logs: list[Path], clean: Path, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    first, second = start(store, *logs), start(store, *reversed(logs))
    end(first)
    end(second)
    assert content(store) == content(clean)
    check_accounts(store)


def test_a_report_during_an_ingest_waits_and_sees_whole_batches_only(logs: list[Path], tmp_path: Path):
    store = tmp_path / "store.duckdb"
    read(store, logs[0])
    process = start(store, *logs)
    seen = []
    while process.poll() is None:
        done = subprocess.run(
            [sys.executable, "-m", "tollbook", "--store", store, "status", "--format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)["rows"]
        seen.append(row["requests"])
    end(process)
    assert seen
    assert seen == sorted(seen)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold a store open for writing in another process."""
    code = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.communicate("")


Complaint = Callable[..., str]


@pytest.fixture
def complaint(capsys: pytest.CaptureFixture[str]) -> Complaint:
    """Run a command line that must fail with 1; return its one sentence."""

    def of(*arguments: object) -> str:
        assert run([str(argument) for argument in arguments]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("tollbook: ")
        assert err.count("\n") == 1
        return err

    return of


@pytest.mark.parametrize("command", [["ingest", "LOG"], ["status"], ["ingest", "--dry-run", "LOG"]])
def test_a_store_that_stays_locked_is_told_within_the_timeout(
    logs: list[Path], clean: Path, command: list[str], complaint: Complaint
):
    arguments = [str(logs[0]) if word == "LOG" else word for word in command]
    with locked(clean):
        err = complaint("--store", clean, "--lock-timeout", "0.1", *arguments)
    assert f"The store {clean} is in use by another process and stayed so for 0.1 s." in err
    assert "--lock-timeout" in err


def test_a_dry_run_tells_the_account_and_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log, store = tmp_path / "log.jsonl", tmp_path / "new" / "store.duckdb"
    log.write_text(GOOD + "oops\n")
    assert run(["--store", str(store), "ingest", "--dry-run", str(log), "--format", "json"]) == 0
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert (totals["read"], totals["requests"], totals["rejected"]) == (2, 1, 1)
    assert [path.name for path in tmp_path.rglob("*")] == ["log.jsonl"]


def test_a_dry_run_changes_nothing_of_a_store_that_is_there(
    logs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    store = tmp_path / "store.duckdb"
    read(store, logs[0])
    before = store.read_bytes()
    told = []
    for options in (["--dry-run"], []):
        assert run(["--store", str(store), "ingest", *options, *map(str, logs), "--format", "json"]) == 0
        told.append(json.loads(capsys.readouterr().out)["rows"])
        if options:
            assert store.read_bytes() == before
    assert told[0] == told[1]
    assert [row["read"] for row in told[0]] == [0, 0, 400]  # the copy of the first log is known for it


def test_a_text_file_is_no_store_and_stays_as_it_is(logs: list[Path], tmp_path: Path, complaint: Complaint):
    notes = tmp_path / "notes.txt"
    notes.write_text("words " * 1000)
    for command in (["ingest", logs[0]], ["status"]):
        assert f"{notes} is not a tollbook store. Choose another file" in complaint("--store", notes, *command)
    assert notes.read_text() == "words " * 1000


def test_another_database_is_no_store_and_stays_as_it_is(logs: list[Path], tmp_path: Path, complaint: Complaint):
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as con:
        con.execute("CREATE TABLE things (a INTEGER)")
    for command in (["ingest", logs[0]], ["status"]):
        assert "not a tollbook store" in complaint("--store", other, *command)
    assert ask(other, "SELECT table_name FROM duckdb_tables()") == [("things",)]


def test_a_store_of_a_newer_version_is_left_alone(logs: list[Path], clean: Path, complaint: Complaint):
    with duckdb.connect(str(clean)) as con:
        con.execute("INSERT INTO migrations VALUES (9999, 'of_the_future', TIMESTAMP '2030-01-01')")
    before = content(clean)
    for command in (["ingest", logs[0]], ["status"]):
        assert "newer tollbook. Upgrade tollbook" in complaint("--store", clean, *command)
    assert content(clean) == before


def test_an_sqlite_file_is_no_store_and_stays_as_it_is(logs: list[Path], tmp_path: Path, complaint: Complaint):
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as con:
        con.execute("CREATE TABLE sales (amount INTEGER)")
    before = other.read_bytes()
    sentence = f"tollbook: {other} is not a tollbook store. Choose another file with --store.\n"
    assert complaint("--store", other, "ingest", logs[0]) == sentence
    assert complaint("--store", other, "status") == sentence
    assert other.read_bytes() == before


def test_a_folder_is_no_store(logs: list[Path], tmp_path: Path, complaint: Complaint):
    sentence = f"tollbook: {tmp_path} is a folder, not a store. Name a file: --store {tmp_path}/tollbook.duckdb\n"
    assert complaint("--store", tmp_path, "ingest", logs[0]) == sentence
    assert complaint("--store", tmp_path, "status") == sentence


def test_the_reason_of_a_failure_is_a_sentence_without_the_names_that_duckdb_has_for_it():
    full = 'TransactionContext Error: Failed to commit: Could not write file "/x.wal": No space left on device'
    assert reason(Exception(full)) == "there is no space left on the disk. Make room, and run it again."
    closed = 'IO Error: Cannot open file "/x": Permission denied\n\nmore'
    assert reason(Exception(closed)) == 'Cannot open file "/x": Permission denied.'
    assert reason(Exception()) == "Exception."  # some Pythons leave out what they cannot read


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(logs: list[Path], tmp_path: Path, complaint: Complaint):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    assert "closed" in complaint("--store", folder / "store.duckdb", "ingest", logs[0])


def test_a_store_below_a_file_is_told(logs: list[Path], tmp_path: Path, complaint: Complaint):
    assert "cannot be made" in complaint("--store", logs[0] / "folder" / "store.duckdb", "ingest", logs[0])


def test_a_full_disk_leaves_the_store_as_it_was(logs: list[Path], clean: Path, tmp_path: Path):
    large = tmp_path / "large.jsonl"
    text = random.Random(4)  # noqa: S311
    with large.open("w") as file:
        for number in range(20_000):
            record = {"timestamp": 1776679200 + number, "model": "m", "note": f"{text.getrandbits(2048):x}"}
            file.write(json.dumps(record) + "\n")
    before, limit = content(clean), clean.stat().st_size + 100_000

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing on is an error then, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "tollbook", "--store", clean, "ingest", large]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("tollbook: ")
    assert done.stderr.count("\n") == 1
    assert str(clean) in done.stderr
    assert content(clean) == before
    check_accounts(clean)
    read(clean, large)  # with room again
    assert ask(clean, "SELECT count(*) FROM requests WHERE model = 'm'") == [(20_000,)]


def test_the_sample_survives_an_interrupted_reading(tmp_path: Path):
    store = tmp_path / "store.duckdb"
    process = start(store, *sorted(SAMPLE.glob("*.jsonl")))
    with suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.kill()
    process.communicate()
    files = sorted(SAMPLE.glob("*.jsonl*"))
    read(store, *files)
    read(tmp_path / "clean.duckdb", *files)
    assert content(store) == content(tmp_path / "clean.duckdb")
    check_accounts(store)


# Runs a command when everything that it needs is imported, and says when it begins.
COMMAND = """
import sys
import time
import duckdb, nanoarrow, typer
from tollbook.cli.app import run
from tollbook.store.connection import reason
import tollbook.ingest.forget, tollbook.ingest.retry, tollbook.store.prune
print("begun", flush=True)
sys.exit(run(sys.argv[1:]))
"""
CONFIG = '[formats.damaged]\nwhen = ["when"]\ntimestamp = "when"\nmodel = "model"\nrequest_id = "request_id"\n'


@pytest.mark.parametrize(
    "command", [["rejects", "retry"], ["forget", "LOG", "--yes"], ["prune", "--before", "2026-04-20T10:02:30", "--yes"]]
)
def test_killing_what_changes_a_store_leaves_it_as_it_was_or_changed(tmp_path: Path, command: list[str]):
    logs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    for number, log in enumerate(logs):
        records: list[dict[str, object]] = [{"timestamp": GOOD[15:35], "message": log.name}]
        records += [
            {"timestamp" if i % 5 else "when": 1776679200 + i, "model": "m", "output_tokens": number + i % 3}
            | ({"request_id": str(i)} if i % 2 else {})
            for i in range(1500)
        ]
        log.write_text("".join(json.dumps(record) + "\n" for record in records))
    store, config = tmp_path / "store.duckdb", tmp_path / "tollbook.toml"
    read(store, *logs)
    config.write_text(CONFIG)
    words = [str(logs[1]) if word == "LOG" else word for word in command]
    before, whole = content(store), tmp_path / "whole.duckdb"
    shutil.copy(store, whole)
    took = changed(whole, config, words)
    after = content(whole)
    assert after != before
    left = []
    for share in (0.01, 0.3, 0.5, 0.7, 0.9, 1.1):
        victim = tmp_path / f"{share}.duckdb"
        shutil.copy(store, victim)
        changed(victim, config, words, kill_after_s=share * took)
        left.append(content(victim) == after)
        assert left[-1] or content(victim) == before
        check_accounts(victim)
        if not left[-1]:
            changed(victim, config, words)
            assert content(victim) == after
            check_accounts(victim)
    assert not all(left)


def changed(store: Path, config: Path, words: list[str], kill_after_s: float | None = None) -> float:
    """Run a command on a store in a process of its own, and kill it after a while; return the seconds that it ran."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--config", str(config), "--store", str(store), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    begun = time.monotonic()
    if kill_after_s is None:
        _, err = process.communicate()
        assert process.returncode == 0, err
    else:
        with suppress(subprocess.TimeoutExpired):
            process.wait(kill_after_s)
        process.kill()
        process.communicate()
    return time.monotonic() - begun
