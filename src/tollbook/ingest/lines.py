"""Blocks of whole lines, and text as a relation that DuckDB scans without a copy."""

import itertools
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tollbook.ingest.stream import Stream

if TYPE_CHECKING:
    import nanoarrow

_BOM = b"\xef\xbb\xbf"
# Lines that stand within a pretty-printed record, or end one; and the end of one with the beginning of the next behind.
_INSIDE = (b"{", b"[", b"}", b"},", b"]", b"],")
_RECORD_BEGIN = re.compile(rb"\s*(?:[\[,]\s*\n)?\s*?([ \t]*)\{[ \t\r]*\n")
_RECORD_END = re.compile(rb"^([ \t]*)\},?[ \t\r]*\n(?=[ \t]*\{[ \t\r]*\n)", re.MULTILINE)
_LONGEST_PRETTY = 1 << 20
_MOST_CARRIED = 16 << 20

# The lines of blocks, as DuckDB finds them: a tenth of what finding them in Python costs.
LINES_OF_PIECES = """
    SELECT source_no, line + generate_subscripts(texts, 1) - 1 AS line, part, unnest(texts) AS text
    FROM (SELECT source_no, line, part, string_split(text, chr(10)) AS texts FROM pieces)
"""


@dataclass(frozen=True)
class Block:
    """Whole lines of one source, as they stand.

    Args:
        source: Number of the source within the batch.
        data: The lines, UTF-8 but for what the writer damaged, each with a line end; the last may lack it.
        offset: Position of the first byte in the source, after decompression.
        line: Number of the first line, counted from 1.
        is_last: Whether the source ends here.
    """

    source: int
    data: bytes
    offset: int
    line: int
    is_last: bool = False

    @cached_property
    def line_ends(self) -> int:
        """How many line ends the block holds."""
        return self.data.count(b"\n")

    @property
    def ended(self) -> bool:
        """Whether the last line has its end; if not, it may be unfinished."""
        return self.data.endswith(b"\n")

    def line_offsets(self, lines: Sequence[int]) -> list[int]:
        """Return the positions in the source of the first bytes of lines of this block, in ascending order."""
        offsets, start, line = [], 0, self.line
        for wanted in lines:
            for _ in range(wanted - line):
                start = self.data.index(b"\n", start) + 1
            line = wanted
            offsets.append(self.offset + start)
        return offsets


def blocks(stream: Stream, source: int, line: int, block_bytes: int) -> Iterator[Block]:
    """Cut the rest of a stream into blocks of whole lines, of about `block_bytes`; a longer line is one block.

    Args:
        stream: Positioned at the start of a line, or where a line without its end was read up to.
        source: Number of the source within the batch.
        line: Number of the line at the position.
        block_bytes: Size to aim for.
    """
    carried: list[bytes] = []
    offset = stream.position
    while chunk := stream.read(block_bytes):
        cut = _between_records(chunk, carried[0] if carried else chunk)
        if not cut and sum(map(len, carried)) >= _MOST_CARRIED:
            cut = chunk.rfind(b"\n") + 1
        if not cut:
            carried.append(chunk)
            continue
        block = Block(source, b"".join([*carried, chunk[:cut]]), offset, line)
        yield block
        offset, line = offset + len(block.data), line + block.line_ends
        carried = [chunk[cut:]]
    if rest := b"".join(carried):
        yield Block(source, rest, offset, line, is_last=True)


def _between_records(chunk: bytes, beginning: bytes) -> int:
    """Return where to cut: after the last line, or where lines are parts of pretty-printed records, between two.

    The first record's brace, at the beginning of the block, tells how deep records stand; what stands deeper is within.
    """
    end = chunk.rfind(b"\n") + 1
    last = chunk[chunk.rfind(b"\n", 0, max(0, end - 1)) + 1 : end].strip()
    first = _RECORD_BEGIN.match(beginning, 0, _LONGEST_PRETTY)
    if first is None or not (last.startswith(b'"') or last in _INSIDE):
        return end
    ends = _RECORD_END.finditer(chunk, max(0, end - _LONGEST_PRETTY), end)
    return max((match.end() for match in ends if match[1] == first[1]), default=0)


@dataclass(frozen=True)
class Text:
    """A record's text that was taken out of damaged or wrapped lines.

    Args:
        source: Number of the source within the batch.
        line: Number of the line that it begins in.
        part: Ordinal among the records of that line.
        text: The record.
    """

    source: int
    line: int
    part: int
    text: str


class Pieces:
    """Text as DuckDB scans it: columns source_no, line, part (BIGINT) and text (VARCHAR)."""

    def __init__(self, batches: "Sequence[nanoarrow.c_array.CArray]") -> None:
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export the text once more; every scan asks anew."""
        import nanoarrow  # noqa: PLC0415 - start-up
        from nanoarrow.c_array_stream import CArrayStream  # noqa: PLC0415 - start-up

        stream = CArrayStream.from_c_arrays(list(self._batches), nanoarrow.c_schema(_schema()), validate=False)
        return stream.__arrow_c_stream__(requested_schema)


def pieces_of_blocks(blocks_: Iterable[Block]) -> Pieces:
    """Return blocks as pieces, one each: what one thread of a scan takes at a time.

    The bytes of a clean block are used where they are; only the last line end is left out.
    """
    batches: list[Any] = []
    for block in blocks_:
        columns = [array("q", [number]) for number in (block.source, block.line, 0)]
        data = _clean(block.data)
        batches.append(_batch(columns, array("q", [0, len(data) - data.endswith(b"\n")]), data))
    return Pieces(batches)


def pieces_of_texts(texts: Sequence[Text]) -> Pieces:
    """Return texts as pieces, one each, in the order given."""
    encoded = [text.text.encode("utf-8", errors="replace") for text in texts]
    starts = array("q", itertools.accumulate(map(len, encoded), initial=0))
    columns = [array("q", (getattr(text, name) for text in texts)) for name in ("source", "line", "part")]
    return Pieces([_batch(columns, starts, b"".join(encoded))])


def _clean(data: bytes) -> bytes:
    """Take out what damage and habit put around lines: NUL runs, carriage returns, byte order marks, bad UTF-8."""
    if b"\0" in data:
        data = data.replace(b"\0", b"")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if data.isascii():
        return data
    if _BOM in data:
        data = data.removeprefix(_BOM).replace(b"\n" + _BOM, b"\n")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", errors="replace").encode("utf-8")
    return data


def _schema() -> "nanoarrow.Schema":
    import nanoarrow as na  # noqa: PLC0415 - start-up

    number = na.int64()
    return na.struct({"source_no": number, "line": number, "part": number, "text": na.large_string()})


def _batch(columns: "Sequence[array[int]]", starts: "array[int]", data: bytes) -> Any:
    """Make an Arrow batch of three columns of integers and a text; text N is `data[starts[N]:starts[N + 1]]`."""
    import nanoarrow as na  # noqa: PLC0415 - start-up

    count = len(starts) - 1
    integers = [na.c_array_from_buffers(na.int64(), count, [None, column], null_count=0) for column in columns]
    text = na.c_array_from_buffers(na.large_string(), count, [None, starts, data], null_count=0)
    return na.c_array_from_buffers(_schema(), count, [None], children=[*integers, text], null_count=0)
