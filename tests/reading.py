"""Reading logs into stores from tests, and comparing what stores hold."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tollbook.ingest.batches import Outcome
from tollbook.ingest.commit import Run
from tollbook.ingest.formats import native, shipped
from tollbook.ingest.judge import Formats
from tollbook.ingest.run import ingest
from tollbook.ingest.stream import Live

NOW = datetime(2026, 11, 1, 12)
# Where a record was first seen, and by which run: the same content may differ in these.
_PROVENANCE = {"source_id", "line", "byte_offset", "batch_id"}
_TABLES = ("requests", "events", "rejects")


class NoPrices:
    """A catalogue that knows nothing."""

    def resolve(self, *_: object) -> None:
        return None


def read(
    store: Path,
    *sources: Path | str,
    formats: Formats | None = None,
    catalogue: Any = None,
    batch_bytes: int | None = None,
    dry: bool = False,
    live: Live | None = None,
) -> list[Outcome]:
    """Ingest sources into a store and see that the account of each adds up."""
    run = Run(
        store=store,
        lock_timeout_s=30,
        started_at=NOW,
        catalogue=catalogue or NoPrices(),
        aliases={},
        keep_excerpts=True,
        dry=dry,
    )
    size = {} if batch_bytes is None else {"batch_bytes": batch_bytes}
    outcomes = ingest(
        [str(source) for source in sources], run, formats or Formats(native(), shipped()), live=live, **size
    )
    for outcome in outcomes:
        account = outcome.account
        assert account.read == account.requests + account.events + account.duplicates + account.rejected, outcome
    return outcomes


def ask(store: Path, query: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a query over a store."""
    with duckdb.connect(str(store), read_only=True) as con:
        return con.execute(query, list(params)).fetchall()


def content(store: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return what a store holds: how often each request, event and reject, wherever it was read from."""
    with duckdb.connect(str(store), read_only=True) as con:
        found = {}
        for table in _TABLES:
            names = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()]
            kept = ", ".join(name for name in names if name not in _PROVENANCE)
            found[table] = Counter(con.execute(f"SELECT {kept} FROM {table}").fetchall())
        return found


def check_accounts(store: Path) -> None:
    """See that every record read is accounted for: in the runs, in the sources, and in the tables."""
    names = ("read", "requests", "events", "duplicates", "rejected")
    parts = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    (batches,) = ask(store, f"SELECT {parts} FROM batches")
    (sources,) = ask(store, f"SELECT {parts} FROM sources")
    assert batches == sources
    assert batches[0] == sum(batches[1:])
    pruned = ask(store, "SELECT coalesce(sum(requests), 0), coalesce(sum(events), 0) FROM pruned")[0]
    tables = [
        ask(store, f"SELECT count(*) FROM {name}")[0][0] for name in ("requests", "events", "duplicates", "rejects")
    ]
    assert [tables[0] + pruned[0], tables[1] + pruned[1], *tables[2:]] == list(batches[1:])
    for table, column in (
        ("requests", "requests"),
        ("events", "events"),
        ("duplicates", "duplicates"),
        ("rejects", "rejected"),
    ):
        held = Counter(dict(ask(store, f"SELECT source_id, count(*) FROM {table} GROUP BY ALL")))
        if table in {"requests", "events"}:
            held += Counter(
                dict(ask(store, f"SELECT source_id, CAST(sum({table}) AS BIGINT) FROM pruned GROUP BY ALL"))
            )
        told = dict(ask(store, f"SELECT source_id, {column} FROM sources WHERE {column} <> 0"))
        assert held == told, table


SPOKEN = "the words that nobody may keep"


def kept(folder: Path, *records: dict[str, Any] | str, rejected: int = 0, catalogue: Any = None) -> Path:
    """Ingest records as lines of one log, and see that reading them again adds nothing and no prompt was stored.

    Args:
        folder: Where the log and the store are made.
        records: Records, or lines as they stand.
        rejected: How many of the lines are damaged.
        catalogue: Prices; none by default.

    Returns:
        The store.
    """
    log, store = folder / "log.jsonl", folder / "store.duckdb"
    log.write_text("".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records))
    (outcome,) = read(store, log, catalogue=catalogue)
    assert outcome.account.rejected == rejected
    held = content(store)
    copy = folder / "copy.jsonl"
    copy.write_bytes(b"\n" + log.read_bytes())
    read(store, copy, catalogue=catalogue)
    assert content(store) == held
    check_accounts(store)
    with duckdb.connect(str(store), read_only=True) as con:
        for table in ("requests", "events"):
            assert SPOKEN not in str(con.execute(f"SELECT * FROM {table}").fetchall())
    if not rejected:
        assert SPOKEN.encode() not in store.read_bytes()
    return store
