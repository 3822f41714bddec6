"""The command line as a whole: what is said to someone who did not get it right."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tollbook import __version__
from tollbook.cli.app import run


@pytest.mark.parametrize("arguments", [[], ["slo"]])
def test_a_line_that_only_begins_says_how_it_goes_on(tollbook: Callable, arguments: list[str]):
    done = tollbook(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Usage: {' '.join(['tollbook', *arguments])} [OPTIONS]")


def test_the_nearest_command_is_asked_for(tollbook: Callable):
    assert tollbook("latncy").stderr == (
        "tollbook: No such command 'latncy'. Did you mean 'latency'? See: tollbook --help\n"
    )


def test_a_mistake_is_one_line_that_drives_no_terminal(tollbook: Callable):
    for arguments in (["export"], ["\x1b[2J"], ["ingest", "\x1b[2J.jsonl"], ["usage", "--since", "a\nb"]):
        done = tollbook(*arguments)
        assert done.returncode in {1, 2}
        assert (done.stderr.count("\n"), "\x1b" in done.stderr) == (1, False)


def test_a_global_option_after_the_command_is_shown_its_place(tollbook: Callable):
    done = tollbook("latency", "--at", "2026-11-01")
    assert (done.returncode, done.stderr) == (2, "tollbook: --at goes before the command: tollbook --at ... latency.\n")
    done = tollbook("alerts", "check", "--store=x")
    assert done.returncode == 3
    assert done.stderr == "tollbook: --store goes before the command: tollbook --store ... alerts check.\n"


def test_a_misused_check_is_unknown_wherever_its_options_stand(tollbook):
    assert tollbook("slo", "--nonsense", "check").returncode == 3
    assert tollbook("alerts", "check", "--nonsense").returncode == 3
    assert tollbook("slo", "list", "--nonsense").returncode == 2


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_nobody_waits_for_a_store_for_ever(tollbook: Callable, seconds: str):
    done = tollbook("--lock-timeout", seconds, "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tollbook: --lock-timeout must be a number of seconds")


def test_files_are_tried_and_not_asked_whether_they_may_be_read(
    store_with: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store, old = store_with(), tmp_path / "old.csv"
    old.touch()
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # what Typer would ask, and root is always told yes
    assert run(["--store", str(store), "usage", "--output", str(old)]) == 0
    assert old.read_text().startswith("requests,")


@pytest.mark.parametrize(
    "arguments", [["usage", "--where", "team=\udcff"], ["trace", "\udcff"], ["sql", "SELECT '\udcff'"]]
)
def test_an_argument_that_is_no_text_is_named(store_with: Callable[..., Path], arguments: list[str], capsys):
    assert run(["--store", str(store_with()), *arguments]) == 2
    assert capsys.readouterr().err == f"tollbook: {arguments[-1]!r} is not text in UTF-8. Write it in UTF-8.\n"


def test_the_version_is_an_option_like_others(tollbook: Callable):
    assert "--version" in tollbook("--help").stdout
    for arguments in (["--version"], ["--quiet", "--version"], ["--version", "usage"]):
        done = tollbook(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"tollbook {__version__}\n", "")


@pytest.mark.parametrize("width", ["40", "80"])
def test_the_help_says_of_every_command_a_whole_sentence(tollbook: Callable, width: str):
    for group in ([], ["slo"], ["alerts"], ["prices"], ["config"], ["rejects"]):
        commands = tollbook(*group, "--help", env={"COLUMNS": width}).stdout.partition("Commands:\n")[2]
        assert commands
        assert "..." not in commands
    [line] = {line for line in tollbook("slo", "--help").stdout.splitlines() if line.startswith("  validate")}
    assert line == "  validate  Check the objectives of the configuration without looking at data"


def test_a_mistake_leads_to_the_help_of_its_command(tollbook: Callable):
    assert tollbook("export", "requests").stderr == "tollbook: Missing option '--to'. See: tollbook export --help\n"
    assert tollbook("prices", "shw").stderr.endswith("See: tollbook prices --help\n")
    assert "Missing argument 'WHAT'" in tollbook("export").stderr


@pytest.mark.parametrize("arguments", [[""], ["a.jsonl", ""], ["--pattern", "", "."]])
def test_an_empty_path_is_not_the_current_folder(tollbook: Callable, tmp_path: Path, arguments: list[str]):
    (tmp_path / "a.jsonl").write_text('{"timestamp": "2026-10-17T12:00:00Z", "model": "m"}\n')
    done = tollbook("--store", tmp_path / "s.duckdb", "ingest", *arguments)
    assert (done.returncode, done.stdout, (tmp_path / "s.duckdb").exists()) == (2, "", False)
    assert done.stderr.startswith("tollbook: A path or pattern is empty")
