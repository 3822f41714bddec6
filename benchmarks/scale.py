"""A store that grows to a hundred million requests: does the last million cost what the first did?"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ingest import count_rows, remove, write_volume
from benchmarks.measure import PLAIN, TOLLBOOK, Measured, Subject, interleaved
from benchmarks.table import Section

_LINES = 1_000_000
_APPENDED = 1_000
_CHUNK_BYTES = 1 << 20  # what this process holds counts for those that it starts
_COLUMNS = ("", "time", "CPU time", "peak")


def measure_scale(work: Path, *, millions: int) -> Section:
    """Read a million lines after another into one store, append a few, and weigh it; return the table."""
    base, file, store = work / "base.jsonl", work / "million.jsonl", work / "scale.duckdb"
    write_volume(base, work, "--requests", str(_LINES))
    remove(store)
    ingest = Subject("ingest", (*TOLLBOOK, "--store", str(store), "ingest", str(file)))
    tenth = max(1, millions // 10)
    rows = []
    for first in range(0, millions, tenth):
        sys.stderr.write(f"million {first + 1} of {millions} ...\n")
        runs = []
        for number in range(first, min(first + tenth, millions)):
            _renumbered(base, file, number)
            runs.append(interleaved([ingest], 1, work)["ingest"])
        rows.append(_row(f"million {first + 1} to {first + len(runs)}, each", runs))
    _append(base, file, millions)
    rows.append(_row(f"{_APPENDED:,} lines appended to the last file", [interleaved([ingest], 1, work)["ingest"]]))
    stored = count_rows(store, work)
    if stored != millions * _LINES + _APPENDED:
        sys.exit(f"benchmarks: {store.name} holds {stored:,} requests")
    rows += _weigh(store, work, stored)
    for path in (base, file):
        path.unlink()
    remove(store)
    text = (
        f"{millions} files of {_LINES:,} native lines with ids, each read by a process of its own into one store; mean "
        "of a tenth of them. The ids of no two files are alike, their times are. Then the last file grows by "
        f"{_APPENDED:,} lines, and the store is weighed beside a Parquet file (zstd) of the same columns."
    )
    return Section("Scale", text, _COLUMNS, rows)


def _renumbered(base: Path, file: Path, number: int) -> None:
    """Write the base file's lines with other ids: the first digits of each say which file it is of."""
    with base.open("rb") as lines, file.open("wb") as log:
        while some := lines.readlines(_CHUNK_BYTES):
            log.write(_with_ids_of(number, b"".join(some)))


def _append(base: Path, file: Path, number: int) -> None:
    with base.open("rb") as lines:
        more = b"".join(next(lines) for _ in range(_APPENDED))
    with file.open("ab") as log:
        log.write(_with_ids_of(number, more))


def _with_ids_of(number: int, lines: bytes) -> bytes:
    return re.sub(rb'("request_id":"req_|"trace_id":")..', rb"\g<1>%02x" % number, lines)


def _weigh(store: Path, work: Path, requests: int) -> list[list[str]]:
    parquet = work / "scale.parquet"
    interleaved([Subject("parquet", (*PLAIN, "parquet", str(store), str(parquet)))], 1, work)
    sizes = {"the store": store.stat().st_size, "Parquet": parquet.stat().st_size}
    parquet.unlink()
    return [[f"bytes per request, {name}", f"{size / requests:.1f}", "", ""] for name, size in sizes.items()]


def _row(label: str, runs: Sequence[Measured]) -> list[str]:
    seconds = sum(sum(run.seconds) for run in runs) / len(runs)
    cpu = sum(sum(run.cpu_seconds) for run in runs) / len(runs)
    return [label, f"{seconds:.2f} s", f"{cpu:.2f} s", f"{max(run.peak_mb for run in runs):,.0f} MB"]
