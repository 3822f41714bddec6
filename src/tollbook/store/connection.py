"""Opening the store: briefly for writing, read-only everywhere else, waiting a bounded time for others."""

import random
import re
import time
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tollbook.errors import StoreError, StoreLockedError
from tollbook.store.turns import waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

LOCK_TIMEOUT_S = 30.0
_MIGRATIONS = Path(__file__).parent / "migrations"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.02, 0.5
# A commit writes the last, unfinished group of rows anew: in groups of DuckDB's own size (122,880), batches took twice
# as long to write, and a few appended lines as long as a hundred thousand. Reading is as fast, the file 5 % larger.
_ROW_GROUP_SIZE = 30_720


@contextmanager
def reader(path: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open the store read-only; its relations are `store.requests`, `store.events` and so on.

    Args:
        path: The store's file.
        lock_timeout_s: Seconds to wait while another process writes.

    Raises:
        StoreError: There is no store, or it is damaged, of a newer version, or not a store.
        StoreLockedError: Another process wrote for longer than the timeout.
    """
    _check_exists(path)
    con = _connect()
    try:
        attach(con, path, read_only=True, lock_timeout_s=lock_timeout_s)
        if _version(con, path) < len(_migrations()):
            con.execute("DETACH store")
            with writer(path, lock_timeout_s=lock_timeout_s):
                pass
            attach(con, path, read_only=True, lock_timeout_s=lock_timeout_s)
        yield con
    finally:
        con.close()


@contextmanager
def writer(path: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open the store for writing, made or migrated as needed. Hold it briefly: nobody else can read meanwhile.

    Args and errors are those of `reader`, but a missing store is made.
    """
    con = _connect()
    try:
        attach(con, path, read_only=False, lock_timeout_s=lock_timeout_s)
        yield con
    finally:
        con.close()


@contextmanager
def transaction(
    con: "duckdb.DuckDBPyConnection", path: Path, *, lock_timeout_s: float = LOCK_TIMEOUT_S, dry: bool = False
) -> "Iterator[None]":
    """Attach a store that is there for writing, and commit what is done to it in the `with` block: all or nothing.

    Args:
        con: A connection of `memory`.
        path: The store's file.
        lock_timeout_s: Seconds to wait while others use it.
        dry: Whether to undo everything at the end.

    Raises:
        StoreError: There is no store, or it cannot be used, or not be written.
        StoreLockedError: It was locked for longer than the timeout.
    """
    import duckdb  # noqa: PLC0415 - start-up

    _check_exists(path)
    attach(con, path, read_only=False, lock_timeout_s=lock_timeout_s)
    try:
        con.execute("BEGIN")
        try:
            yield
            con.execute("ROLLBACK" if dry else "COMMIT")
            with suppress(duckdb.Error):
                con.execute("CHECKPOINT store")  # so that the space of what was deleted is used again
        except BaseException:
            with suppress(duckdb.Error):
                con.execute("ROLLBACK")
            raise
    except duckdb.Error as error:
        raise StoreError(f"The store {path} could not be written and is as it was: {reason(error)}") from error
    finally:
        with suppress(duckdb.Error):
            con.execute("DETACH store")


def attach(con: "duckdb.DuckDBPyConnection", path: Path, *, read_only: bool, lock_timeout_s: float) -> None:
    """Attach the store to a connection as `store`, waiting for a lock; for writing, bring its schema up to date.

    Raises:
        StoreError: It cannot be opened, or is not a store, or a newer tollbook wrote it.
        StoreLockedError: It was locked for longer than the timeout.
    """
    import duckdb  # noqa: PLC0415 - start-up: only commands that need the store pay for it

    if not read_only:
        _make_folder(path)
    # The type is said because DuckDB would look for an extension that reads an SQLite file, say.
    mode = f"TYPE duckdb, {'READ_ONLY' if read_only else f'ROW_GROUP_SIZE {_ROW_GROUP_SIZE}'}"
    _attach_in_turn(con, path, mode, lock_timeout_s)
    try:
        if not read_only:
            _migrate(con, path)
    except duckdb.Error as error:
        raise _unusable(path, error) from error


def memory() -> "duckdb.DuckDBPyConnection":
    """Return a connection of its own in memory, with times in UTC, to which a store can be attached."""
    return _connect()


def _connect() -> "duckdb.DuckDBPyConnection":
    import duckdb  # noqa: PLC0415 - start-up

    con = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # DuckDB would draw it on stdout, which is data
    return con


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise StoreError(f"There is no store at {path} yet. Make it with: tollbook ingest PATH...")


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"The folder of the store {path} cannot be made: {error.strerror}.") from error


