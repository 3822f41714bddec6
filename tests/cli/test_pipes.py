"""What becomes of a command whose reader has gone, or whose disk is full."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TextIO

import pytest

AT = "2026-10-17T12:00:00Z"
FAILED = {"time": datetime(2026, 10, 17, 11, 30), "success": False, "latency_ms": 100.0, "team": "noc"}


def run_into(stdout: int | TextIO, store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "tollbook", "--store", str(store), "--at", AT, *arguments]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(store.parent)}
    return subprocess.run(
        line, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=env, cwd=store.parent
    )


def run_into_closed_pipe(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose reader is gone before it says a word."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return run_into(writing, store, *arguments)
    finally:
        os.close(writing)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["usage", "--by", "team", "--format", "csv"], 0),
        (["slo", "explain", "Success rate"], 0),
        (["--help"], 0),
        (["slo", "check"], 2),
        (["slo", "check", "--format", "nagios"], 2),
        (["alerts", "check", "--format", "json"], 2),
    ],
)
def test_a_reader_that_has_seen_enough_does_not_change_the_exit_code(
    store_with: Callable[..., Path], arguments: list[str], code: int
):
    done = run_into_closed_pipe(store_with([FAILED]), *arguments)
    assert done.returncode == code
    assert "Something unforeseen" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("arguments", "code"), [(["usage"], 1), (["slo", "check", "--format", "nagios"], 3)])
def test_a_full_disk_is_one_sentence(store_with: Callable[..., Path], arguments: list[str], code: int):
    with Path("/dev/full").open("w") as full:
        done = run_into(full, store_with([FAILED]), *arguments)
    assert done.returncode == code
    assert done.stderr.endswith("tollbook: The output cannot be written: No space left on device.\n")


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "prints"),
    [
        ("<&-", ["ingest", "-"], 0, "Ingested"),
        (">&-", ["usage"], 0, ""),
        ("2>&-", ["usage", "--sort", "nope"], 2, ""),
        ("<&- >&- 2>&-", ["slo", "check"], 2, ""),
    ],
)
def test_a_closed_stream_is_an_empty_one(
    store_with: Callable[..., Path], closed: str, arguments: list[str], code: int, prints: str
):
    store = store_with([FAILED])
    line = ["sh", "-c", f'"$0" -m tollbook --store "$@" {closed}', sys.executable, str(store), "--at", AT, *arguments]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(store.parent)}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == code
    assert prints in done.stdout
    assert "unforeseen" not in done.stderr
