"""The typed result that every output format prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds: its Python type, its unit, and thereby how each format writes it."""

    TEXT = "text"  # str
    COUNT = "count"  # int
    MONEY = "money"  # Decimal, in the report's currency, exact
    MS = "ms"  # float, milliseconds
    RATIO = "ratio"  # Decimal, 1 is the whole
    NUMBER = "number"  # Decimal or int, no unit of its own
    FLOAT = "float"  # float, no unit of its own
    TIME = "time"  # datetime, naive, UTC
    FLAG = "flag"  # bool
    LIST = "list"  # list or object of JSON values, shown as text to people


@dataclass(frozen=True)
class Column:
    """A column of a report.

    Args:
        name: The key in JSON, CSV and Parquet; it never changes its meaning.
        kind: What the values are.
        missing: What a table shows people for a missing value, e.g. `unattributed`; files have an empty cell.
    """

    name: str
    kind: Kind
    missing: str = "-"


@dataclass(frozen=True)
class Window:
    """The half-open stretch of time `[since, until)` that a report covers.

    Args:
        since: First moment, naive UTC; None is the beginning of the store.
        until: First moment after the window, naive UTC; None is the end of the store.
        timezone: IANA name of the zone that days and months are taken in.
    """

    since: datetime | None
    until: datetime | None
    timezone: str = "UTC"


Value = object  # a cell: the type that the column's Kind names, or None for unknown


@dataclass(frozen=True, kw_only=True)
class Report:
    """Rows, totals and what they are about; every renderer prints the same one.

    Args:
        name: The command, with a dash between words (`slo-check`); JSON says `tollbook.<name>/1`.
        title: A heading for people.
        columns: The columns, in order.
        rows: One tuple per row, as long as `columns`.
        totals: A tuple as long as `columns` (None where a total makes no sense), or None.
        generated_at: The moment that "now" was for this report, naive UTC.
        window: The window that was resolved, or None where time plays no part or the rows differ in it.
        timezone: IANA name of the zone that people read times in where there is no window.
        by: Names of the dimensions that the rows are grouped by.
        filters: The conditions asked for, as the user wrote them.
        currency: ISO 4217 code of every MONEY column.
        warnings: Sentences that a reader must see before trusting the numbers.
        details: Further members of the JSON object (`transitions`, `complete`), values ready for JSON.
        total_details: Further members of the JSON object's `totals` (`complete`).
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    generated_at: datetime
    totals: tuple[Value, ...] | None = None
    window: Window | None = None
    timezone: str = "UTC"
    by: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    currency: str | None = None
    warnings: tuple[str, ...] = ()
    details: Mapping[str, Value] = field(default_factory=dict)
    total_details: Mapping[str, Value] = field(default_factory=dict)
