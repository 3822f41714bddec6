"""Sources read into batches of blocks, which are judged and committed together."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tollbook.errors import SourceError, SourceGoneError
from tollbook.ingest.account import Account
from tollbook.ingest.commit import ConflictError
from tollbook.ingest.judge import Formats
from tollbook.ingest.lines import Block, blocks
from tollbook.ingest.partials import whole_up_to
from tollbook.ingest.pieces import Blocks
from tollbook.ingest.salvage import is_unfinished, unfinished_from
from tollbook.ingest.sample import Sample
from tollbook.ingest.sources import TAIL_BYTES, Candidates, Found, Known, digest, is_pipe
from tollbook.ingest.stream import Live

# How much is judged and committed at a time: every batch costs a fifth of a second, and is compared with all that is
# stored.
BATCH_BYTES = 400 << 20
_BLOCK_BYTES = 4 << 20
_LINE_WEIGHT = 64  # bytes that a line weighs beside its own: short ones make many rows
# DuckDB reads lines by the thousand, and holds more than one copy of each: of very long ones that is a lot. What is in
# envelopes is held several times too, while it is taken out of them.
_LONG_LINE, _LONG_COPIES, _ENVELOPE_COPIES = 1 << 20, 8, 3
# From here on a batch ends where records of another kind begin: they would be held several times to be read anew.
_ALIKE_BYTES = 64 << 20
Watch = Callable[[int, int], None]


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
class Reading:
    """A source that is being read; `known` and `rivals` (None for a pipe) move on with every commit.

    `carried` moves on with every batch that is judged: format -> what its lines so far say of those to come.
    """

    outcome: Outcome
    head: str
    known: Known | None
    rivals: frozenset[tuple[int, int]] | None
    carried: dict[str, str]


@dataclass
class Place:
    """How far a reading has come at the end of a batch."""

    reading: Reading
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

    reading: Reading
    found: Found
    block: Block | None = None
    tail: bytes = b""
    is_urgent: bool = False

    @property
    def weight(self) -> int:
        if self.block is None:
            return 0
        data, clean, lines = self.block.data, self.block.clean, self.block.line_ends
        size = len(data) + (0 if clean is data else len(clean))
        return size * (_LONG_COPIES if size > _LONG_LINE * (lines + 1) else 1) + _LINE_WEIGHT * lines


@dataclass
class Batch:
    """Blocks that are judged and committed together; the number of a source is its index in `places`.

    With a failure, not all that the places say was read is in it: it is not to be committed.
    """

    formats: Formats
    blocks: Blocks = field(default_factory=Blocks)
    places: list[Place] = field(default_factory=list)
    finished: list[Outcome] = field(default_factory=list)
    weight: int = 0
    failure: Exception | None = None
    sample: Sample | None = None

    def takes(self, read: _Read, block: Block, batch_bytes: int) -> bool:
        """Tell whether a block is to be in the batch, and not in the next one."""
        if self.sample is None:
            return True
        copies = _ENVELOPE_COPIES if self.sample.format.is_envelope else 1
        if copies * (self.weight + read.weight) > batch_bytes:
            return False
        return self.weight < _ALIKE_BYTES or self.sample.is_like(block)

    def add(self, read: _Read, block: Block) -> None:
        """Add a block, and say how far its source was read with it."""
        self.sample = self.sample or Sample(block, self.formats)
        if not self.places or self.places[-1].reading is not read.reading:
            self.places.append(Place(read.reading, 0, 0, b""))
        place = self.places[-1]
        place.position = block.offset + len(block.data)
        place.lines = block.line - 1 + block.line_ends
        place.tail = read.tail
        self.weight += read.weight
        self.blocks.add(block.of_source(len(self.places) - 1))

    def finish(self, read: _Read, candidates: Candidates) -> None:
        """Say that a source was read to its end."""
        self.finished.append(read.reading.outcome)
        if read.reading.rivals is not None and self.places and self.places[-1].reading is read.reading:
            place = self.places[-1]
            candidates.move(read.found, digest(place.tail), place.position, place.lines)


def batches_of(
    pending: Sequence[Outcome],
    known: Mapping[str, Sequence[Known]],
    formats: Formats,
    batch_bytes: int,
    *,
    watch: Watch,
    live: Live | None = None,
) -> Generator[Batch, None, None]:
    """Read sources into batches of about `batch_bytes`; small sources share one, large ones take several.

    A batch is there when its first block is; going on to the next reads the others. What a pipe hands over is a batch
    of its own.
    """
    candidates, block_bytes = Candidates(known), min(_BLOCK_BYTES, batch_bytes)
    batch = Batch(formats)
    try:
        for read in _reads(pending, known, candidates, block_bytes, watch=watch, live=live):
            if read.block is None:
                batch.finish(read, candidates)
                continue
            if not batch.takes(read, read.block, batch_bytes):
                batch.blocks.end()
                batch = Batch(formats)
            is_new = not batch.places
            batch.add(read, read.block)
            if read.is_urgent:
                batch.blocks.end()
            if is_new:
                yield batch
            if read.is_urgent:
                batch = Batch(formats)
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


def _reading(outcome: Outcome, found: Found, known: Mapping[str, Sequence[Known]]) -> Reading:
    rivals = frozenset((source.source_id, source.position) for source in known.get(found.head, ()))
    carried = json.loads(found.known.carried) if found.known and found.known.carried else {}
    return Reading(outcome, found.head, found.known, None if is_pipe(outcome.source) else rivals, carried)


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
