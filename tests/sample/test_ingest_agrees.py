"""What `ingest` finds in the bundled sample is what its generator put there."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

SAMPLE = Path(__file__).parents[2] / "sample_logs"
EXPECTED = tomllib.loads((SAMPLE / "expected.toml").read_text())


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("agrees")
    store = folder / "store.duckdb"
    done = subprocess.run(
        [sys.executable, "-m", "tollbook", "--store", store, "ingest", SAMPLE, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return store, json.loads(done.stdout)


@pytest.fixture
def ask(ingested: tuple[Path, dict]) -> Callable[[str], list]:
    def run(query: str) -> list:
        with duckdb.connect(str(ingested[0]), read_only=True) as con:
            return con.execute(query).fetchall()

    return run


def test_requests_events_and_refusals_are_those_of_the_generator(ingested: tuple[Path, dict]):
    totals = ingested[1]["totals"]
    for name in ("requests", "events", "rejected", "incomplete"):
        assert totals[name] == EXPECTED["totals"][name], name
    assert totals["read"] == totals["requests"] + totals["events"] + totals["duplicates"] + totals["rejected"]


def test_copies_add_nothing_and_other_duplicates_are_told(ingested: tuple[Path, dict]):
    duplicates = 0
    for row in ingested[1]["rows"]:
        name = Path(row["source"]).name
        if name in EXPECTED["copies"]:
            assert (row["requests"], row["events"], row["rejected"]) == (0, 0, 0)
        else:
            assert row["read"] == EXPECTED["files"][name]
            duplicates += row["duplicates"]
    assert duplicates == EXPECTED["totals"]["duplicates"]


def test_tokens_and_failures_agree_by_team_and_by_model(ask: Callable[[str], list]):
    for dimension in ("team", "model"):
        rows = ask(
            f"SELECT coalesce({dimension}, 'unattributed'), count(*), count(*) FILTER (WHERE NOT success),"
            " sum(input_tokens), sum(output_tokens) FROM requests GROUP BY ALL"
        )
        names = ("requests", "failures", "input_tokens", "output_tokens")
        assert {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows} == EXPECTED[dimension]


def test_parts_of_tokens_and_outcomes_agree(ask: Callable[[str], list]):
    names = ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "successes", "without_outcome")
    ((*found, reported),) = ask(
        "SELECT sum(cached_input_tokens), sum(cache_write_tokens), sum(reasoning_tokens),"
        " count(*) FILTER (WHERE success), count(*) FILTER (WHERE success IS NULL), count(reported_cost) FROM requests"
    )
    assert dict(zip(names, found, strict=True)) == {name: EXPECTED["totals"][name] for name in names}
    assert reported == EXPECTED["totals"]["with_reported_cost"]


def test_days_agree(ask: Callable[[str], list]):
    rows = ask("SELECT CAST(CAST(time AS DATE) AS VARCHAR), count(*) FROM requests GROUP BY ALL")
    assert dict(rows) == {day: counts["requests"] for day, counts in EXPECTED["day"].items()}


def test_only_the_model_of_the_house_has_no_price(ask: Callable[[str], list]):
    assert ask("SELECT DISTINCT model FROM requests WHERE computed_cost IS NULL") == [("netops-triage-8b",)]
