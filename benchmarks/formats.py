"""Reading the shipped formats: `tollbook ingest` beside plain DuckDB reading the same keys of the same lines."""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from benchmarks.ingest import count_rows, remove
from benchmarks.measure import PLAIN, TOLLBOOK, Subject, interleaved
from benchmarks.table import COMPARED, Section, compared

_FORMATS = Path(__file__).parent.parent / "src" / "tollbook" / "formats"
_TYPES = {str: "VARCHAR", bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
_ID = re.compile(r'"[\w.-]*(?<!odel)(?<!odel_)(?:[iI]d|ID|[uU]uid)":"[\w.:-]+(?=")')
# One text of these holds many records, or is read with what was said before it; agents have a table of their own.
_EXPANDED = "expand"


def measure_formats(work: Path, *, lines: int, repetitions: int) -> Section:
    """Measure every format of which a line is a record, and return the table."""
    native = _keys(_load("native"))
    rows = []
    for path in sorted(_FORMATS.glob("*.toml")):
        format_ = _load(path.stem)
        if _EXPANDED not in format_ and path.stem != "native":
            read = _keys(format_) | (native if format_.get("extends_native") else set())
            example = max(format_["example"].strip().splitlines(), key=len)
            record = json.loads(example)
            columns = {key: _TYPES.get(type(value), "JSON") for key, value in record.items() if key in read}
            file = work / f"{path.stem}.jsonl"
            _write(file, example, lines)
            rows.append(_measure(file, columns, work, lines, repetitions))
    text = (
        f"{lines:,} lines of each format: an example again and again, with other ids. Plain DuckDB makes a "
        "table of the keys that tollbook reads something from, objects unopened. Whole processes, median of "
        f"{repetitions} runs in turn."
    )
    return Section("Formats", text, COMPARED, rows)


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((_FORMATS / f"{name}.toml").read_text(encoding="utf-8"))


def _keys(format_: dict[str, Any]) -> set[str]:
    """Return the top-level keys that a format reads."""
    paths = [
        path for paths in format_.get("fields", {}).values() for path in ([paths] if isinstance(paths, str) else paths)
    ]
    paths += [path.partition("=")[2] or path for path in format_.get("keep", ())]
    firsts = (re.split(r"[/#~]", one)[0] for path in paths for one in path.split(" + "))
    return {key for first in firsts for key in first.split("|")} | {"usage"}


def _measure(file: Path, columns: dict[str, str], work: Path, lines: int, repetitions: int) -> list[str]:
    sys.stderr.write(f"format {file.stem} ...\n")
    store, database = work / "tollbook.duckdb", work / "plain.duckdb"
    plain = (*PLAIN, "columns", str(file), str(database), json.dumps(columns))
    measured = interleaved(
        [
            Subject("tollbook", (*TOLLBOOK, "--store", str(store), "ingest", str(file)), lambda: remove(store)),
            Subject("plain", plain, lambda: remove(database)),
        ],
        repetitions,
        work,
    )
    for path in (store, database):
        stored = count_rows(path, work)
        if stored != lines:
            sys.exit(f"benchmarks: {path.name} holds {stored:,} requests of {lines:,} ({file.stem})")
        remove(path)
    size = file.stat().st_size // lines
    file.unlink()
    return compared(f"{file.stem}, {size:,} bytes a line", measured["tollbook"], measured["plain"])


def _write(file: Path, example: str, lines: int) -> None:
    """Write an example again and again; what is called an id ends in a number."""
    cuts = [match.end() for match in _ID.finditer(example)]
    pieces = [example[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    with file.open("w", encoding="utf-8") as log:
        for number in range(lines):
            log.write(f"-{number:06x}".join(pieces) + "\n")
