"""Read-only SQL over the store, as a report: one statement, no files, nothing changed."""

import json
import math
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tollbook.errors import TollbookError, UsageError
from tollbook.report.model import Column, Kind, Report, Value

if TYPE_CHECKING:
    import duckdb

_READING = {"SELECT", "EXPLAIN", "MULTI"}  # MULTI is what DuckDB makes of PIVOT
_KINDS = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), Kind.NUMBER),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), Kind.NUMBER),
    **dict.fromkeys(("DECIMAL",), Kind.NUMBER),
    **dict.fromkeys(("FLOAT", "DOUBLE"), Kind.FLOAT),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), Kind.TIME),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), Kind.TIME),
    **dict.fromkeys(("LIST", "ARRAY", "STRUCT", "MAP", "UNION"), Kind.LIST),
    "BOOLEAN": Kind.FLAG,
}
_CASTS = {
    Kind.TIME: "CAST(#{0} AS TIMESTAMP)",
    Kind.LIST: "CAST(to_json(#{0}) AS VARCHAR)",
    Kind.TEXT: "CAST(#{0} AS VARCHAR)",
}

# DuckDB's message repeats the data, which it may cut amid a character: then the message itself is unreadable, which is
# an error of its own or, to some Pythons, no message.
_UNREADABLE = "The statement failed on a value that it cannot convert or read as JSON."
# From the first quotation mark or number on, a message can hold data: the value that could not be converted, say.
_DATA = re.compile(r"""(?<!\w)['"]|(?<![\w-])-?\d""")


def sql_report(con: "duckdb.DuckDBPyConnection", statement: str, *, now: datetime) -> Report:
    """Run one reading statement and return its result.

    The connection is closed to files, to the network and to changes of its settings from here on.

    Args:
        con: A connection with the relations of `report.relations`; the tables themselves are `store.requests` etc.
        statement: One SELECT (or WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, EXPLAIN, PIVOT).
        now: The report's moment, naive UTC.

    Returns:
        The statement's columns: numbers, times, flags as such, lists and structs as JSON, everything else as text.

    Raises:
        UsageError: The statement is none, is several, would change something, or does not fit the store.
        TollbookError: It failed while it ran.
    """
    import duckdb  # noqa: PLC0415 - start-up

    try:
        _refuse_all_but_reading(statement)
        for setting in ("python_enable_replacements = false", "enable_external_access = false"):
            con.execute(f"SET {setting}")
        con.execute("SET lock_configuration = true")
        relation = con.sql(statement)
        kinds = [_KINDS.get(kind.id.upper(), Kind.TEXT) for kind in relation.types]
        names = _unique(relation.columns)
        parts = [_CASTS.get(kind, "#{0}").format(number) for number, kind in enumerate(kinds, start=1)]
        rows = relation.project(", ".join(parts)).fetchall()
    except duckdb.Error as error:
        raise _sentence(error) from error
    except UnicodeDecodeError as error:
        raise TollbookError(_UNREADABLE) from error
    columns = tuple(Column(name, kind) for name, kind in zip(names, kinds, strict=True))
    return Report(
        name="sql",
        title="Result",
        columns=columns,
        rows=tuple(tuple(map(_value, row, kinds)) for row in rows),
        generated_at=now,
    )


def _refuse_all_but_reading(statement: str) -> None:
    import duckdb  # noqa: PLC0415

    statements = duckdb.extract_statements(statement)
    if len(statements) != 1:
        found = "There is none" if not statements else f"These are {len(statements)}"
        raise UsageError(f"{found}: give exactly one SQL statement.")
    kind = statements[0].type.name
    if kind not in _READING:
        raise UsageError(f"{kind} is refused: the store is only read here. Write one SELECT statement.")


def _value(value: Value, kind: Kind) -> Value:
    if kind is Kind.LIST and isinstance(value, str):
        return json.loads(value, parse_float=Decimal, parse_constant=lambda _: None)
    if kind is Kind.FLOAT and isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _sentence(error: Exception) -> TollbookError:
    """Return a DuckDB error as a sentence that repeats the statement at most, never the data."""
    import duckdb  # noqa: PLC0415

    if not str(error).strip():
        return TollbookError(_UNREADABLE)
    first, *more = str(error).strip().splitlines()
    text = first.partition(": ")[2] or first
    if isinstance(error, (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)):
        hints = [line for line in more if line.startswith(("Did you mean", "Candidate"))]
        return UsageError(" ".join([f"The statement does not fit: {text.rstrip('.!')}.", *hints[:1]]))
    if isinstance(error, duckdb.PermissionException):
        return UsageError("The statement asks for a file or the network, and may only read the store.")
    told = _DATA.split(text, maxsplit=1)[0].strip().rstrip(":.")
    hint = " TRY_CAST gives NULL instead." if isinstance(error, duckdb.ConversionException) else ""
    return TollbookError(f"The statement failed: {told or type(error).__name__}{'' if told == text else ' …'}.{hint}")


def _unique(names: list[str]) -> Iterator[str]:
    """Return the names, each once: a second `a` is `a_1`, as DuckDB names it in a subquery."""
    seen: set[str] = set()
    for name in names:
        candidates = (name, *(f"{name}_{number}" for number in range(1, len(names) + 1)))
        seen.add(unique := next(candidate for candidate in candidates if candidate not in seen))
        yield unique
