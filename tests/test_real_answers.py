"""Real public logs through the real commands, against answers that were computed without tollbook."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

AGENT = """
[formats.agent]
when = ["start_time_iso", "request_model"]
timestamp = "start_time_iso"
trace_id = "session_id"
span_id = "span_id"
model = "request_model"
input_tokens = "input_tokens"
output_tokens = "output_tokens"
latency_ms = "duration_ms"
failure = "is_error"
project = "benchmark"
application = "harness"
"""
REPORTED = '[cost]\nsource = "reported"\n'
OF_AGENT = ("--since", "2026-04-01", "--until", "2026-05-01")
OF_ASSISTANT = ("--since", "2024-08-01", "--until", "2026-05-01")
OF_AZURE = ("--day", "2023-11-16")
Answers = dict[str, list[list[Any]]]


class Project:
    """A folder with a configuration and a store, and `tollbook` run in it; `exits` is the code to expect."""

    def __init__(self, folder: Path, config: str, zone: str | None = None) -> None:
        self.folder = folder
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder)} | ({"TZ": zone} if zone else {})
        (folder / "tollbook.toml").write_text(config)

    def run(self, *arguments: object, exits: int = 0) -> Any:
        command = [
            sys.executable,
            "-m",
            "tollbook",
            "--store",
            "store.duckdb",
            *map(str, arguments),
            "--format",
            "json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, env=self.env)
        assert done.returncode == exits, done.stderr
        return json.loads(done.stdout, parse_float=Decimal)

    def rows(self, *arguments: object) -> list[list[Any]]:
        return [list(row.values()) for row in self.run(*arguments)["rows"]]

    def picked(self, names: str, *arguments: object) -> list[list[Any]]:
        return [[row[name] for name in names.split()] for row in self.run(*arguments)["rows"]]


def logged_cost(record: dict[str, Any]) -> Decimal:
    """Return what a record says it cost, with the digits that a store keeps: 15 after the point."""
    return round(Decimal(record.get("cost_usd", 0)), 15)


@pytest.fixture(scope="module")
def answers(shared: Path) -> Answers:
    content = json.loads((shared / "vectors" / "real_answers.json").read_text(), parse_float=Decimal)
    return {name: answer["rows"] for name, answer in content.items()}


@pytest.fixture(scope="module", params=[None, "America/New_York", "Asia/Kolkata"])
def agent(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The agents' traces, read by a process in one of several zones, which must make no difference."""
    project = Project(tmp_path_factory.mktemp("agent"), AGENT, request.param)
    (row,) = project.run("ingest", shared / "data/real/agent_traces.jsonl")["rows"]
    assert (row["format"], row["read"], row["requests"], row["incomplete"]) == ("agent", 2294, 2294, 0)
    return project


@pytest.fixture(scope="module")
def assistant(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("assistant"), REPORTED)
    (row,) = project.run("ingest", shared / "data/real/assistant_usage.jsonl")["rows"]
    assert (row["format"], row["read"], row["requests"]) == ("native", 5624, 5624)
    return project


@pytest.fixture(scope="module")
def azure(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("azure"), "")
    (row,) = project.run("ingest", shared / "data/real/azure_2023.jsonl.gz")["rows"]
    assert (row["read"], row["requests"], row["rejected"], row["error"]) == (28185, 28185, 0, None)
    return project


