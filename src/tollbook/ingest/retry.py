"""Reading refused lines again, after what refused them was put right."""

from collections.abc import Sequence
from dataclasses import dataclass

from tollbook.ingest.account import Account
from tollbook.ingest.commit import Run
from tollbook.ingest.judge import Formats
from tollbook.ingest.reread import amend, find_files, plan, read_again, replace_lines, stamp, until_undisturbed
from tollbook.ingest.run import connection
from tollbook.store.connection import reader


@dataclass(frozen=True)
class Retried:
    """What became of the refused lines of one source.

    Args:
        source: Its name.
        account: `read`, the records that were tried; `rejected`, those that are refused still.
        error: Why they could not be read, or None.
    """

    source: str
    account: Account
    error: str | None = None


def retry(paths: Sequence[str], run: Run, formats: Formats, *, assume_timezone: str = "UTC") -> list[Retried]:
    """Read refused lines again where their files are at hand, and store what is understood now, in one transaction.

    Args:
        paths: Files, folders and globs in which to look for sources that are not where they were.
        run: The store, the prices and the clock; `dry` finds out only.
        formats: The formats to read by.
        assume_timezone: IANA zone of times that a log writes without one.

    Returns:
        A row per source with refused lines, in the order of their names, and per source whose account changed because a
        larger record with its id was accepted: tried = requests + events + duplicates + refused still.

    Raises:
        SourceError: A path finds nothing.
        StoreError: The store cannot be used.
    """
    return until_undisturbed(lambda: _retry(paths, run, formats, assume_timezone))


def _retry(paths: Sequence[str], run: Run, formats: Formats, assume_timezone: str) -> list[Retried]:
    with reader(run.store, lock_timeout_s=run.lock_timeout_s) as store:
        seen = stamp(store)
        wanted = plan(store, "SELECT source_id, line FROM store.rejects", {})
        refused = dict(store.execute("SELECT source_id, count(*) FROM store.rejects GROUP BY source_id").fetchall())
    files = find_files(wanted, paths)
    con = connection(assume_timezone)
    try:
        found = read_again(con, wanted, files, run, formats)
        changes = amend(con, run, seen, lambda: replace_lines(con, run)) if found else []
    finally:
        con.close()
    accounts = {change.source_id: (change.source, change.account) for change in changes}
    retried = []
    for lines in wanted:
        source_id = lines.source.source_id
        _, account = accounts.pop(source_id, (lines.name, Account()))
        if source_id in files:
            tried = Account(read=refused[source_id], rejected=refused[source_id])
            retried.append(Retried(lines.name, tried + account))
        else:
            retried.append(Retried(lines.name, Account(), "not at hand: say where it is now"))
    retried += [Retried(name, account) for name, account in accounts.values()]
    return sorted(retried, key=lambda one: one.source)
