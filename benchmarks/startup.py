"""Start-up: what a command costs before and beside its work."""

import sys
from pathlib import Path

from benchmarks.ingest import remove
from benchmarks.measure import TOLLBOOK, Subject, interleaved
from benchmarks.table import Section

_SAMPLE = Path(__file__).parents[1] / "sample_logs"


def measure_startup(work: Path, *, repetitions: int) -> Section:
    """Measure short commands and return the table."""
    sys.stderr.write("start-up ...\n")
    store = work / "sample.duckdb"
    remove(store)
    ingest = (*TOLLBOOK, "--store", str(store), "ingest", str(_SAMPLE))
    interleaved([Subject("ingest", ingest)], 1, work)
    month = ("--month", "2026-10")
    subjects = [
        Subject("`python -c pass`", (sys.executable, "-c", "pass")),
        Subject("`python -c 'import duckdb'`", (sys.executable, "-c", "import duckdb")),
        Subject("`tollbook --version`", (*TOLLBOOK, "--version")),
        Subject("`tollbook --help`", (*TOLLBOOK, "--help")),
        Subject(
            "`tollbook latency --by model`", (*TOLLBOOK, "--store", str(store), "latency", "--by", "model", *month)
        ),
        Subject("`tollbook chargeback`", (*TOLLBOOK, "--store", str(store), "chargeback", *month)),
    ]
    measured = interleaved(subjects, repetitions, work)
    rows = [[name, f"{runs.median_s * 1000:.0f} ms", f"{runs.peak_mb:,.0f} MB"] for name, runs in measured.items()]
    text = f"Whole processes, median of {repetitions} runs in turn; reports on the store of the sample logs."
    return Section("Start-up", text, ("", "time", "peak"), rows)