@pytest.fixture(scope="module")
def assistant_records(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "data/real/assistant_usage.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


def test_the_agents_latency_is_exact(agent: Project, answers: Answers):
    (expected,) = answers["agent_traces/latency [success only]"]
    names = "requests errors p50_ms p95_ms p99_ms max_ms mean_ms"
    (found,) = agent.picked(names, "latency", *OF_AGENT)
    assert found[:6] == [2294, 148, *expected[1:4], expected[8]]
    assert found[6] == pytest.approx(expected[9], rel=Decimal("1e-12"))  # a sum of floats depends on its order


def test_the_agents_latency_by_model_is_exact(agent: Project, answers: Answers):
    found = agent.picked("model requests errors p50_ms p95_ms p99_ms", "latency", "--by", "model", *OF_AGENT)
    successes = [[model, requests - errors, *rest] for model, requests, errors, *rest in found]
    assert sorted(successes) == sorted(answers["agent_traces/latency_by_model [success only]"])


def test_the_agents_tokens_and_failures_agree_by_model_and_by_day(agent: Project, answers: Answers):
    for dimension, name in (("model", "by_model"), ("day", "by_day")):
        columns = f"{dimension} requests errors input_tokens output_tokens"
        found = agent.picked(columns, "usage", "--by", dimension, *OF_AGENT)
        assert sorted(found) == sorted(row[:5] for row in answers[f"agent_traces/{name}"]), dimension


def test_the_agents_hours_agree(agent: Project, answers: Answers):
    found = agent.picked("hour requests errors p95_ms", "latency", "--by", "hour", *OF_AGENT)
    expected = [[f"{hour}:00:00Z", *rest] for hour, *rest in answers["agent_traces/by_hour"]]
    assert sorted(found) == sorted(expected)


def test_the_agents_bad_five_minutes_are_found(agent: Project, answers: Answers):
    found = agent.rows(
        "sql",
        "SELECT strftime(time_bucket(INTERVAL 5 MINUTE, time), '%Y-%m-%dT%H:%M') AS start, count(*) AS n,"
        " count(*) FILTER (WHERE NOT success) AS failures FROM requests GROUP BY start"
        " HAVING n >= 10 AND failures * 5 >= n ORDER BY start",
    )
    assert found == [row[:3] for row in answers["agent_traces/bad_5min (n>=10, err>=20%)"]]
    assert len(found) == 4


def test_times_with_and_without_a_zone_are_one_line_of_time(agent: Project, answers: Answers):
    ((total,), (hours,)) = answers["agent_traces/total"], answers["agent_traces/hours"]
    (found,) = agent.rows(
        "sql",
        "SELECT count(DISTINCT trace_id), strftime(min(time), '%Y-%m-%d %H:%M:%S.%f'),"
        " strftime(max(time), '%Y-%m-%d %H:%M:%S.%f'), count(DISTINCT date_trunc('hour', time)),"
        " count(DISTINCT project), count(DISTINCT application) FROM requests",
    )
    assert found == [total[3], total[6], total[7], hours[0], 1, 1]


def test_what_no_field_was_mapped_to_stays_with_the_agents_requests(agent: Project, shared: Path):
    (row,) = agent.rows("sql", "SELECT attributes FROM requests WHERE span_id = 'aac422b0b74dbc4f'")
    with (shared / "data/real/agent_traces.jsonl").open(encoding="utf-8") as file:
        record = next(record for record in map(json.loads, file) if record["span_id"] == "aac422b0b74dbc4f")
    mapped = {
        "start_time_iso", "session_id", "span_id", "request_model", "input_tokens", "output_tokens", "duration_ms",
        "is_error", "benchmark", "harness",
    }  # fmt: skip
    assert json.loads(row[0]) == {key: value for key, value in record.items() if key not in mapped}


def test_the_assistants_totals_agree_and_its_twins_all_count(
    assistant: Project, answers: Answers, shared: Path, assistant_records: list[dict[str, Any]]
):
    (expected,) = answers["assistant_usage/total"]
    (found,) = assistant.picked("requests errors input_tokens output_tokens cost", "usage", *OF_ASSISTANT)
    assert found[:4] == [expected[0], expected[2], *expected[4:6]] == [5624, 61, 73020005, 2956951]
    assert Decimal(found[4]) == sum(logged_cost(record) for record in assistant_records)
    assert round(Decimal(found[4]), 8) == expected[6]
    lines = Counter((shared / "data/real/assistant_usage.jsonl").read_bytes().splitlines())
    assert sum(lines.values()) - len(lines) == 41
    assert assistant.rows("sql", "SELECT count(*) FROM requests WHERE twin > 0") == [[41]]


def test_the_assistants_models_agree_to_the_last_digit(
    assistant: Project, answers: Answers, assistant_records: list[dict[str, Any]]
):
    columns = "model requests input_tokens output_tokens cost"
    found = {row[0]: row[1:] for row in assistant.picked(columns, "usage", "--by", "model", *OF_ASSISTANT)}
    failed = found.pop(None)  # a failed request names no model and no cost
    assert (failed[0], failed[3]) == (61, None)
    assert len(found) == answers["assistant_usage/total"][0][12] == 108
    for model, *expected in answers["assistant_usage/by_model_top10"]:
        assert found[model][:3] == expected[:3], model
        assert abs(Decimal(found[model][3]) - expected[3]) <= Decimal("0.0000005"), model
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for record in assistant_records:
        if record.get("model"):
            costs[record["model"]] += logged_cost(record)
    assert {model: Decimal(row[3]) for model, row in found.items()} == costs


def test_the_assistants_months_agree(assistant: Project, answers: Answers):
    columns = "month requests errors input_tokens output_tokens cost"
    found = [
        [month, requests - errors, errors, given, made, round(Decimal(cost), 6)]
        for month, requests, errors, given, made, cost in assistant.picked(
            columns, "usage", "--by", "month", *OF_ASSISTANT
        )
    ]
    assert sorted(found) == sorted(answers["assistant_usage/by_month"])


def test_the_absurd_cost_is_seen_beside_the_computed_one(assistant: Project, answers: Answers):
    ((moment, model, given, made, reported),) = answers["assistant_usage/cost_outlier"]
    found = assistant.rows(
        "sql",
        "SELECT strftime(time, '%Y-%m-%d %H:%M:%S'), model, input_tokens, output_tokens,"
        " CAST(reported_cost AS VARCHAR), CAST(computed_cost AS VARCHAR) FROM requests WHERE reported_cost > 100",
    )
    ((*facts, logged, computed),) = found
    assert facts == [moment, model, given, made]
    assert Decimal(logged) == reported == Decimal("9990.01252875")
    # 10,023 tokens at $1.25 and 10 tokens at $10 per million
    assert Decimal(computed) == Decimal("0.01262875")


def test_azures_tokens_agree_by_project(azure: Project, answers: Answers):
    expected = [row[:4] for row in answers["azure_2023/by_project"] if row[0]]
    found = azure.picked("project requests input_tokens output_tokens", "usage", "--by", "project", *OF_AZURE)
    assert sorted(found) == sorted(expected)
    (minutes,) = answers["azure_2023/minutes"]
    assert azure.rows(
        "sql",
        "SELECT count(*), max(n), min(n) FROM (SELECT count(*) AS n FROM requests GROUP BY date_trunc('minute', time))",
    ) == [minutes]


def test_what_azure_cost_is_unknown_and_not_zero(azure: Project):
    report = azure.run("chargeback", "--by", "project", *OF_AZURE)
    assert {row["project"]: (row["cost"], row["unpriced_requests"]) for row in report["rows"]} == {
        "code": (None, 8819),
        "conv": (None, 19366),
    }
    assert (report["totals"]["cost"], report["totals"]["complete"]) == (None, False)
    assert (report["totals"]["requests"], report["totals"]["unpriced_requests"]) == (28185, 28185)


def test_outcomes_that_azure_does_not_tell_are_no_data(azure: Project):
    report = azure.run("--at", "2023-11-17T00:00:00Z", "slo", "check", exits=3)
    by_name = {row["name"]: row for row in report["rows"]}
    success = by_name["Success rate"]
    assert (success["status"], success["good"], success["bad"], success["attained"]) == ("no_data", 0, 0, None)
    assert {row["status"] for row in by_name.values()} == {"no_data"}
