"""Keeping a store to a retention: what is older than a moment goes, and does not come back."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tollbook import queries
from tollbook.store.connection import LOCK_TIMEOUT_S, memory, transaction


@dataclass(frozen=True)
class Pruned:
    """What was deleted of one source.

    Args:
        source: Its name.
        requests: Requests that were older.
        events: Events that were older.
    """

    source: str
    requests: int
    events: int


def prune(
    path: Path, *, before: datetime, now: datetime, dry: bool = False, lock_timeout_s: float = LOCK_TIMEOUT_S
) -> tuple[datetime, list[Pruned]]:
    """Delete the requests and events that are older than a moment, in one transaction, and remember the moment.

    From then on `ingest` counts a record of an earlier time as a duplicate of the kind `pruned`, from whichever file
    it comes; so it does with a later record of a request that was deleted. Sources and batches go on counting
    what they read, and the table `pruned` says what of it is gone. Refused lines have no time: they stay, but an
    excerpt of one that was read before the moment is emptied.

    Finance will refuse here what a month that is not closed yet needs.

    Args:
        path: The store's file.
        before: What is older goes, naive UTC. A store that was pruned up to a later moment stays so.
        now: When this happens, naive UTC.
        dry: Whether to find out only.
        lock_timeout_s: Seconds to wait for the store.

    Returns:
        The moment before which nothing is kept now, and what was deleted, by source, in the order of their names.

    Raises:
        StoreError: There is no store, or it cannot be written.
    """
    con = memory()
    try:
        with transaction(con, path, lock_timeout_s=lock_timeout_s, dry=dry):
            row = con.execute(
                "SELECT CAST(value AS TIMESTAMP) FROM store.settings WHERE name = 'pruned_before'"
            ).fetchone()
            before = max(before, row[0]) if row else before
            count_rows = queries.text("keep/count_rows")
            con.execute(f"CREATE TEMP TABLE rows_before AS {count_rows}")
            con.execute(queries.text("keep/find_expired"), {"before": before})
            con.execute(queries.text("keep/orphan_duplicates"))
            con.execute("DELETE FROM store.request_rows WHERE time < ?", [before])
            con.execute("DELETE FROM store.events WHERE time < ?", [before])
            con.execute(queries.text("keep/empty_excerpts"), {"before": before})
            con.execute(queries.fill(queries.text("keep/find_pruned"), {"now": count_rows}))
            con.execute(
                "INSERT INTO store.pruned BY NAME SELECT ? AS pruned_at, CAST(? AS TIMESTAMP) AS before, source_id,"
                " requests, events FROM gone",
                [now, before],
            )
            con.execute(
                "INSERT OR REPLACE INTO store.settings VALUES ('pruned_before', ?)", [before.isoformat(sep=" ")]
            )
            rows = con.execute("SELECT source, requests, events FROM gone ORDER BY source, source_id").fetchall()
        return before, [Pruned(*row) for row in rows]
    finally:
        con.close()
