"""The commands `latency`, `usage` and `chargeback`, as users run them."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

T = datetime(2026, 10, 17, 9)
ROWS = [
    {"time": T, "team": "noc", "project": "x", "latency_ms": 100.0, "success": True, "computed_cost": Decimal("1.005")},
    {"time": T, "team": "=SUM(A1)", "project": "[red]x[/red]", "latency_ms": 300.0, "success": True,
     "computed_cost": Decimal("0.995")},
    {"time": T, "team": None, "latency_ms": 9.0, "success": False, "input_tokens": 1},
]  # fmt: skip


@pytest.fixture
def run(store_with: Callable[..., Path], tollbook: Callable) -> Callable:
    store = store_with(ROWS)
    return lambda *arguments, **more: tollbook("--store", store, "--at", "2026-10-17T12:00", *arguments, **more)


def test_chargeback_goes_by_team_and_project_and_adds_up(run: Callable):
    report = json.loads(run("chargeback", "--format", "json").stdout)
    assert report["schema"] == "tollbook.chargeback/1"
    assert report["by"] == ["team", "project"]
    assert [(row["team"], row["cost"], row["share"]) for row in report["rows"]] == [
        ("=SUM(A1)", "0.995", "0.4975"),
        ("noc", "1.005", "0.5025"),
        (None, None, None),
    ]
    assert report["totals"]["cost"] == "2.00"
    assert report["totals"]["unpriced_requests"] == 1
    assert report["totals"]["complete"] is False
    assert "at least" in report["warnings"][0]


def test_csv_is_data_only_and_the_warning_goes_to_stderr(run: Callable):
    ran = run("chargeback", "--format", "csv", "--sort", "-cost")
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    assert [row["team"] for row in rows] == ["noc", "'=SUM(A1)", ""]
    assert [row["cost"] for row in rows] == ["1.005", "0.995", ""]
    assert "at least" in ran.stderr


def test_latency_measures_what_did_not_fail_unless_asked_for_all(run: Callable):
    assert json.loads(run("latency", "--format", "json").stdout)["rows"][0]["p50_ms"] == 200.0
    assert json.loads(run("latency", "--all", "--format", "json").stdout)["rows"][0]["p50_ms"] == 100.0


def test_usage_takes_windows_groups_and_conditions(run: Callable):
    report = json.loads(run("usage", "--day", "2026-10-17", "--by", "day", "--where", "team=", "--format=json").stdout)
    assert report["window"]["since"] == "2026-10-17T00:00:00Z"
    assert report["filters"] == ["team="]
    assert [(row["day"], row["requests"], row["error_rate"]) for row in report["rows"]] == [("2026-10-17", 1, "1")]


def test_an_empty_window_is_no_failure(run: Callable):
    ran = run("usage", "--since", "1h", "--format", "csv")
    assert (ran.returncode, ran.stdout.count("\n")) == (0, 1)
    assert ran.stderr.startswith("Nothing matches")


@pytest.mark.parametrize(
    "arguments",
    [
        ("latency", "--month", "2026-13"),
        ("latency", "--since", "1h", "--until", "2h"),
        ("usage", "--by", "taem"),
        ("usage", "--where", "team"),
        ("chargeback", "--sort", "price"),
        ("chargeback", "--format", "parquet"),
        ("chargeback", "--output", "report.xyz"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(run: Callable, arguments: tuple[str, ...]):
    ran = run(*arguments)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)


def test_without_a_store_the_sentence_says_how_to_make_one(tollbook: Callable, tmp_path: Path):
    ran = tollbook("--store", tmp_path / "none.duckdb", "latency")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "tollbook ingest" in ran.stderr


def test_output_is_utf_8_whatever_python_would_choose(run: Callable):
    ran = run("chargeback", "--where", "team!=é", env={"PYTHONIOENCODING": "ascii"})
    assert ran.returncode == 0
    assert "Where team!=é" in ran.stdout
