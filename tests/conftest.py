"""Fixtures: the shared material, stores with given rows, and the command line as users run it."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import pytest

from tollbook.store.columns import absent_columns, add_columns
from tollbook.store.connection import writer

SHARED = Path(__file__).parents[2] / "shared"
Row = Mapping[str, object]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail tests that are skipped for want of something where `TOLLBOOK_CI` says that everything is there.

    The reason of such a skip begins with "needs".
    """
    report = yield
    if report.skipped and "Skipped: needs " in report.longreprtext and os.environ.get("TOLLBOOK_CI"):
        report.outcome = "failed"
        report.longrepr = f"TOLLBOOK_CI says that everything is there. {report.longreprtext}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared reference material beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the shared reference material, which is not at {SHARED}")
    return SHARED


@pytest.fixture
def store_with(tmp_path: Path) -> Callable[..., Path]:
    """Make a store that holds the given rows; columns left out get a harmless value, or NULL."""

    def make(requests: Sequence[Row] = (), events: Sequence[Row] = (), rejects: Sequence[Row] = ()) -> Path:
        path = tmp_path / "store.duckdb"
        always = {"source_id": 1, "batch_id": 1, "twin": 0}
        with writer(path) as con:
            add_columns(con, {name for row in requests for name in row} & set(absent_columns(con)))
            for table, rows in (("request_rows", requests), ("events", events), ("rejects", rejects)):
                for number, row in enumerate(rows, start=1):
                    full = {**always, "line": number, "identity": number, **row}
                    columns = ", ".join(full)
                    marks = ", ".join("?" for _ in full)
                    con.execute(f"INSERT INTO store.{table} ({columns}) VALUES ({marks})", list(full.values()))
        return path

    return make


class Ran(subprocess.CompletedProcess[str]):
    """What a command line printed and exited with."""


@pytest.fixture
def tollbook(tmp_path: Path) -> Callable[..., Ran]:
    """Run `tollbook ARGUMENTS...` in a process of its own, in an empty folder and with a bare environment."""

    def run(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, text: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "tollbook", *map(str, arguments)],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **(env or {})},
        )
        return Ran(done.args, done.returncode, done.stdout, done.stderr)

    return run
