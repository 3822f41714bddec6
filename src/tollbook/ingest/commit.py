"""From a judged batch to the store, in one transaction: what is new, what it cost, and how far was read."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tollbook import __version__, queries
from tollbook.errors import StoreError, StoreLockedError
from tollbook.ingest.account import Account
from tollbook.ingest.sources import Known
from tollbook.store.columns import absent_columns, add_columns, view_stored
from tollbook.store.connection import attach, reason

if TYPE_CHECKING:
    import duckdb

    from tollbook.prices.resolve import Catalogue

_EXCERPT_LENGTH = 200
# Of a store that is larger than that, a batch is compared with in so much memory.
_LARGE_STORE_BYTES, _MATCHING_BYTES = 512 << 20, 256 << 20
# `price` has the columns of the store's table `prices`.
_PRICE_TABLES = """
CREATE TEMP TABLE IF NOT EXISTS price (
    price_id VARCHAR, catalogue VARCHAR, provider VARCHAR, model VARCHAR, service_tier VARCHAR, valid_from TIMESTAMP,
    valid_until TIMESTAMP, over_tokens BIGINT, upto_tokens BIGINT, minute_from SMALLINT, minute_until SMALLINT,
    weekdays SMALLINT, input DECIMAL(18, 9), cached_input DECIMAL(18, 9), cache_write DECIMAL(18, 9),
    cache_write_1h DECIMAL(18, 9), output DECIMAL(18, 9));
CREATE OR REPLACE TEMP TABLE tiers (
    provider VARCHAR, model VARCHAR, service_tier VARCHAR,
    price_provider VARCHAR, price_model VARCHAR, price_tier VARCHAR);
"""
_NO_REPEATS = """
CREATE OR REPLACE TEMP TABLE rivals (
    staged_row BIGINT, stored_row BIGINT, source_id INTEGER, line BIGINT, identity UBIGINT, place BIGINT,
    has_stored BOOLEAN);
CREATE OR REPLACE TEMP TABLE repeats (staged_row BIGINT, kind VARCHAR);
"""


class ConflictError(Exception):
    """Another run has read one of the batch's sources meanwhile; recognise the sources anew and read again."""


@dataclass
class Progress:
    """How far one source was read, as a batch found and left it.

    Args:
        number: The source's number within the batch.
        name: Where it is.
        head: Digest of its first line.
        before: What the store knew of it when the batch was read, or None.
        rivals: Ids and positions of all the sources with that first line that the store knew then; None for a pipe,
            which is new whatever else is read.
        position: Bytes read when the batch is done.
        lines: Line ends among them.
        tail: Digest of the bytes before the position.
        carried: What its lines so far say of those to come, JSON; None where nothing.
        source_id: Its row in `sources`, given at the first commit.
        account: What the batch held of it.
    """

    number: int
    name: str
    head: str
    before: Known | None
    rivals: frozenset[tuple[int, int]] | None
    position: int
    lines: int
    tail: str
    carried: str | None = None
    source_id: int = 0
    account: Account = field(default_factory=Account)


@dataclass
class Run:
    """What stays the same over the batches of one run.

    Args:
        store: The store's file.
        lock_timeout_s: Seconds to wait for it.
        started_at: When the run began, naive UTC.
        catalogue: The prices.
        aliases: Names in the logs -> catalogue names.
        keep_excerpts: Whether to store the beginning of refused lines.
        dry: Whether to do everything but change the store.
        clock: Tells the time of a commit, naive UTC; None where all of them are of the moment when the run began.
        committed: Told of every commit: its account, and of how many sources it was.
        waits: Asked when the store stays locked: whether to go on waiting.
        batch_id: The run's row in `batches`, given at its first commit.
        account: Everything committed so far.
    """

    store: Path
    lock_timeout_s: float
    started_at: datetime
    catalogue: "Catalogue"
    aliases: Mapping[str, str]
    keep_excerpts: bool
    dry: bool = False
    clock: Callable[[], datetime] | None = None
    committed: Callable[[Account, int], None] = lambda account, sources: None  # noqa: ARG005
    waits: Callable[[StoreLockedError], bool] = lambda error: False  # noqa: ARG005
    batch_id: int = 0
    account: Account = field(default_factory=Account)


