"""One run of ingest: sources in, accounts out; batches of blocks are judged while they are read, then committed."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

from tollbook import queries
from tollbook.errors import StoreLockedError, TollbookError
from tollbook.ingest.account import Account
from tollbook.ingest.batches import BATCH_BYTES, Batch, Outcome, Place, Watch, batches_of
from tollbook.ingest.commit import ConflictError, Progress, Run, commit, prepare
from tollbook.ingest.fields import MACROS
from tollbook.ingest.judge import Carried, Formats, judge
from tollbook.ingest.lines import Block
from tollbook.ingest.pieces import Blocks
from tollbook.ingest.sources import Known, digest, full_name, is_pipe
from tollbook.ingest.stream import Live
from tollbook.store.connection import memory, reader, writer
from tollbook.store.turns import give_way

if TYPE_CHECKING:
    import duckdb

_T = TypeVar("_T")
_PATIENCE_S = 0.05  # between two attempts to interrupt DuckDB
# Threads that judge, and that write: every one of these leaves an unfinished group of rows, which is written twice.
_ALL_THREADS, _TWO_THREADS = "RESET threads", "SET threads = 2"
# Each means that another run got ahead with the same sources, so there are as many at most as that run has batches.
_MOST_CONFLICTS = 10_000


def ingest(
    sources: Sequence[str],
    run: Run,
    formats: Formats,
    *,
    assume_timezone: str = "UTC",
    batch_bytes: int = BATCH_BYTES,
    watch: Watch = lambda consumed, lines: None,  # noqa: ARG005
    live: Live | None = None,
) -> list[Outcome]:
    """Read sources into the store, each from where it was read up to.

    Args:
        sources: Paths of files, or `-`.
        run: The store, the prices and the clock.
        formats: The formats to read by.
        assume_timezone: IANA zone of times that a log writes without one.
        batch_bytes: How much to judge and commit at a time.
        watch: Told how many bytes on disk and lines were consumed since it was last told.
        live: How to read what is being written, and when to stop; what was read until then is committed.

    Returns:
        An outcome per source, in order. A source that cannot be read has an error; the others are read all the same.

    Raises:
        StoreError: The store cannot be used.
    """
    outcomes = [Outcome(source) for source in sources]
    for _ in range(_MOST_CONFLICTS):
        pending = [outcome for outcome in outcomes if not outcome.done]
        # What can be read only once comes by itself, when no conflict over a file can undo its batch any more.
        pending = [outcome for outcome in pending if not is_pipe(outcome.source)] or pending
        if not pending or (live and live.stopped()):
            if not run.dry and not run.store.exists():
                with writer(run.store, lock_timeout_s=run.lock_timeout_s):
                    pass  # nothing was read, but from now on there is a store
            return outcomes
        batches = batches_of(pending, _known_sources(run), formats, batch_bytes, watch=watch, live=live)
        with suppress(ConflictError):
            _pass(batches, run, formats, assume_timezone)
    raise TollbookError("Other runs kept reading the same sources; run one ingest at a time.")


def connection(assume_timezone: str) -> "duckdb.DuckDBPyConnection":
    """Return a connection of its own to judge lines on."""
    con = memory()
    con.execute(MACROS)
    con.execute("SET preserve_insertion_order = false")
    con.execute("SET temp_directory = ''")  # or a batch could be written to the current folder
    con.execute(_TWO_THREADS)
    con.execute("SET TimeZone = '" + assume_timezone.replace("'", "''") + "'")
    return con


def _pass(batches: Generator[Batch, None, None], run: Run, formats: Formats, assume_timezone: str) -> None:
    """Judge and commit batches, one by one, each while it is still being read.

    Reading and judging have threads of their own: signals come to this one, and are raised where it waits for them.
    """
    moved: dict[str, dict[int, int]] = {}
    reading, judging = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    con: duckdb.DuckDBPyConnection | None = None
    batch: Batch | None = None
    waits = True
    try:
        coming = reading.submit(next, batches, None)
        con = connection(assume_timezone)
        while (batch := coming.result()) is not None:
            coming = reading.submit(next, batches, None)
            if batch.places:
                _judge_apart(judging, con, batch, run, formats)
                _commit(con, batch, run, moved)
            for outcome in batch.finished:
                outcome.done = True
    except BaseException as error:
        waits = isinstance(error, Exception)  # at Ctrl-C, reading may itself wait for somebody
        if batch is not None:
            batch.blocks.end()
        raise
    finally:
        judging.shutdown()
        if con is not None:
            con.close()
        if waits:
            reading.submit(batches.close).result()
        reading.shutdown(wait=waits, cancel_futures=True)


def _judge_apart(
    judging: ThreadPoolExecutor, con: "duckdb.DuckDBPyConnection", batch: Batch, run: Run, formats: Formats
) -> None:
    judged: Future[None] | None = None
    try:
        judged = judging.submit(_judge, con, batch, run, formats)
        judged.result()
    except BaseException:
        batch.blocks.end()
        while judged is not None and not judged.done():
            con.interrupt()
            wait([judged], _PATIENCE_S)
        raise
    if batch.failure is not None:
        raise batch.failure


def _judge(con: "duckdb.DuckDBPyConnection", batch: Batch, run: Run, formats: Formats) -> None:
    @cache
    def carried() -> Carried:
        return {number: dict(place.reading.carried) for number, place in enumerate(batch.places)}

    try:
        con.execute(_ALL_THREADS)
        judge(con, formats, batch.blocks, carried)
    finally:
        batch.blocks.end()  # or what is not wanted any more would be read to its end
    for number, place in enumerate(batch.places):
        place.carried = place.reading.carried = carried()[number]
    _locate_rejects(con, batch.blocks)
    batch.blocks, batch.sample = Blocks(), None  # they are large, and not needed any more
    prepare(con, run)
    con.execute(_TWO_THREADS)


def _commit(con: "duckdb.DuckDBPyConnection", batch: Batch, run: Run, moved: dict[str, dict[int, int]]) -> None:
    """Commit a batch; `moved` is what this pass did to sources: digest of the first line -> id -> position."""
    progress = [_progress(number, place, moved) for number, place in enumerate(batch.places)]
    _patiently(run, lambda: commit(con, run, progress))
    give_way(run.store)
    main = dict(con.execute(queries.text("ingest/main_formats")).fetchall())
    for place, source in zip(batch.places, progress, strict=True):
        reading, outcome = place.reading, place.reading.outcome
        outcome.account += source.account
        outcome.format = outcome.format or main.get(source.number)
        run.account += source.account
        if not run.dry:
            reading.known = Known(
                source.source_id, source.head, source.tail, source.position, source.lines, source.carried
            )  # fmt: skip
            if reading.rivals is not None:
                moved.setdefault(source.head, {})[source.source_id] = source.position
    run.committed(sum((source.account for source in progress), Account()), len(progress))


def _patiently(run: Run, action: Callable[[], _T]) -> _T:
    """Do something with the store; as long as others keep it, try again if the run wants to."""
    while True:
        try:
            return action()
        except StoreLockedError as error:
            if not run.waits(error):
                raise


def _progress(number: int, place: Place, moved: Mapping[str, Mapping[int, int]]) -> Progress:
    reading = place.reading
    ours = moved.get(reading.head, {})  # which the reading was compared with when it began
    rivals = reading.rivals and frozenset(rival for rival in reading.rivals if rival[0] not in ours)
    return Progress(
        number=number,
        name=full_name(reading.outcome.source),
        head=reading.head,
        before=reading.known,
        rivals=None if rivals is None else rivals | frozenset(ours.items()),
        position=place.position,
        lines=place.lines,
        tail=digest(place.tail),
        carried=json.dumps(place.carried) if place.carried else None,
    )


def _locate_rejects(con: "duckdb.DuckDBPyConnection", blocks_: Iterable[Block]) -> None:
    """Fill `offsets`: where in its source each refused line begins."""
    con.execute("CREATE OR REPLACE TEMP TABLE offsets (source_no INTEGER, line BIGINT, byte_offset BIGINT)")
    refused: dict[int, list[int]] = {}
    for source, line in con.execute(
        "SELECT DISTINCT source_no, line FROM staged WHERE kind = 'reject' ORDER BY source_no, line"
    ).fetchall():
        refused.setdefault(source, []).append(line)
    rows: list[tuple[int, int, int]] = []
    for block in blocks_ if refused else ():
        numbers = refused.get(block.source, ())
        last = block.line + block.line_ends - block.ended
        lines = numbers[bisect_left(numbers, block.line) : bisect_right(numbers, last)]
        if lines and rows and (block.source, lines[0]) == rows[-1][:2]:  # it goes on from the block before
            lines = lines[1:]
        if lines:
            rows += zip(repeat(block.source), lines, block.line_offsets(lines), strict=False)
    if rows:
        con.execute(
            "INSERT INTO offsets SELECT unnest(?), unnest(?), unnest(?)", list(map(list, zip(*rows, strict=True)))
        )


def _known_sources(run: Run) -> dict[str, list[Known]]:
    """Return the sources that the store has read, by the digest of their first line."""
    known: dict[str, list[Known]] = {}
    if not run.store.exists():
        return known
    for row in _patiently(run, lambda: _source_rows(run)):
        source = Known(*row)
        known.setdefault(source.head, []).append(source)
    return known


def _source_rows(run: Run) -> list[tuple[int, str, str, int, int, str | None]]:
    with reader(run.store, lock_timeout_s=run.lock_timeout_s) as con:
        return con.execute("SELECT source_id, head, tail, position, lines, carried FROM store.sources").fetchall()
