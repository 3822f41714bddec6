"""Reports over a year of requests, beside SQL written by hand over the same store."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ingest import count_rows, remove, write_volume
from benchmarks.measure import PLAIN, TOLLBOOK, Subject, interleaved
from benchmarks.table import COMPARED, Section, compared

_DAYS = 365
_DAYS_A_FILE = 20
_YEAR = ("--since", "2026-01-01", "--until", "2027-01-01", "--format", "json")


@dataclass(frozen=True)
class Case:
    """A question: the command line that asks tollbook, the plain query, and whether the two answers agree.

    `agree` takes the object that tollbook printed and the rows that the query gave.
    """

    label: str
    query: str
    command: tuple[str, ...]
    agree: Callable[[Any, Any], bool]
    codes: tuple[int, ...] = (0,)


def _chargeback_agrees(told: Any, rows: Any) -> bool:
    mine = {
        (row["team"], row["model"]): (row["requests"], row["input_tokens"], row["unpriced_requests"])
        for row in told["rows"]
    }
    return mine == {(row[0], row[1]): (row[2], row[3], row[6]) for row in rows}


def _latency_agrees(told: Any, rows: Any) -> bool:
    mine = {row["model"]: (row["requests"], row["errors"], round(row["p99_ms"], 6)) for row in told["rows"]}
    return mine == {row[0]: (row[1], row[2], round(row[3][3], 6)) for row in rows}


def _slo_agrees(told: Any, rows: Any) -> bool:
    outcomes, successes, _, fast, timed = rows[0]
    return {(successes, outcomes), (fast, timed)} <= {(row["good"], row["total"]) for row in told["rows"]}


CASES = (
    Case(
        "chargeback, a year by team and model",
        "chargeback",
        ("chargeback", "--by", "team,model", *_YEAR),
        _chargeback_agrees,
    ),
    Case("latency, a year by model", "latency", ("latency", "--by", "model", *_YEAR), _latency_agrees),
    Case(
        "slo check, the three default objectives over 30 days",
        "slo",
        ("--at", "2027-01-01T00:00:00Z", "slo", "check", "--format", "json"),
        _slo_agrees,
        codes=(0, 1, 2),
    ),
)


def measure_reports(work: Path, *, per_day: int, repetitions: int) -> Section:
    """Measure every report and return the table."""
    store = work / f"year-{per_day}.duckdb"
    build_store(store, work, per_day)
    rows = [_measure(case, store, work, repetitions) for case in CASES]
    text = (
        f"A store of {_DAYS * per_day:,} requests, a year at {per_day:,} a day, filled by `tollbook ingest`. "
        f"Whole processes, median of {repetitions} runs in turn; the answers of both sides are compared. Plain DuckDB "
        "runs one query over the same store."
    )
    return Section("Reports", text, COMPARED, rows)


def build_store(store: Path, work: Path, per_day: int) -> None:
    """Fill a store with a year of requests, unless an earlier run did."""
    if store.exists() and count_rows(store, work) == _DAYS * per_day:
        return
    remove(store)
    for first in range(0, _DAYS, _DAYS_A_FILE):
        days = min(_DAYS_A_FILE, _DAYS - first)
        sys.stderr.write(f"store, day {first + 1} to {first + days} ...\n")
        file = work / f"days-{first:03d}.jsonl"
        write_volume(
            file, work, "--requests", str(days * per_day), "--per-day", str(per_day), "--skip-days", str(first)
        )  # fmt: skip
        interleaved([Subject("ingest", (*TOLLBOOK, "--store", str(store), "ingest", str(file)))], 1, work)
        file.unlink()


def _measure(case: Case, store: Path, work: Path, repetitions: int) -> list[str]:
    sys.stderr.write(f"{case.label} ...\n")
    measured = interleaved(
        [
            Subject("tollbook", (*TOLLBOOK, "--store", str(store), *case.command), codes=case.codes),
            Subject("plain", (*PLAIN, case.query, str(store))),
        ],
        repetitions,
        work,
    )
    told, plain = (json.loads(measured[name].output) for name in ("tollbook", "plain"))
    if not case.agree(told, plain):
        sys.exit(f"benchmarks: the answers differ ({case.label}):\n{told}\n{plain}")
    return compared(case.label, measured["tollbook"], measured["plain"])