def prepare(con: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Do what a batch needs before it is committed and can be done without the store: find its prices and its twins."""
    con.execute(queries.text("ingest/summarise"))
    _price(con, run)


def commit(con: "duckdb.DuckDBPyConnection", run: Run, progress: Sequence[Progress]) -> None:
    """Commit a prepared `staged` (and `offsets`) with the positions of its sources; nothing or all of it.

    Raises:
        ConflictError: Another run got ahead on one of the sources; nothing was committed.
        StoreError: The store cannot be written.
    """
    import duckdb  # noqa: PLC0415 - start-up

    attach_store(con, run)
    try:
        try:
            is_large = run.store.exists() and run.store.stat().st_size > _LARGE_STORE_BYTES
            _commit_attached(con, run, progress, sparing=is_large)
        except duckdb.OutOfMemoryException:  # it does take more
            con.execute("RESET memory_limit")
            _commit_attached(con, run, progress, sparing=False)
    except duckdb.Error as error:
        # The disk is full, or gone: what is left of DuckDB's message says which, and holds nothing of the logs.
        raise StoreError(f"The store {run.store} could not be written and is as it was: {reason(error)}") from error
    finally:
        with suppress(duckdb.Error):
            con.execute("DETACH store")


def _commit_attached(
    con: "duckdb.DuckDBPyConnection", run: Run, progress: Sequence[Progress], *, sparing: bool
) -> None:
    import duckdb  # noqa: PLC0415 - start-up

    con.execute("BEGIN")
    try:
        _check_hash(con)
        _claim(con, run, progress)
        has_repeats = _find_repeats(con, sparing=sparing)
        _count(con, progress, has_repeats=has_repeats)
        if not run.dry:
            _insert(con, run, has_repeats=has_repeats)
            _record(con, run, progress)
            con.execute("COMMIT")
            return
    except BaseException:
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise
    con.execute("ROLLBACK")


def store_again(con: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Store a prepared `staged` (with `offsets` and `batch_sources`) of lines that were taken out before.

    Part of a transaction on an attached store; whoever began it sees to the accounts.
    """
    _check_hash(con)
    _insert(con, run, has_repeats=_find_repeats(con, twins="ingest/renumber_twins"))


def attach_store(con: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Attach the store for writing; for a dry run read-only, or an empty one in memory where there is none."""
    if run.dry and not run.store.exists():
        attach(con, Path(":memory:"), read_only=False, lock_timeout_s=run.lock_timeout_s)
    else:
        attach(con, run.store, read_only=run.dry, lock_timeout_s=run.lock_timeout_s)


def _price(con: "duckdb.DuckDBPyConnection", run: Run) -> None:
    """Fill `rates`: the prices that can apply to the batch, by provider, model and tier as the log writes them.

    All of the catalogue's prices of those models go to the store; `rates` leaves out those of other times.
    """
    from tollbook.prices.table import service_tier  # noqa: PLC0415 - start-up

    con.execute(_PRICE_TABLES)
    con.execute(queries.text("cost_of_tokens"))
    named = con.execute(
        "SELECT DISTINCT provider, model, service_tier FROM summary WHERE kind = 'request' AND model IS NOT NULL"
    ).fetchall()
    tiers: list[tuple[object, ...]] = []
    keys: dict[str, None] = {}
    for provider, model, tier in named:
        key = run.catalogue.resolve(provider, model, run.aliases)
        if key is not None:
            keys[key] = None
            tiers.append((provider, model, tier, *key.split("/", 1), service_tier(tier)))
    _insert_rows(con, "tiers", tiers)
    known = {f"{row[0]}/{row[1]}" for row in con.execute("SELECT DISTINCT provider, model FROM price").fetchall()}
    _insert_rows(con, "price", [price for key in keys if key not in known for price in run.catalogue.prices(key)])
    con.execute(queries.text("ingest/choose_rates"))


def _insert_rows(con: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        con.execute(f"INSERT INTO {table} SELECT {', '.join('unnest(?)' for _ in columns)}", columns)


def _check_hash(con: "duckdb.DuckDBPyConnection") -> None:
    """See that identities of ids are hashed as DuckDB hashes now; a DuckDB that hashes otherwise gets them renewed."""
    now = "CAST(hash('tollbook') AS VARCHAR)"
    row = con.execute(f"SELECT value = {now} FROM store.settings WHERE name = 'hash'").fetchone()
    if row is None:
        con.execute(f"INSERT INTO store.settings SELECT 'hash', {now}")
    elif not row[0]:
        con.execute(queries.text("ingest/renew_duplicates"))
        if "request_id" not in absent_columns(con):
            con.execute("UPDATE store.request_rows SET identity = hash(request_id) WHERE request_id IS NOT NULL")
        con.execute(f"UPDATE store.settings SET value = {now} WHERE name = 'hash'")


def _claim(con: "duckdb.DuckDBPyConnection", run: Run, progress: Sequence[Progress]) -> None:
    """Give new sources their ids, and see that nobody else read on in the others."""
    stored: dict[str, set[tuple[int, int]]] = {}
    next_id = 1
    for source_id, head, position in con.execute("SELECT source_id, head, position FROM store.sources").fetchall():
        stored.setdefault(head, set()).add((source_id, position))
        next_id = max(next_id, source_id + 1)
    for source in progress:
        if source.rivals is not None and source.rivals != stored.get(source.head, set()):
            raise ConflictError
        if source.before is not None:
            source.source_id = source.before.source_id
        else:
            source.source_id = next_id
            next_id += 1
    if not run.batch_id and not run.dry:
        (run.batch_id,) = con.execute("SELECT coalesce(max(batch_id), 0) + 1 FROM store.batches").fetchone() or (1,)
    con.execute("CREATE OR REPLACE TEMP TABLE batch_sources (source_no INTEGER, source_id INTEGER, is_new BOOLEAN)")
    _insert_rows(con, "batch_sources", [(s.number, s.source_id, s.before is None) for s in progress])


def _find_repeats(
    con: "duckdb.DuckDBPyConnection", twins: str = "ingest/number_twins", *, sparing: bool = False
) -> bool:
    """Fill `repeats`: rows of `staged` that are here already; `rivals` says of ids which record is kept.

    Returns:
        Whether there can be any; where not, which is most of the time, both are empty.
    """
    pruned = con.execute("SELECT CAST(value AS TIMESTAMP) FROM store.settings WHERE name = 'pruned_before'").fetchone()
    if pruned:
        con.execute(queries.text("ingest/mark_pruned"), {"pruned_before": pruned[0]})
    if _holds(con, "(FROM suspects) OR EXISTS (FROM batch_sources WHERE NOT is_new)"):
        con.execute(queries.text(twins))
    view_stored(con)
    _match_stored(con, sparing=sparing)
    if not pruned and not _holds(con, "(FROM suspects) OR EXISTS (FROM matched)"):
        con.execute(_NO_REPEATS)
        return False
    con.execute(queries.text("ingest/rank_rivals"))
    con.execute(queries.text("ingest/find_repeats"))
    return True


def _match_stored(con: "duckdb.DuckDBPyConnection", *, sparing: bool) -> None:
    """Fill `matched`; DuckDB would keep all that it reads of the store for that, most of a gigabyte of a large one."""
    if sparing:
        (used,) = con.execute("SELECT CAST(sum(memory_usage_bytes) AS BIGINT) FROM duckdb_memory()").fetchone() or (0,)
        con.execute(f"SET memory_limit = '{used + _MATCHING_BYTES}B'")
    con.execute(queries.text("ingest/match_stored"))
    if sparing:
        con.execute("RESET memory_limit")


def _holds(con: "duckdb.DuckDBPyConnection", exists: str) -> bool:
    return con.execute(f"SELECT EXISTS {exists}").fetchall() == [(True,)]


def _count(con: "duckdb.DuckDBPyConnection", progress: Sequence[Progress], *, has_repeats: bool) -> None:
    """Fill in the accounts; a record that takes the place of a stored one with its id counts as a duplicate."""
    rows = con.execute(queries.text("ingest/account" if has_repeats else "ingest/account_of_new")).fetchall()
    accounts = {row[0]: Account(*row[1:]) for row in rows}
    for source in progress:
        source.account = accounts.get(source.number, Account())
        source.account.check(source.name)


def _insert(con: "duckdb.DuckDBPyConnection", run: Run, *, has_repeats: bool) -> None:
    new = ""
    params: dict[str, object] = {"batch_id": run.batch_id}
    if has_repeats:
        new = "AND s.staged_row NOT IN (SELECT staged_row FROM repeats)"
        con.execute(queries.text("ingest/displace_stored"), params)
        con.execute("DELETE FROM store.request_rows WHERE rowid IN (SELECT stored_row FROM rivals WHERE place > 1)")
        con.execute(queries.text("ingest/insert_duplicates"), params)
    kinds = {kind for (kind,) in con.execute("SELECT DISTINCT kind FROM summary").fetchall()}
    if "request" in kinds:
        absent = _add_filled_columns(con)
        exclude = f"EXCLUDE ({', '.join(absent)})" if absent else ""
        con.execute(queries.fill(queries.text("ingest/insert_requests"), {"new": new, "exclude": exclude}), params)
        con.execute("INSERT OR IGNORE INTO store.prices FROM price")
    if "event" in kinds:
        con.execute(queries.fill(queries.text("ingest/insert_events"), {"new": new}), params)
    if "reject" in kinds:
        excerpt = {"excerpt_length": _EXCERPT_LENGTH if run.keep_excerpts else None}
        con.execute(queries.fill(queries.text("ingest/insert_rejects"), {"new": new}), params | excerpt)


def _add_filled_columns(con: "duckdb.DuckDBPyConnection") -> list[str]:
    """Add the columns of requests that the batch is the first to have a value for; return those still absent."""
    absent = absent_columns(con)
    if not absent:
        return []
    # A batch without prices leaves the columns of pricing empty, but for what was answered from a cache.
    filled_by = {
        **dict.fromkeys(("price_id", "catalogue"), "(SELECT count(*) FROM rates)"),
        "computed_cost": "(SELECT count(*) FROM rates) + count(cache_hit)",
    }
    filled: list[str] = []
    left = absent
    for relation in ("(FROM judged LIMIT 2048)", "judged"):  # the first rows have most of what there is
        counts = ", ".join(filled_by.get(name, f"count({name})") for name in left)
        found = con.execute(f"SELECT {counts} FROM {relation}").fetchone() or ()
        filled += [name for name, count in zip(left, found, strict=True) if count]
        left = [name for name in absent if name not in filled]
        if not left:
            break
    add_columns(con, filled)
    return left


def _record(con: "duckdb.DuckDBPyConnection", run: Run, progress: Sequence[Progress]) -> None:
    """Write how far each source was read, and the account of the run so far."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE places (source_id INTEGER, is_new BOOLEAN, name VARCHAR, head VARCHAR,"
        " tail VARCHAR, carried VARCHAR, position BIGINT, lines BIGINT, read BIGINT, requests BIGINT, events BIGINT,"
        " duplicates BIGINT, rejected BIGINT)"
    )
    rows = [
        (s.source_id, s.before is None, s.name, s.head, s.tail, s.carried, s.position, s.lines, *astuple(s.account))
        for s in progress
    ]
    _insert_rows(con, "places", rows)
    now = {"now": run.clock() if run.clock else run.started_at}
    con.execute(queries.text("ingest/insert_sources"), now)
    con.execute(queries.text("ingest/update_sources"), now)
    con.execute(queries.text("ingest/move_displaced"))
    total = run.account + sum((source.account for source in progress), Account())
    con.execute("DELETE FROM store.batches WHERE batch_id = ?", [run.batch_id])
    con.execute(
        "INSERT INTO store.batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run.batch_id, run.started_at, __version__, total.read, total.requests, total.events, total.duplicates,
            total.rejected,
        ],
    )  # fmt: skip
