"""Reading given lines of known sources again, and changing a store by it: what `rejects retry` and `forget` share."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from tollbook import __version__, queries
from tollbook.errors import SourceError, TollbookError
from tollbook.ingest.account import Account
from tollbook.ingest.commit import ConflictError, Run, prepare, store_again
from tollbook.ingest.judge import Formats, judge
from tollbook.ingest.lines import Block, blocks
from tollbook.ingest.listing import find_sources
from tollbook.ingest.sources import Known, head_of, is_pipe, recognise
from tollbook.ingest.stream import open_stream
from tollbook.store.connection import transaction

if TYPE_CHECKING:
    import duckdb

_BLOCK_BYTES = 4 << 20
_NEAR_LINES = 500  # a piece of text costs as much as so many blank lines
_MOST_CONFLICTS = 100
_TABLES = ("request_rows", "events", "rejects", "duplicates")
Stamp = tuple[object, ...]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Lines:
    """Lines of one source that are to be read again.

    Args:
        source: The source, as it was read.
        name: Where it was last seen.
        numbers: The lines that records begin in, ascending.
        windows: Stretches of lines that the records take: the first, and the first behind them, or None.
    """

    source: Known
    name: str
    numbers: tuple[int, ...]
    windows: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class Change:
    """What changed in the account of one source: counts to add, negative where something was taken out."""

    source_id: int
    source: str
    account: Account


def until_undisturbed(attempt: Callable[[], _Result]) -> _Result:
    """Return what an attempt does, made anew whenever another run changed the store meanwhile.

    Raises:
        TollbookError: Others keep changing it.
    """
    for _ in range(_MOST_CONFLICTS):
        with suppress(ConflictError):
            return attempt()
    raise TollbookError("Other runs keep changing the store. Try again when they are done.")


def stamp(con: "duckdb.DuckDBPyConnection") -> Stamp:
    """Return what is another whenever a run has changed the attached store."""
    row = con.execute(
        "SELECT (SELECT max(batch_id) FROM store.batches), (SELECT count(*) FROM store.pruned),"
        " (SELECT list((source_id, position) ORDER BY source_id) FROM store.sources)"
    ).fetchone()
    return row or ()


def plan(con: "duckdb.DuckDBPyConnection", wanted: str, params: Mapping[str, object]) -> list[Lines]:
    """Return the lines that a query of source_id and line asks for, with those that their records go on in.

    Args:
        con: A connection with an attached store.
        wanted: The query.
        params: Its parameters.
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE wanted AS SELECT DISTINCT source_id, line FROM ({wanted})", dict(params))
    numbers: dict[int, list[int]] = {}
    for source_id, line in con.execute("SELECT source_id, line FROM wanted ORDER BY ALL").fetchall():
        numbers.setdefault(source_id, []).append(line)
    windows: dict[int, list[tuple[int, int | None]]] = {}
    for source_id, first, until in con.execute(queries.text("ingest/windows")).fetchall():
        windows.setdefault(source_id, []).append((first, until))
    sources = con.execute("SELECT source_id, head, tail, position, lines, name FROM store.sources").fetchall()
    return [
        Lines(Known(*known), name, tuple(numbers[known[0]]), tuple(windows[known[0]]))
        for *known, name in sorted(sources)
        if known[0] in numbers
    ]


def find_files(wanted: Sequence[Lines], paths: Sequence[str]) -> dict[int, str]:
    """Return where the sources are now, by id: under their names or among the paths, known by their content.

    Args:
        wanted: Lines of the sources to find.
        paths: Files, folders and globs in which to look too.

    Raises:
        SourceError: A path finds nothing.
    """
    listing = find_sources(paths)
    if listing.errors:
        raise listing.errors[0]
    heads: dict[str, list[str]] = {}
    for path in (source.name for source in listing.sources):
        if not is_pipe(path):
            with suppress(SourceError):  # what is no log, or cannot be read, is none of those that are wanted
                stream = open_stream(path)
                heads.setdefault(head_of(stream), []).append(path)
                stream.close()
    found = {}
    for lines in wanted:
        for path in (lines.name, *heads.get(lines.source.head, ())):
            if not is_pipe(path) and _is(path, lines.source):
                found[lines.source.source_id] = path
                break
    return found


def _is(path: str, source: Known) -> bool:
    try:
        found = recognise(path, {source.head: [source]})
    except SourceError:
        return False
    found.stream.close()
    return found.known is not None


