"""The relations that every report reads: the store's tables, requests with their cost, days and dimensions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tollbook.report.scope import BUILT_IN

if TYPE_CHECKING:
    import duckdb

    from tollbook.config.model import Config

_COST = {
    "computed": "computed_cost",
    "reported": "reported_cost",
    "reported_else_computed": "coalesce(reported_cost, computed_cost)",
}
_TABLES = ("events", "rejects", "duplicates", "sources", "batches", "prices", "pruned", "settings")


def create_relations(con: "duckdb.DuckDBPyConnection", config: "Config", zone: str) -> None:
    """Create the views `requests`, `events` and so on, over an attached `store`.

    `requests` has the columns of the table and: `cost` (which cost counts, by configuration; USD), `day` and
    `month` (DATE, in the zone), `hour` (TIMESTAMP, UTC, whole in the zone), and `dimension_N` (VARCHAR) for
    the N-th dimension of the configuration.
    """
    offset = _offset_sql(con, zone)
    local = f"time + to_seconds({offset})" if offset != "0" else "time"
    whole_hour = f"date_trunc('hour', {local}) - to_seconds({offset})" if offset != "0" else "date_trunc('hour', time)"
    extra = [
        f"{_COST[config.cost.source]} AS cost",
        f"CAST({local} AS DATE) AS day",
        f"CAST(date_trunc('month', {local}) AS DATE) AS month",
        f"{whole_hour} AS hour",
    ]
    if config.dimensions:
        columns = _columns_of_keys(con)
        extra += [
            f"{_dimension_sql(name, columns.get(name))} AS dimension_{number}"
            for number, name in enumerate(config.dimensions, start=1)
            if name not in BUILT_IN
        ]
    con.execute(f"CREATE VIEW requests AS SELECT *, {', '.join(extra)} FROM store.requests")
    for table in _TABLES:
        con.execute(f"CREATE VIEW {table} AS FROM store.{table}")


def _columns_of_keys(con: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    """Return key of a native record -> column that it is read into: what is read is no attribute any more."""
    from tollbook.ingest.fields import COLUMNS  # noqa: PLC0415 - start-up: only with dimensions of one's own
    from tollbook.ingest.formats import native  # noqa: PLC0415

    named = {**COLUMNS, "status_code": "status"}
    columns = {column for column, *_ in con.execute("DESCRIBE store.requests").fetchall()}
    read = {key: named.get(field, field) for field, keys in native().fields.items() for key in keys}
    return {key: column for key, column in read.items() if column in columns}


def _dimension_sql(name: str, column: str | None) -> str:
    """Return SQL for a dimension: the attribute of that very name, else the one at that dotted path, else a column."""
    pointers = dict.fromkeys((_json_pointer(name), _json_pointer(*name.split("."))))
    values = [f"json_extract_string(attributes, {pointer})" for pointer in pointers]
    values += [f"CAST({column} AS VARCHAR)"] if column else []
    value = f"coalesce({', '.join(values)})" if len(values) > 1 else values[0]
    return f"nullif({value}, '')"


def _json_pointer(*keys: str) -> str:
    """Return a JSON pointer in an SQL literal, so that no character of a key is special."""
    pointer = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return "'" + pointer.replace("'", "''") + "'"


def _offset_sql(con: "duckdb.DuckDBPyConnection", zone: str) -> str:
    """Return SQL for the zone's seconds east of UTC at `time`, over the times that the store holds."""
    if zone == "UTC":
        return "0"
    first, last = con.execute("SELECT min(time), max(time) FROM store.requests").fetchone() or (None, None)
    if first is None or last is None:
        return "0"
    changes = _offset_changes(ZoneInfo(zone), first - timedelta(days=1), last + timedelta(days=1))
    if len(changes) == 1:
        return str(changes[0][1])
    whens = " ".join(
        f"WHEN time < TIMESTAMP '{until:%Y-%m-%d %H:%M:%S}' THEN {seconds}"
        for (_, seconds), (until, _) in pairwise(changes)
    )
    return f"(CASE {whens} ELSE {changes[-1][1]} END)"


def _offset_changes(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, int]]:
    """Return when (naive UTC) which offset (seconds) begins, from `first` to `last`, to the second."""

    def offset(moment: datetime) -> int:
        delta = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
        return int(delta.total_seconds())

    changes = [(first, offset(first))]
    day = timedelta(days=1)
    moment = first
    while moment < last:
        following = moment + day
        if offset(following) != changes[-1][1]:
            low, high = moment, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == changes[-1][1] else (low, middle)
            changes.append((high.replace(microsecond=0), offset(high)))
        moment = following
    return changes
