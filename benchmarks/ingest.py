"""Reading log files: `tollbook ingest` beside `CREATE TABLE AS SELECT * FROM read_ndjson`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PLAIN, TOLLBOOK, Subject, interleaved
from benchmarks.table import COMPARED, Section, compared


@dataclass(frozen=True)
class Case:
    """A file to read: how it is called, and the options for it of the generator and of plain DuckDB."""

    label: str
    file: str
    options: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()


CASES = (
    Case("with ids", "ids.jsonl"),
    Case("with ids, into a table of all that tollbook's has", "ids.jsonl", plain=("--whole-table",)),
    Case("without ids", "no-ids.jsonl", ("--no-ids",)),
    Case("one damaged line in a thousand", "damaged.jsonl", ("--bad-every", "1000"), ("--ignore-errors",)),
    Case("with ids, gzip", "ids.jsonl.gz"),
    Case("with ids, zstd", "ids.jsonl.zst"),
)


def measure_ingest(work: Path, *, requests: int, repetitions: int) -> Section:
    """Measure every case and return the table."""
    rows = [_measure(case, work, requests, repetitions) for case in CASES]
    text = (
        f"{requests:,} native lines of about 320 bytes into a new file, whole processes, median of {repetitions} "
        "runs in turn. tollbook judges every line, finds duplicates, prices and accounts for what it read; "
        "plain DuckDB makes a table of the same columns (with `ignore_errors` where lines are damaged); once also with "
        "identities, lines, prices and costs that are not found out but made up."
    )
    return Section("Ingest", text, COMPARED, rows)


def _measure(case: Case, work: Path, requests: int, repetitions: int) -> list[str]:
    sys.stderr.write(f"ingest, {case.label} ...\n")
    file = work / case.file
    if not file.exists():
        write_volume(file, work, "--requests", str(requests), *case.options)
    store, database = work / "tollbook.duckdb", work / "plain.duckdb"
    measured = interleaved(
        [
            Subject("tollbook", (*TOLLBOOK, "--store", str(store), "ingest", str(file)), lambda: remove(store)),
            Subject("plain", (*PLAIN, "ingest", str(file), str(database), *case.plain), lambda: remove(database)),
        ],
        repetitions,
        work,
    )
    for path in (store, database):
        stored = count_rows(path, work)
        if stored != requests:
            sys.exit(f"benchmarks: {path.name} holds {stored:,} requests of {requests:,} ({case.label})")
        remove(path)
    file.unlink()
    return compared(case.label, measured["tollbook"], measured["plain"])


def write_volume(file: Path, work: Path, *options: str) -> None:
    """Let the generator write a file."""
    command = (sys.executable, "-m", "tollbook.sample", "write", str(file), *options)
    interleaved([Subject("write", command)], 1, work)


def count_rows(database: Path, work: Path) -> int:
    """Return how many requests a database holds."""
    counted = interleaved([Subject("count", (*PLAIN, "count", str(database), "requests"))], 1, work)
    return int(counted["count"].output)


def remove(database: Path) -> None:
    """Remove a database and what DuckDB leaves beside it."""
    for path in (database, Path(f"{database}.wal")):
        path.unlink(missing_ok=True)
