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
_TABLES = ("events", "rejects", "duplicates", "sources", "batches", "prices")


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
    extra += [
        f"nullif(json_extract_string(attributes, {_json_path(name)}), '') AS dimension_{number}"
        for number, name in enumerate(config.dimensions, start=1)
        if name not in BUILT_IN
    ]
    con.execute(f"CREATE VIEW requests AS SELECT *, {', '.join(extra)} FROM store.requests")
    for table in _TABLES:
        con.execute(f"CREATE VIEW {table} AS FROM store.{table}")


def _json_path(dotted: str) -> str:
    """Return a dotted path as a JSON pointer in an SQL literal, so that no character of a name is special."""
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in dotted.split("."))
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
