"""The commands status, rejects, trace, sql and demo, as users run them."""

import csv
import io
import json
import subprocess
import tomllib
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
START = datetime(2026, 10, 17, 12)


@pytest.fixture
def store(store_with: Callable[..., Path]) -> Path:
    return store_with(
        requests=[
            {"time": START, "trace_id": "t-1", "team": "noc", "model": "gpt-4o", "computed_cost": Decimal("0.5")},
            {"time": START, "trace_id": "t-2", "model": "[red]own-7b[/red]", "success": True},
        ],
        rejects=[{"byte_offset": 7, "reason": "not JSON"}],
    )


def test_status_lists_items_for_people(store: Path, tollbook: Run):
    done = tollbook("--store", store, "--at", "2026-10-17T15:30", "status")
    items = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith(("requests", "freshn")))
    assert items == {"requests": "2", "freshness": "3 h 30 min"}
    assert "[red]own-7b[/red]" in done.stdout


def test_status_has_its_members_in_the_json_object(store: Path, tollbook: Run):
    found = json.loads(tollbook("--store", store, "status", "--format", "json").stdout)
    assert found["schema"] == "tollbook.status/1"
    assert (found["requests"], found["events"], found["rejects"], found["sources"]) == (2, 0, 1, 0)
    assert (found["first_request"], found["last_request"]) == ("2026-10-17T12:00:00Z", "2026-10-17T12:00:00Z")
    assert (found["unpriced_models"], found["unattributed"]) == (["[red]own-7b[/red]"], 1)
    assert {name: found[name] for name in found["rows"][0]} == found["rows"][0]


def test_a_missing_store_is_told_with_what_to_do(tollbook: Run):
    for command in (["status"], ["rejects"], ["trace", "x"], ["sql", "SELECT 1"]):
        done = tollbook("--store", "none.duckdb", *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "tollbook ingest" in done.stderr


def test_rejects_are_listed_and_counted(store: Path, tollbook: Run):
    rows = list(csv.DictReader(io.StringIO(tollbook("--store", store, "rejects", "--format", "csv").stdout)))
    assert rows == [{"source": "", "line": "1", "byte_offset": "7", "reason": "not JSON"}]
    summary = json.loads(tollbook("--store", store, "rejects", "--summary", "--format", "json").stdout)
    assert summary["rows"] == [{"reason": "not JSON", "source": None, "rejects": 1, "first_line": 1}]
    assert tollbook("--store", store, "rejects", "--summary", "--show-lines").returncode == 2


def test_an_unknown_id_exits_1_and_a_known_one_0(store: Path, tollbook: Run):
    done = tollbook("--store", store, "trace", "nothing")
    assert (done.returncode, done.stdout) == (1, "")
    done = tollbook("--store", store, "trace", "t-1", "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["totals"]["cost"] == "0.50"


def test_sql_is_read_from_stdin_and_printed_in_every_format(store: Path, tollbook: Run, tmp_path: Path):
    statement = "SELECT model, computed_cost, time, [1, 2] AS list FROM requests ORDER BY team"
    found = json.loads(tollbook("--store", store, "sql", "-", "--format", "json", text=statement).stdout)
    assert found["rows"][0] == {
        "model": "gpt-4o", "computed_cost": "0.5", "time": "2026-10-17T12:00:00Z", "list": [1, 2],
    }  # fmt: skip
    shown = tollbook("--store", store, "sql", statement, "--format", "csv").stdout
    assert shown.splitlines()[1] == 'gpt-4o,0.5,2026-10-17T12:00:00Z,"[1, 2]"'
    assert tollbook("--store", store, "sql", statement, "--output", tmp_path / "x.parquet").returncode == 0
    frame = pl.read_parquet(tmp_path / "x.parquet")
    assert frame["computed_cost"].to_list() == [Decimal("0.5"), None]
    assert "[red]own-7b[/red]" in tollbook("--store", store, "sql", statement).stdout


@pytest.mark.parametrize(
    ("statement", "code"),
    [("DROP TABLE store.requests", 2), ("SELEC 1", 2), ("FROM read_csv('x.csv')", 2), ("SELECT CAST('x' AS INT)", 1)],
)
def test_sql_that_cannot_be_run_exits_with_one_sentence(store: Path, tollbook: Run, statement: str, code: int):
    done = tollbook("--store", store, "sql", statement)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)


def test_the_demo_runs_anywhere_and_leaves_nothing_behind(tollbook: Run, tmp_path: Path):
    places = {"TMPDIR": str(tmp_path / "tmp"), "TOLLBOOK_CONFIG": "/missing.toml", "TOLLBOOK_STORE": "/missing.duckdb"}
    (tmp_path / "tmp").mkdir()
    done = tollbook("demo", env=places)
    assert done.returncode == 0, done.stderr
    for shown in (
        "ingest sample_logs",
        "latency ",
        "chargeback ",
        "slo check",
        "alerts check",
        "exit code 2: CRITICAL",
    ):
        assert shown in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / ".local").exists()


def test_a_demo_that_is_kept_can_be_looked_around_in_and_is_not_overwritten(tollbook: Run, tmp_path: Path):
    assert tollbook("demo", "--keep", "kept").returncode == 0
    status = tollbook("status", "--format", "json", cwd=tmp_path / "kept")
    expected = tomllib.loads((ROOT / "sample_logs" / "expected.toml").read_text())
    assert json.loads(status.stdout)["requests"] == expected["totals"]["requests"]
    again = tollbook("demo", "--keep", "kept")
    assert (again.returncode, again.stdout) == (2, "")
