"""What a command imports before and beside its work: start-up is most of what a short command costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tollbook.cli.app import app

ROOT = Path(__file__).parents[1]
HEAVY = {"duckdb", "polars", "rich", "nanoarrow", "zstandard", "platformdirs", "sqlite3", "asyncio", "obstore", "boto3"}
# Runs a command line as the entry point does, then writes the top-level modules that were imported.
RUN = """
import sys
from tollbook.__main__ import run
code = run()
sys.stdout.flush()
sys.stderr.write("\\n" + " ".join({name.partition(".")[0] for name in sys.modules}))
sys.exit(code)
"""


def imports(folder: Path, *arguments: object, code: int = 0) -> set[str]:
    """Run a command line in a folder and return the top-level modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stdout
    return set(done.stderr.splitlines()[-1].split())


def commands() -> list[str]:
    """Return every command of the application, as it is typed, groups included."""
    names = [""]
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        names += [name, *(f"{name} {part}" for part in getattr(command, "commands", ()))]
    return names


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one day of the sample logs."""
    path = tmp_path_factory.mktemp("store") / "store.duckdb"
    imports(path.parent, "--store", path, "ingest", ROOT / "sample_logs" / "gateway-2026-10-30.jsonl")
    return path


def test_the_version_is_said_before_the_command_line_is_imported(tmp_path: Path):
    assert not imports(tmp_path, "--version") & (HEAVY | {"typer", "click"})


@pytest.mark.parametrize("command", commands())
def test_help_imports_nothing_that_only_the_work_needs(tmp_path: Path, command: str):
    assert not imports(tmp_path, *command.split(), "--help") & HEAVY


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
@pytest.mark.parametrize(
    "report",
    [("latency", "--by", "model"), ("usage", "--by", "team"), ("chargeback",), ("status",), ("sql", "FROM requests")],
    ids=lambda report: report[0],
)
def test_a_report_needs_the_store_and_no_frames(store: Path, report: tuple[str, ...], form: str):
    found = imports(store.parent, "--store", store, *report, "--format", form)
    assert "duckdb" in found
    assert not found & (HEAVY - {"duckdb", "platformdirs", "rich"})
    assert form == "table" or "rich" not in found


@pytest.mark.parametrize("check", ["slo check", "alerts check"])
def test_a_check_needs_the_store_and_no_frames(store: Path, check: str):
    arguments = (*check.split(), "--format", "nagios", "--exit-zero")
    found = imports(store.parent, "--store", store, "--at", "2026-10-31", *arguments)
    assert "duckdb" in found
    assert not found & (HEAVY - {"duckdb", "platformdirs"})
