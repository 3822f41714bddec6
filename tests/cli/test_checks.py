"""`slo` and `alerts` as users and cron run them: output, exit codes, mistakes."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tollbook.store.connection import writer

AT = "2026-10-17T12:00:00Z"
NOW = datetime(2026, 10, 17, 12)
BY_TEAM = """
[[slo]]
name = "Success rate"
objective = "90%"
window = "30d"
by = ["team"]
"""
Run = Callable[..., tuple[int, str, str]]


def requests(count: int, **columns: object) -> list[Mapping[str, object]]:
    row = {"time": NOW - timedelta(minutes=30), "success": True, "latency_ms": 100.0, "computed_cost": 0}
    return [{**row, **columns} for _ in range(count)]


@pytest.fixture
def run(store_with: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch) -> Run:
    """Run a command line in this process, at noon, over a store of the given requests."""
    from tollbook.cli.app import run as run_line  # noqa: PLC0415 - after the environment is bare

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run_(rows: list[Mapping[str, object]], *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "store.duckdb").unlink(missing_ok=True)
        code = run_line(["--store", str(store_with(rows)), "--at", AT, *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run_


GOOD, BAD = requests(20), requests(19) + requests(1, success=False)


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_good_is_0_bad_is_2_and_silence_is_3(run: Run, check: str):
    assert run(GOOD, check, "check")[0] == 0
    assert run(requests(9) + requests(1, success=False), check, "check")[0] == 2
    assert run([], check, "check")[0] == 3


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_the_exit_code_can_be_chosen(run: Run, check: str):
    assert run([], check, "check", "--no-data", "ok")[0] == 0
    assert run([], check, "check", "--no-data", "critical")[0] == 2
    assert run([], check, "check", "--exit-zero")[0] == 0
    assert run(requests(1, success=False), check, "check", "--exit-zero")[0] == 0


def test_a_firing_warning_is_1(run: Run):
    assert run(requests(20, computed_cost=3), "alerts", "check")[0] == 1


@pytest.mark.parametrize("check", ["slo", "alerts"])
@pytest.mark.parametrize("mistake", [["--format", "xml"], ["nonsense"], ["--by", "teem"], ["--no-such-option"]])
def test_wrong_usage_is_unknown_not_critical(run: Run, check: str, mistake: list[str]):
    code, out, err = run(GOOD, check, "check", *mistake)
    assert (code, out) == (3, "")
    assert err.startswith("tollbook: ")


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_a_missing_store_is_unknown(tollbook: Callable, check: str):
    done = tollbook(check, "check")
    assert (done.returncode, done.stdout) == (3, "")
    assert "tollbook ingest" in done.stderr


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_a_store_in_use_is_unknown(tollbook: Callable, store_with: Callable[..., Path], check: str):
    store = store_with(GOOD)
    with writer(store):
        done = tollbook("--store", store, "--lock-timeout", "0", check, "check")
    assert (done.returncode, done.stdout) == (3, "")
    assert "in use by another process" in done.stderr


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_a_broken_configuration_is_unknown(tollbook: Callable, tmp_path: Path, check: str):
    (tmp_path / "tollbook.toml").write_text("timezon = 1")
    done = tollbook(check, "check")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Did you mean 'timezone'?" in done.stderr


def test_slo_check_as_json(run: Run, tmp_path: Path):
    (tmp_path / "tollbook.toml").write_text(BY_TEAM)
    rows = requests(19, team="noc") + requests(1, team="noc", success=False) + requests(1)
    code, out, _ = run(rows, "slo", "check", "--format", "json")
    report = json.loads(out)
    assert (code, report["schema"]) == (0, "tollbook.slo-check/1")
    assert report["rows"][0] == {
        "name": "Success rate",
        "scope": {"team": "noc"},
        "objective": "0.9",
        "window": "30d",
        "since": "2026-09-17T12:00:00Z",
        "until": AT,
        "good": 19,
        "bad": 1,
        "total": 20,
        "attained": "0.95",
        "status": "ok",
        "budget_remaining": "0.5",
        "burn": [],
    }
    assert report["rows"][1]["scope"] == {"team": None}


def test_alerts_check_as_json(run: Run):
    code, out, _ = run(BAD, "alerts", "check", "high error rate", "--format", "json")
    report = json.loads(out)
    assert (code, report["schema"], report["transitions"]) == (0, "tollbook.alerts-check/1", [])
    assert report["rows"] == [
        {
            "rule": "High error rate",
            "scope": {},
            "severity": "critical",
            "state": "inactive",
            "value": "0.05",
            "threshold": "0.05",
            "unit": "ratio",
            "since": None,
            "fingerprint": "af7173c38fe813ae",
        }
    ]


def test_a_table_names_scopes_for_people(run: Run):
    out = run(requests(1, team="noc") + requests(1), "slo", "check", "Success rate", "--by", "team")[1]
    assert "team=noc" in out
    assert "team=unattributed" in out


def test_slo_check_as_a_line_for_monitoring(run: Run):
    code, out, _ = run(BAD, "slo", "check", "Success rate", "P99 latency", "--format", "nagios")
    assert code == 2
    assert out == (
        "CRITICAL - 1 of 2 objectives missed: Success rate 95% < 99%"
        " | 'Success rate'=95%;;99: 'Success rate budget'=-400% 'P99 latency'=100%;;99: 'P99 latency budget'=100%\n"
    )


def test_alerts_check_as_a_line_for_monitoring(run: Run):
    code, out, _ = run(requests(20, computed_cost=3), "alerts", "check", "--format", "nagios")
    assert code == 1
    assert out == (
        "WARNING - 1 warning: Cost spike cost $60 > $50 | 'High error rate'=0%;;5 'High latency'=100ms;3000"
        " 'Cost spike'=60;50 'Low success rate'=100%;;95:\n"
    )


def test_silence_as_a_line_for_monitoring(run: Run):
    assert run([], "alerts", "check", "Cost spike", "--format", "nagios")[1] == (
        "UNKNOWN - no data for any alert rule | 'Cost spike'=U;50\n"
    )
    assert run([], "slo", "check", "Error rate", "--format", "nagios")[1] == (
        "UNKNOWN - no data for any objective | 'Error rate'=U;;1 'Error rate budget'=U\n"
    )


def test_slo_explain_does_not_let_a_name_drive_the_terminal(run: Run):
    out = run(requests(1, team="\x1b[2J"), "slo", "explain", "success rate", "--by", "team")[1]
    assert r"team=\x1b[2J" in out


def test_slo_explain_shows_counts_formula_window_and_query(run: Run):
    code, out, _ = run(BAD, "--tz", "America/New_York", "slo", "explain", "success rate", "--where", "model!=x")
    assert code == 0
    for part in (
        "rolling 30d: [2026-09-17T12:00:00Z, 2026-10-17T12:00:00Z)",
        "in America/New_York: [2026-09-17 08:00, 2026-10-17 08:00)",
        "19 / 20 = 95%, promised >= 99%: missed",
        "decided on whole numbers: 19 x 100 >= 20 x 99 is false",
        "budget: 1% of 20 = 0.2 bad requests, 1 spent, -400% left",
        "from requests",
        "$where_1 = 'x'",
        "$since = timestamp '2026-09-17 12:00:00'",
    ):
        assert part in out


def test_the_rules_are_listed_as_they_are_written(run: Run):
    slos = json.loads(run(GOOD, "slo", "list", "--format", "json")[1])["rows"]
    assert [(row["name"], row["objective"], row["window"]) for row in slos] == [
        ("Success rate", "99%", "30d"),
        ("P99 latency", "99%", "30d"),
        ("Error rate", "1%", "30d"),
    ]
    alerts = json.loads(run(GOOD, "alerts", "list", "--format", "json")[1])["rows"]
    assert [(row["rule"], row["metric"], row["above"] or row["below"], row["severity"]) for row in alerts] == [
        ("High error rate", "error_rate", "5%", "critical"),
        ("High latency", "latency p99", "3s", "warning"),
        ("Cost spike", "cost", "$50", "warning"),
        ("Low success rate", "success_rate", "95%", "critical"),
    ]


def test_slo_validate_needs_no_store(tollbook: Callable, tmp_path: Path):
    assert tollbook("slo", "validate").stdout == "OK: 3 objectives in the defaults\n"
    (tmp_path / "tollbook.toml").write_text(BY_TEAM)
    assert tollbook("slo", "validate").stdout == f"OK: 1 objective in {tmp_path / 'tollbook.toml'}\n"
    (tmp_path / "tollbook.toml").write_text(BY_TEAM.replace("90%", "90"))
    done = tollbook("slo", "validate")
    assert done.returncode == 2
    assert "slo[1].objective" in done.stderr


MIXED = """
timezone = "Europe/Berlin"
[[slo]]
name = "Today"
objective = "90%"
calendar = "day"
[[slo]]
name = "Last hour"
objective = "90%"
window = "1h"
[[alert]]
name = "Errors"
metric = "error_rate"
above = "5%"
window = "1h"
[[alert]]
name = "Cost"
metric = "cost"
above = "$50"
window = "24h"
"""


def test_rules_with_different_windows_show_their_times_in_the_zone_and_name_it(run: Run, tmp_path: Path):
    (tmp_path / "tollbook.toml").write_text(MIXED)
    _, out, _ = run(requests(1), "slo", "check")
    assert out.splitlines()[1] == "Times in Europe/Berlin"
    # Noon in UTC is 14:00 in Berlin, whose day began two hours before that of UTC.
    assert "2026-10-17 00:00  2026-10-17 14:00" in out
    assert "2026-10-17 13:00  2026-10-17 14:00" in out
    _, out, _ = run(requests(1, success=False), "alerts", "check", "--format", "markdown")
    assert out.splitlines()[1] == "Times in Europe/Berlin"
    assert "| firing | 1 | 0.05 | ratio | 2026-10-17 14:00 |" in out


@pytest.mark.parametrize("check", ["slo", "alerts"])
def test_monitoring_is_told_of_an_error_on_stdout_where_it_looks(run: Run, tollbook: Callable, check: str):
    done = tollbook("--store", "a|b", check, "check", "--format", "nagios")
    assert done.returncode == 3
    assert done.stdout == "UNKNOWN - There is no store at a/b yet. Make it with: tollbook ingest PATH...\n"
    assert done.stderr == "tollbook: There is no store at a|b yet. Make it with: tollbook ingest PATH...\n"
    code, out, err = run(GOOD, check, "check", "--format=nagios", "--by", "teem")
    assert (code, out) == (3, "UNKNOWN - There is no dimension 'teem'. Did you mean 'team'?\n")
    assert err == "tollbook: There is no dimension 'teem'. Did you mean 'team'?\n"
    code, out, _ = run(GOOD, check, "check", "--format", "nagios", "--limit", "x")
    assert (code, out.startswith("UNKNOWN - Invalid value for '--limit'")) == (3, True)