def _attach_in_turn(con: "duckdb.DuckDBPyConnection", path: Path, mode: str, lock_timeout_s: float) -> None:
    import duckdb  # noqa: PLC0415 - start-up

    deadline = time.monotonic() + lock_timeout_s
    wait_s = _FIRST_WAIT_S
    with ExitStack() as turn:
        while True:
            try:
                con.execute(f"ATTACH {_quoted(path)} AS store ({mode})")
            except duckdb.Error as error:
                if "lock on file" not in str(error):
                    raise _unusable(path, error) from error
                if time.monotonic() >= deadline:
                    message = (
                        f"The store {path} is in use by another process and stayed so for {lock_timeout_s:g} s. "
                        "Try again, or wait longer with --lock-timeout."
                    )
                    raise StoreLockedError(message) from error
            else:
                return
            if wait_s == _FIRST_WAIT_S:
                turn.enter_context(waiting(path))
            time.sleep(min(wait_s, max(0.0, deadline - time.monotonic())) * random.uniform(0.5, 1))  # noqa: S311
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _unusable(path: Path, error: Exception) -> StoreError:
    text = str(error)
    if "not a valid DuckDB database" in text:
        return StoreError(f"{path} is not a tollbook store. Choose another file with --store.")
    if "version number" in text:
        return StoreError(f"The store {path} was written by a newer DuckDB. Upgrade tollbook to read it.")
    if path.is_dir():
        return StoreError(f"{path} is a folder, not a store. Name a file: --store {path / 'tollbook.duckdb'}")
    return StoreError(f"The store {path} cannot be opened: {reason(error)}")


def reason(error: Exception) -> str:
    """Return why DuckDB failed as a sentence: without its names for errors, and with what to do where that is clear."""
    text = str(error)
    if "No space left on device" in text:
        return "there is no space left on the disk. Make room, and run it again."
    first = re.sub(r"^\w+ Error: ", "", text.partition("\n")[0]) or type(error).__name__
    return f"{first.rstrip('.!')}."


def _migrations() -> list[Path]:
    return sorted(_MIGRATIONS.glob("*.sql"))


def tables_of_migrations() -> list[str]:
    """Return the names of the tables that the store's schema has."""
    texts = (file.read_text(encoding="utf-8") for file in _migrations())
    return ["migrations", *(name for text in texts for name in re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE))]


def _version(con: "duckdb.DuckDBPyConnection", path: Path) -> int:
    """Return how many migrations the attached store has had; an empty database has had none."""
    import duckdb  # noqa: PLC0415 - start-up

    try:
        row = con.execute("SELECT max(version) FROM store.migrations").fetchone()
    except duckdb.CatalogException as error:
        if con.execute("FROM duckdb_tables() WHERE database_name = 'store'").fetchall():
            message = f"{path} is a DuckDB database, but not a tollbook store. Choose another file with --store."
            raise StoreError(message) from error
        return 0
    version = int(row[0]) if row and row[0] is not None else 0
    if version > len(_migrations()):
        raise StoreError(f"The store {path} was written by a newer tollbook. Upgrade tollbook to use it.")
    return version


def _migrate(con: "duckdb.DuckDBPyConnection", path: Path) -> None:
    done = _version(con, path)
    files = _migrations()
    if done == len(files):
        return
    con.execute("USE store")
    for number, file in enumerate(files[done:], start=done + 1):
        con.execute("BEGIN")
        con.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL)"
        )
        con.execute(file.read_text(encoding="utf-8"))
        applied_at = datetime.now(UTC).replace(tzinfo=None)
        con.execute("INSERT INTO migrations VALUES (?, ?, ?)", [number, file.stem, applied_at])
        con.execute("COMMIT")
    con.execute("USE memory")
    # Rows that are inserted into a table that is still in the write-ahead log would be written twice.
    con.execute("CHECKPOINT store")
