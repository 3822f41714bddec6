"""Ctrl-C: exit code 130 and no word, whenever it comes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tollbook import __main__
from tollbook.cli.session import Session


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["tollbook", *arguments])
    return __main__.run()


def pressed(*_: object) -> None:
    raise KeyboardInterrupt


def pressed_while_duckdb_works(*_: object) -> None:
    raise RuntimeError("Query interrupted")  # what DuckDB 2.0 raises then


def test_before_the_command_line_is_there(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.setattr("tollbook.cli.app.run", pressed)
    assert run(monkeypatch, "status") == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("press", [pressed, pressed_while_duckdb_works])
@pytest.mark.parametrize("command", ["status", "slo check"])
def test_while_a_command_works(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str, press: object
):
    monkeypatch.setattr(Session, "reader", press)
    assert run(monkeypatch, *command.split()) == 130
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("lines", [10, 30_000])
def test_while_nothing_more_comes_from_a_pipe(tmp_path: Path, lines: int):
    """Of many lines, blocks are judged already while the others are waited for."""
    record = '{"timestamp": "2026-10-20T10:00:00Z", "model": "m", "request_id": "%0200d"}\n'
    command = [sys.executable, "-m", "tollbook", "--store", str(tmp_path / "s.duckdb"), "ingest", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write("".join(record % number for number in range(lines)).encode())
        process.stdin.flush()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert (process.stdout.read(), process.stderr.read()) == (b"", b"")  # type: ignore[union-attr]
    assert not (tmp_path / "s.duckdb").exists()