def read_again(
    con: "duckdb.DuckDBPyConnection", wanted: Sequence[Lines], files: Mapping[int, str], run: Run, formats: Formats
) -> bool:
    """Fill `staged` and `offsets` with the lines of the sources that were found, and `wanted` with where they are.

    Returns:
        Whether there is anything to store again.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE wanted (source_id INTEGER, line BIGINT)")
    con.execute("CREATE OR REPLACE TEMP TABLE offsets (source_no INTEGER, line BIGINT, byte_offset BIGINT)")
    pieces: list[Block] = []
    for lines in wanted:
        if path := files.get(lines.source.source_id):
            source_id = lines.source.source_id
            offsets: list[int] = []
            stream = open_stream(path)
            try:
                for block, starts in _blocks_of(lines, blocks(stream, source_id, 1, _BLOCK_BYTES)):
                    pieces += _pieces(lines, block, starts)
                    offsets += _offsets(lines, block, starts)
            finally:
                stream.close()
            if len(offsets) < len(lines.numbers):
                raise ConflictError  # it was cut short just now
            con.execute("INSERT INTO wanted SELECT ?, unnest(?)", [source_id, list(lines.numbers)])
            con.execute("INSERT INTO offsets SELECT ?, unnest(?), unnest(?)", [source_id, list(lines.numbers), offsets])
    if not pieces:
        return False
    judge(con, formats, pieces)
    con.execute("DELETE FROM staged WHERE (source_no, line) NOT IN (SELECT (source_id, line) FROM wanted)")
    prepare(con, run)
    return True


def _blocks_of(lines: Lines, found: Iterator[Block]) -> Iterator[tuple[Block, list[int]]]:
    """Yield the blocks up to what was read of a source, each with where its lines start in it."""
    last = lines.numbers[-1]
    until = lines.windows[-1][1]
    for block in found:
        data = block.data[: max(0, lines.source.position - block.offset)]
        if not data or (until is not None and block.line >= until and block.line > last):
            return
        starts = list(accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))
        yield replace(block, data=data), starts


def _pieces(lines: Lines, block: Block, starts: Sequence[int]) -> Iterator[Block]:
    """Cut the windows out of a block; those that are near to each other with blank lines between them, as one."""
    count = len(starts) - 1
    data, first_line, next_line = bytearray(), 0, 0
    before = bisect_right(lines.windows, block.line, key=lambda window: window[0])
    for first, until in lines.windows[max(0, before - 1) :]:
        begin = max(first - block.line, 0)
        end = count if until is None else min(until - block.line, count)
        if begin >= count:
            break
        if begin >= end:
            continue
        if data and begin - next_line <= _NEAR_LINES:
            data += b"\n" * (begin - next_line)
        else:
            if data:
                yield _piece(block, data, first_line, starts)
            data, first_line = bytearray(), begin
        data += block.data[starts[begin] : starts[end]]
        next_line = end
    if data:
        yield _piece(block, data, first_line, starts)


def _piece(block: Block, data: bytearray, line: int, starts: Sequence[int]) -> Block:
    """Return lines of a block as a block of their own; the first may go on from the block before."""
    return replace(
        block,
        data=bytes(data),
        offset=block.offset + starts[line],
        line=block.line + line,
        part=block.part if line == 0 else 0,
        is_rest=block.is_rest and line == 0,
    )


def _offsets(lines: Lines, block: Block, starts: Sequence[int]) -> list[int]:
    """Return the positions in the source of the wanted lines that begin in a block."""
    ends = block.data.count(b"\n") - block.data.endswith(b"\n")
    first = block.line + (block.part > 0)  # or it began in a block before
    numbers = lines.numbers[bisect_left(lines.numbers, first) : bisect_right(lines.numbers, block.line + ends)]
    return [block.offset + starts[number - block.line] for number in numbers]


def amend(con: "duckdb.DuckDBPyConnection", run: Run, seen: Stamp, change: Callable[[], bool]) -> list[Change]:
    """Change the store in one transaction, the accounts of its sources with it, and add the run to its batches.

    Args:
        con: A connection of its own.
        run: The run; its `batch_id` is given here.
        seen: The stamp of the store that the change is meant for.
        change: Changes the rows of the attached store; returns whether it changed anything.

    Returns:
        What changed in the accounts, by source.

    Raises:
        ConflictError: The store is another one by now; nothing was done.
    """
    changes: list[Change] = []
    with suppress(_NothingError), transaction(con, run.store, lock_timeout_s=run.lock_timeout_s, dry=run.dry):
        if stamp(con) != seen:
            raise ConflictError
        counted = queries.fill(queries.text("keep/counted"), {"rows": queries.text("keep/count_rows")})
        con.execute(f"CREATE OR REPLACE TEMP TABLE counted_before AS {counted}")
        con.execute("CREATE OR REPLACE TEMP TABLE sources_before AS SELECT source_id, name FROM store.sources")
        (run.batch_id,) = con.execute("SELECT coalesce(max(batch_id), 0) + 1 FROM store.batches").fetchone() or (1,)
        if not change():
            raise _NothingError
        con.execute(queries.fill(queries.text("keep/find_changes"), {"counted": counted}))
        rows = con.execute("SELECT * FROM changes ORDER BY name, source_id").fetchall()
        changes = [Change(source_id, name, Account(*map(int, counts))) for source_id, name, *counts in rows]
        con.execute(queries.text("keep/change_sources"))
        con.execute(
            queries.text("keep/add_batch"),
            {"batch_id": run.batch_id, "started_at": run.started_at, "version": __version__},
        )
    return changes


class _NothingError(Exception):
    """There is nothing to change."""


def replace_lines(con: "duckdb.DuckDBPyConnection", run: Run) -> bool:
    """Take the lines of `wanted` out of the attached store, and store what `staged` holds of them.

    Returns:
        Whether other lines are refused now, or for other reasons.
    """
    con.execute(
        "CREATE OR REPLACE TEMP TABLE refused AS"
        " SELECT source_id, line, reason, identity, twin FROM store.rejects SEMI JOIN wanted USING (source_id, line)"
    )
    for table in _TABLES:
        con.execute(
            f"DELETE FROM store.{table} USING wanted AS w"
            f" WHERE {table}.source_id = w.source_id AND {table}.line = w.line"
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE batch_sources AS"
        " SELECT DISTINCT source_id AS source_no, source_id, false AS is_new FROM wanted"
    )
    store_again(con, run)
    con.execute(queries.text("ingest/follow_refused"))
    still = "SELECT source_id, line, reason FROM store.rejects SEMI JOIN wanted USING (source_id, line)"
    (other,) = con.execute(
        "SELECT count(*) FROM ((SELECT source_id, line, reason FROM refused EXCEPT ALL "
        f"{still}) UNION ALL ({still} EXCEPT ALL SELECT source_id, line, reason FROM refused))"
    ).fetchone() or (0,)
    return bool(other)
