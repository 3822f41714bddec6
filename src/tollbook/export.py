"""Files of what the store holds: CSV and Parquet side by side, with a manifest that says what is in them."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tollbook import __version__
from tollbook.errors import TollbookError, UsageError
from tollbook.render import csv, parquet
from tollbook.render.cells import as_json, exact
from tollbook.report.model import Kind, Report, Value
from tollbook.report.scope import Scope
from tollbook.store.connection import reason

if TYPE_CHECKING:
    import duckdb

    from tollbook.report.scope import Dimension

MANIFEST = "manifest.json"
TABLES = ("requests", "events", "rejects")
_INTERNAL = {"batch_id", "identity", "twin"}  # the store's bookkeeping, of no meaning outside of it
_DERIVED = {"day", "month", "hour"}  # follow from `time` and a zone
_FIRST_CHARACTERS = ", ".join(f"chr({ord(character)})" for character in csv.FORMULA_STARTS)


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export: what the manifest says about it.

    Args:
        name: Its name in the folder.
        rows: How many it has.
        sums: Of each column of counts or money, over all rows; None where every value is missing.
    """

    name: str
    rows: int
    sums: Mapping[str, Value]


def export_table(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    scope: Scope,
    folder: Path,
    *,
    now: datetime,
    dimensions: "Mapping[str, Dimension]",
    currency: str = "USD",
    overwrite: bool = False,
) -> list[ExportedFile]:
    """Write the rows of `requests`, `events` or `rejects` to `<table>.csv`, `<table>.parquet` and `manifest.json`.

    DuckDB writes the files itself: no row passes through Python. Decimals stay exact in both; times are
    UTC; texts that a spreadsheet would run as a formula get a leading apostrophe in the CSV file.

    Args:
        con: A connection with the relations of reports.
        table: One of `TABLES`.
        scope: Window and conditions; conditions are for `requests` only, and `rejects` have no time.
        folder: Where the files go. It appears whole or not at all.
        now: The moment of the export, naive UTC.
        dimensions: Every dimension by name, for the names of those that the configuration adds.
        currency: ISO 4217 code of the costs.
        overwrite: Replace an earlier export of that name.

    Raises:
        UsageError: The scope asks for what the table does not have, or the folder exists.
        TollbookError: The files cannot be written.
    """
    _check_scope(table, scope)
    names = {dimension.column: name for name, dimension in dimensions.items() if dimension.column != name}
    columns = _columns(con, table, names)
    where, params = _conditions(table, scope)
    with _folder(folder, overwrite=overwrite) as part:
        rows, sums = _sums(con, table, columns, where, params)
        files = []
        for suffix, text_of, how in (
            ("csv", _csv_column, "FORMAT csv, HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'"),
            ("parquet", _parquet_column, "FORMAT parquet, COMPRESSION zstd"),
        ):
            name = f"{table}.{suffix}"
            selected = ", ".join(text_of(column, type_) + f" AS {_quoted(as_)}" for column, type_, as_ in columns)
            copied = _copy(con, f"SELECT {selected} FROM {table} WHERE {where}", params, part / name, how)
            if copied != rows:
                raise TollbookError(f"{name} has {copied:,} of {rows:,} rows, so nothing was exported. Try again.")
            files.append(ExportedFile(name, rows, sums))
        _write_manifest(part, table, files, scope=scope, now=now, currency=currency)
    return files


def export_report(report: Report, scope: Scope, folder: Path, *, overwrite: bool = False) -> list[ExportedFile]:
    """Write the rows of a report to `<name>.csv`, `<name>.parquet` and `manifest.json`; see `export_table`."""
    sums = {
        column.name: None if total is None else exact(total, column.kind) if column.kind is Kind.MONEY else total
        for column, total in zip(report.columns, report.totals or (), strict=True)
        if column.kind in {Kind.COUNT, Kind.MONEY}
    }
    contents: dict[str, Callable[[Report], bytes]] = {
        "csv": lambda shown: csv.render(shown).encode(),
        "parquet": parquet.render,
    }
    with _folder(folder, overwrite=overwrite) as part:
        files = []
        for suffix, render in contents.items():
            name = f"{report.name}.{suffix}"
            (part / name).write_bytes(render(report))
            files.append(ExportedFile(name, len(report.rows), sums))
        _write_manifest(
            part,
            report.name,
            files,
            scope=scope,
            now=report.generated_at,
            currency=report.currency,
            report=report,
        )
    return files


