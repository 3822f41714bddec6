"""One run of ingest: sources in, accounts out; batches of blocks are judged while they are read, then committed."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

from tollbook import queries
from tollbook.errors import SourceError, SourceGoneError, StoreLockedError, TollbookError
from tollbook.ingest.account import Account
from tollbook.ingest.commit import ConflictError, Progress, Run, commit, prepare
from tollbook.ingest.fields import MACROS
from tollbook.ingest.judge import Carried, Formats, judge
from tollbook.ingest.lines import Block, blocks
from tollbook.ingest.partials import whole_up_to
from tollbook.ingest.pieces import Blocks
from tollbook.ingest.salvage import is_unfinished, unfinished_from
from tollbook.ingest.sources import TAIL_BYTES, Candidates, Found, Known, digest, full_name, is_pipe
from tollbook.ingest.stream import Live
from tollbook.store.connection import memory, reader, writer
from tollbook.store.turns import give_way

if TYPE_CHECKING:
    import duckdb

_T = TypeVar("_T")
# How much is judged and committed at a time: every batch costs a fifth of a second, and is compared with all that is
# stored.
_BATCH_BYTES = 400 << 20
_BLOCK_BYTES = 4 << 20
_LINE_WEIGHT = 64  # bytes that a line weighs beside its own: short ones make many rows
_PATIENCE_S = 0.05  # between two attempts to interrupt DuckDB
# Threads that judge, and that write: every one of these leaves an unfinished group of rows, which is written twice.
_ALL_THREADS, _TWO_THREADS = "RESET threads", "SET threads = 2"
# Each means that another run got ahead with the same sources, so there are as many at most as that run has batches.
_MOST_CONFLICTS = 10_000


@dataclass
class Outcome:
    """What became of one source.

    Args:
        source: Its path, or `-`.
        account: What this run read of it.
        incomplete: 1 when it ends in an unfinished record, which the next run reads; else 0.
        error: Why it, or the rest of it, could not be read; None when it was.
        format: The format of most of its records; None where there were none.
        done: Whether this run is through with it.
        gone: Whether it was not there any more when it was to be read.
    """

    source: str
    account: Account = field(default_factory=Account)
    incomplete: int = 0
    error: str | None = None
    format: str | None = None
    done: bool = False
    gone: bool = False


@dataclass
class _Reading:
    """A source that is being read; `known` and `rivals` (None for a pipe) move on with every commit.

    `carried` moves on with every batch that is judged: format -> what its lines so far say of those to come.
    """

    outcome: Outcome
    head: str
    known: Known | None
    rivals: frozenset[tuple[int, int]] | None
    carried: dict[str, str]


@dataclass
class _Place:
    """How far a reading has come at the end of a batch."""

    reading: _Reading
    position: int
    lines: int
    tail: bytes
    carried: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    """What was read of a source: a block, or its end, which has none.

    Args:
        reading: The source.
        found: The source as it was found.
        block: The block.
        tail: The last bytes that were read.
        is_urgent: Whether it is to be committed without waiting for more.
    """

    reading: _Reading
    found: Found
    block: Block | None = None
    tail: bytes = b""
    is_urgent: bool = False

    @property
    def weight(self) -> int:
        if self.block is None:
            return 0
        data, clean = self.block.data, self.block.clean
        return len(data) + (0 if clean is data else len(clean)) + _LINE_WEIGHT * self.block.line_ends


@dataclass
class _Batch:
    """Blocks that are judged and committed together; the number of a source is its index in `places`.

    With a failure, not all that the places say was read is in it: it is not to be committed.
    """

    blocks: Blocks = field(default_factory=Blocks)
    places: list[_Place] = field(default_factory=list)
    finished: list[Outcome] = field(default_factory=list)
    weight: int = 0
    failure: Exception | None = None

    def add(self, read: _Read, block: Block) -> None:
        if not self.places or self.places[-1].reading is not read.reading:
            self.places.append(_Place(read.reading, 0, 0, b""))
        place = self.places[-1]
        place.position = block.offset + len(block.data)
        place.lines = block.line - 1 + block.line_ends
        place.tail = read.tail
        self.weight += read.weight
        self.blocks.add(block.of_source(len(self.places) - 1))

    def finish(self, read: _Read, candidates: Candidates) -> None:
        self.finished.append(read.reading.outcome)
        if read.reading.rivals is not None and self.places and self.places[-1].reading is read.reading:
            place = self.places[-1]
            candidates.move(read.found, digest(place.tail), place.position, place.lines)


Watch = Callable[[int, int], None]


def ingest(
    sources: Sequence[str],
    run: Run,
    formats: Formats,
    *,
    assume_timezone: str = "UTC",
    batch_bytes: int = _BATCH_BYTES,
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
        batches = _batches(pending, _known_sources(run), batch_bytes, watch, live)
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


def _pass(batches: Generator[_Batch, None, None], run: Run, formats: Formats, assume_timezone: str) -> None:
    """Judge and commit batches, one by one, each while it is still being read.

    Reading and judging have threads of their own: signals come to this one, and are raised where it waits for them.
    """
    moved: dict[str, dict[int, int]] = {}
    reading, judging = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    con: duckdb.DuckDBPyConnection | None = None
    batch: _Batch | None = None
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
    judging: ThreadPoolExecutor, con: "duckdb.DuckDBPyConnection", batch: _Batch, run: Run, formats: Formats
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


def _judge(con: "duckdb.DuckDBPyConnection", batch: _Batch, run: Run, formats: Formats) -> None:
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
    batch.blocks = Blocks()  # they are large, and not needed any more
    prepare(con, run)
    con.execute(_TWO_THREADS)


def _commit(con: "duckdb.DuckDBPyConnection", batch: _Batch, run: Run, moved: dict[str, dict[int, int]]) -> None:
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


def _progress(number: int, place: _Place, moved: Mapping[str, Mapping[int, int]]) -> Progress:
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


def _batches(
    pending: Sequence[Outcome],
    known: Mapping[str, Sequence[Known]],
    batch_bytes: int,
    watch: Watch,
    live: Live | None = None,
) -> Generator[_Batch, None, None]:
    """Read sources into batches of about `batch_bytes`; small sources share one, large ones take several.

    A batch is there when its first block is; going on to the next reads the others. What a pipe hands over is a batch
    of its own.
    """
    candidates, block_bytes = Candidates(known), min(_BLOCK_BYTES, batch_bytes)
    batch = _Batch()
    try:
        for read in _reads(pending, known, candidates, block_bytes, watch=watch, live=live):
            if read.block is None:
                batch.finish(read, candidates)
                continue
            if batch.places and batch.weight + read.weight > batch_bytes:
                batch.blocks.end()
                batch = _Batch()
            is_new = not batch.places
            batch.add(read, read.block)
            if read.is_urgent:
                batch.blocks.end()
            if is_new:
                yield batch
            if read.is_urgent:
                batch = _Batch()
    except ConflictError:
        raise  # what was read before it can be committed
    except Exception as error:
        batch.failure = error
        raise
    finally:
        batch.blocks.end()  # whatever happens: others may wait for more of it
    if not batch.places:
        yield batch


def _reads(
    pending: Sequence[Outcome],
    known: Mapping[str, Sequence[Known]],
    candidates: Candidates,
    block_bytes: int,
    *,
    watch: Watch,
    live: Live | None,
) -> Generator[_Read, None, None]:
    """Read sources, one after the other, in blocks."""
    for outcome in pending:
        try:
            found = candidates.recognise(outcome.source, live)
        except SourceError as error:
            outcome.error, outcome.done, outcome.gone = str(error), True, isinstance(error, SourceGoneError)
            continue
        stream, tail = found.stream, found.tail
        if candidates.has_moved(found.known):  # a copy of what is not stored yet: look again when it is
            stream.close()
            raise ConflictError
        reading = _reading(outcome, found, known)
        line = found.known.lines + 1 if found.known else 1
        consumed = 0
        try:
            for block in _complete(blocks(stream, 0, line, block_bytes), outcome):
                tail = (tail + block.data[-TAIL_BYTES:])[-TAIL_BYTES:]
                watch(stream.disk_position - consumed, block.line_ends)
                consumed = stream.disk_position
                yield _Read(reading, found, block, tail, is_urgent=stream.is_live)
                if live and live.stopped() and not stream.is_live:
                    return
            if stream.damage:
                what = "cannot be read to its end" if stream.failure else "is damaged"
                outcome.error = f"{outcome.source} {what}: {stream.damage}; what could be read of it was."
        finally:
            stream.close()
        yield _Read(reading, found)
        if stream.size is not None:
            watch(stream.size - consumed, 0)


def _reading(outcome: Outcome, found: Found, known: Mapping[str, Sequence[Known]]) -> _Reading:
    rivals = frozenset((source.source_id, source.position) for source in known.get(found.head, ()))
    carried = json.loads(found.known.carried) if found.known and found.known.carried else {}
    return _Reading(outcome, found.head, found.known, None if is_pipe(outcome.source) else rivals, carried)


def _complete(found: Iterator[Block], outcome: Outcome) -> Iterator[Block]:
    """Leave out the last record of a source while it is unfinished."""
    outcome.incomplete = 0
    for block in found:
        if not block.is_last:
            yield block
            continue
        whole = whole_up_to(block.data)
        begun = whole if whole < len(block.data) else unfinished_from(block.data)
        start = block.data.rfind(b"\n") + 1 if begun is None else begun
        last = block.data[start:].decode("utf-8", errors="replace").replace("\0", "")
        if begun == len(block.data) or (begun is None and not is_unfinished(last)):
            yield block
            continue
        outcome.incomplete = 1
        start = whole_up_to(block.data[:start])  # or the first parts of the line would be left behind
        if start:
            yield replace(block, data=block.data[:start])
