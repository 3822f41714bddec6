"""Taking one source out of a store again, as if it had never been read."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tollbook import queries
from tollbook.errors import SourceError, UsageError
from tollbook.ingest.commit import Run
from tollbook.ingest.judge import Formats
from tollbook.ingest.reread import (
    Change,
    Lines,
    amend,
    find_files,
    plan,
    read_again,
    replace_lines,
    stamp,
    until_undisturbed,
)
from tollbook.ingest.run import connection
from tollbook.ingest.sources import full_name
from tollbook.store.connection import reader

if TYPE_CHECKING:
    import duckdb

_TABLES = ("request_rows", "events", "rejects", "duplicates", "pruned", "sources")
_NEAREST = 3


@dataclass(frozen=True)
class Forgotten:
    """What forgetting a source changed.

    Args:
        source: Its name.
        changes: What changed in the accounts: its own, and those of sources that shared records with it.
        lost: Records that are gone although other sources, which are not at hand, hold them too.
    """

    source: str
    changes: list[Change]
    lost: int = 0


def forget(
    name: str, paths: Sequence[str], run: Run, formats: Formats, *, assume_timezone: str = "UTC", force: bool = False
) -> Forgotten:
    """Take a source out, in one transaction: the store holds what it would hold had the source never been read.

    A record that another source holds too is kept, under that source. Where the two can differ (records with an id,
    of which the largest is kept) its lines are read again, so its file must be at hand.

    Args:
        name: The source: its path, or its number in the relation `sources`.
        paths: Files, folders and globs in which to look for files that are not where they were.
        run: The store, the prices and the clock; `dry` finds out only.
        formats: The formats to read by.
        assume_timezone: IANA zone of times that a log writes without one.
        force: Whether to lose what can be known only from files that are not at hand.

    Raises:
        UsageError: There is no such source, or there are several.
        SourceError: A file that is needed is not at hand.
        StoreError: The store cannot be used.
    """
    return until_undisturbed(lambda: _forget(name, paths, run, formats, assume_timezone, force=force))


def find_source(con: "duckdb.DuckDBPyConnection", name: str) -> tuple[int, str]:
    """Return the id and the name of a source.

    Raises:
        UsageError: There is no such source, or there are several.
    """
    sources = con.execute("SELECT source_id, name, first_read_at FROM store.sources ORDER BY source_id").fetchall()
    for matches in (
        [source for source in sources if source[1] in {name, full_name(name)}],
        [source for source in sources if str(source[0]) == name],
        [source for source in sources if Path(source[1]).name == name],
    ):
        if len(matches) > 1:
            read = ", ".join(f"{number} (read first at {first:%Y-%m-%d %H:%M})" for number, _, first in matches)
            raise UsageError(f"Several sources were read from {matches[0][1]}. Say the number of one: {read}.")
        if matches:
            return matches[0][0], matches[0][1]
    names = {Path(source).name: source for _, source, _ in sources} | {source: source for _, source, _ in sources}
    near = [names[close] for close in difflib.get_close_matches(name, names, n=_NEAREST)]
    hint = f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else 'List them: tollbook sql "FROM sources"'
    raise UsageError(f"There is no source {name}. {hint}")


def _forget(
    name: str, paths: Sequence[str], run: Run, formats: Formats, assume_timezone: str, *, force: bool
) -> Forgotten:
    with reader(run.store, lock_timeout_s=run.lock_timeout_s) as store:
        source_id, source = find_source(store, name)
        seen = stamp(store)
        shared = plan(store, queries.text("keep/find_shared"), {"source_id": source_id})
    files = find_files(shared, paths)
    missing = [lines for lines in shared if lines.source.source_id not in files]
    if missing and not force:
        raise SourceError(
            f"{source} shares records with files that are not at hand: {', '.join(lines.name for lines in missing)}. "
            "Say where they are with --look-in PATH, or lose those records with --force."
        )
    lost: list[object] = []
    con = connection(assume_timezone)

    def change() -> bool:
        _take_out(con, source_id)
        if again:
            replace_lines(con, run)
        lost.extend(_drop_lost(con, missing))
        return True

    try:
        again = read_again(con, shared, files, run, formats)
        changes = amend(con, run, seen, change)
    finally:
        con.close()
    return Forgotten(source, changes, len(set(lost)))


def _take_out(con: "duckdb.DuckDBPyConnection", source_id: int) -> None:
    """Leave to other sources what they hold too, and delete the rest."""
    for table in ("request_rows", "events"):
        con.execute(queries.fill(queries.text("keep/find_heirs"), {"table": table}), {"source_id": source_id})
        con.execute(
            f"UPDATE store.{table} SET source_id = h.source_id, line = h.line FROM heirs AS h"
            f" WHERE {table}.rowid = h.stored_row"
        )
        con.execute("DELETE FROM store.duplicates WHERE rowid IN (SELECT duplicate_row FROM heirs)")
    for table in _TABLES:
        con.execute(f"DELETE FROM store.{table} WHERE source_id = ?", [source_id])


def _drop_lost(con: "duckdb.DuckDBPyConnection", missing: Sequence[Lines]) -> list[tuple[object, ...]]:
    con.execute("CREATE OR REPLACE TEMP TABLE lines_lost (source_id INTEGER, line BIGINT)")
    for lines in missing:
        con.execute("INSERT INTO lines_lost SELECT ?, unnest(?)", [lines.source.source_id, list(lines.numbers)])
    return con.execute(queries.text("keep/drop_lost")).fetchall()