def _check_scope(table: str, scope: Scope) -> None:
    if table != "requests" and scope.where:
        raise UsageError(f"--where is about requests; {table} have no such dimensions. Leave it out.")
    if table == "rejects" and (scope.window.since or scope.window.until):
        raise UsageError("Rejects have no time that could be read. Export all of them, without a window.")


def _columns(con: "duckdb.DuckDBPyConnection", table: str, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return column, type and exported name of what is worth exporting."""
    described = con.execute(f"DESCRIBE {table}").fetchall()
    taken = {column for column, *_ in described}
    columns = []
    for column, type_, *_ in described:
        if column in _INTERNAL or (table == "requests" and column in _DERIVED):
            continue
        # a dimension of the configuration is called as users call it, unless a column already is
        name = names.get(column, column) if column.startswith("dimension_") else column
        columns.append((column, type_, column if name != column and name in taken else name))
    return columns


def _conditions(table: str, scope: Scope) -> tuple[str, dict[str, object]]:
    if table == "rejects":
        return "true", {}
    return f"time >= $since AND time < $until{scope.where_sql}", scope.params


def _csv_column(column: str, type_: str) -> str:
    if type_ != "VARCHAR":
        return column
    return f"CASE WHEN left({column}, 1) IN ({_FIRST_CHARACTERS}) THEN '''' || {column} ELSE {column} END"


def _parquet_column(column: str, type_: str) -> str:
    return f"CAST({column} AS TIMESTAMPTZ)" if type_ == "TIMESTAMP" else column  # the connection's zone is UTC


def _sums(
    con: "duckdb.DuckDBPyConnection",
    table: str,
    columns: list[tuple[str, str, str]],
    where: str,
    params: Mapping[str, object],
) -> tuple[int, dict[str, Value]]:
    """Return the number of rows, and the sums of the columns that are worth one: tokens and money."""
    summed = [
        (column, name)
        for column, type_, name in columns
        if type_.startswith("DECIMAL") or (type_ == "BIGINT" and column.endswith("_tokens"))
    ]
    wanted = ", ".join(["count(*)", *(f"sum({column})" for column, _ in summed)])
    row = con.execute(f"SELECT {wanted} FROM {table} WHERE {where}", dict(params)).fetchone() or (0,)
    sums = [exact(total, Kind.MONEY) if isinstance(total, Decimal) else total for total in row[1:]]
    return cast("int", row[0]), dict(zip([name for _, name in summed], sums, strict=True))


def _copy(con: "duckdb.DuckDBPyConnection", query: str, params: Mapping[str, object], path: Path, how: str) -> int:
    import duckdb  # noqa: PLC0415 - start-up

    literal = "'" + str(path).replace("'", "''") + "'"
    try:
        row = con.execute(f"COPY ({query}) TO {literal} ({how})", dict(params)).fetchone()
    except duckdb.IOException as error:
        raise TollbookError(f"The export cannot be written: {reason(error)}") from error
    return cast("int", row[0]) if row else 0


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _write_manifest(
    folder: Path,
    what: str,
    files: list[ExportedFile],
    *,
    scope: Scope,
    now: datetime,
    currency: str | None,
    report: Report | None = None,
) -> None:
    window = scope.window
    manifest = {
        "schema": "tollbook.export/1",
        "what": what,
        "tollbook": __version__,
        "generated_at": now,
        "window": {"since": window.since, "until": window.until, "timezone": window.timezone},
        "filters": scope.filters,
        "by": report.by if report else (),
        "currency": currency,
        "csv_formulas_defused": True,
        "warnings": report.warnings if report else (),
        "files": [
            {
                "name": file.name,
                "rows": file.rows,
                "bytes": (folder / file.name).stat().st_size,
                "sha256": _sha256(folder / file.name),
                "sums": file.sums,
            }
            for file in files
        ],
    }
    (folder / MANIFEST).write_text(as_json(manifest, indent=2) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a folder to write into, which takes the place of `folder` once everything is written."""
    folder = folder.resolve()
    _check_folder(folder, overwrite=overwrite)
    part, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    try:
        part.mkdir(parents=True)
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise TollbookError(f"{folder} cannot be written: {error.strerror}. Choose another folder.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse to write over anything but, when asked to, an earlier export."""
    import json  # noqa: PLC0415

    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise UsageError(
            f"{folder} exists already. Choose another folder, or replace an earlier export with --overwrite."
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        exported = {MANIFEST, *(file["name"] for file in manifest["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        exported = set()
    strangers = sorted({path.name for path in folder.iterdir()} - exported) if folder.is_dir() else [folder.name]
    if strangers:
        raise UsageError(
            f"{folder} holds more than an export ({strangers[0]}), so it is left alone. Choose another folder."
        )
