"""How far a long read is: a bar on a terminal, one line elsewhere, no word where somebody asked for quiet."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 40 MB, few lines."""
    path = tmp_path_factory.mktemp("long") / "long.log"
    record = '{"timestamp": %d, "request_id": "r%d", "model": "m", "input_tokens": 1, "note": "' + "x" * 8000 + '"}\n'
    with path.open("w") as file:
        file.writelines(record % (1776679200 + number, number) for number in range(5000))
    return path


def on_terminal(folder: Path, *arguments: str) -> str:
    """Run a command with a terminal for stderr; return what it draws there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tollbook", "--store", "s.duckdb", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    drawn = b""
    try:
        while block := os.read(ours, 4096):
            drawn += block
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return drawn.decode()


def test_a_terminal_shows_bytes_lines_a_second_and_the_time_left(long: Path, tmp_path: Path):
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(tmp_path, "ingest", str(long)))
    assert re.search(r"reading .* [\d.]+/40\.\d MB [\d,]+ lines/s (\d:\d\d:\d\d|-:--:--)", drawn)
    assert "Read 40" not in drawn


def test_quiet_and_short_reads_draw_nothing(long: Path, tmp_path: Path):
    short = tmp_path / "short.log"
    short.write_text('{"timestamp": 1776679200, "model": "m", "input_tokens": 1}\n')
    assert on_terminal(tmp_path, "--quiet", "ingest", str(long)) == ""
    assert on_terminal(tmp_path, "ingest", str(short)) == ""


def test_elsewhere_one_line_says_what_was_read(long: Path, tmp_path: Path, tollbook):
    done = tollbook("--store", "a.duckdb", "ingest", long)
    assert re.fullmatch(r"Read 40\.\d MB, 5,000 lines, in [\d.]+ s: [\d,]+ lines/s\.\n", done.stderr)
    done = tollbook("--store", "b.duckdb", "ingest", "-", text=long.read_text())
    assert re.fullmatch(r"Read 40\.\d MB, 5,000 lines, in [\d.]+ s: [\d,]+ lines/s\.\n", done.stderr)
    done = tollbook("--store", "c.duckdb", "--quiet", "ingest", long)
    assert (done.returncode, done.stderr) == (0, "")
