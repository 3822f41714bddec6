"""Ctrl-C: exit code 130 and no word, whenever it comes."""

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
