"""Blocks of whole lines, and text as a relation that DuckDB scans without a copy."""

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tollbook.ingest.partials import joined, whole_up_to
from tollbook.ingest.salvage import whole_records
from tollbook.ingest.stream import Stream

_BOM = b"\xef\xbb\xbf"
_RECORD_SEPARATOR = b"\x1e"  # RFC 7464, which `journalctl -o json-seq` writes
# Lines that stand within a pretty-printed record, or end one; and the end of one with the beginning of the next behind.
_INSIDE = (b"{", b"[", b"}", b"},", b"]", b"],")
_RECORD_BEGIN = re.compile(rb"\s*+(?:[\[,][ \t\r]*+\n\s*+)?\{[ \t\r]*+\n")
_RECORD_END = re.compile(rb"^([ \t]*)\},?[ \t\r]*\n(?=[ \t]*\{[ \t\r]*\n)", re.MULTILINE)
_LONGEST_PRETTY = 1 << 20
_MOST_CARRIED = 16 << 20  # bytes of lines without a place to cut, and of a line before records welded into it are cut
_LONGEST_LINE = 256 << 20
_STRETCH = 1 << 16  # bytes in which line ends are counted, to find one
_SHOWN = 200  # bytes of a longer line that are looked at
_NULS_KEPT = 4096  # of those before a line; a source is known again by the bytes before its position


@dataclass(frozen=True)
class Block:
    """Whole lines of one source, as they stand.

    Args:
        source: Number of the source within the batch.
        data: The lines, UTF-8 but for what the writer damaged, each with a line end; the last may lack it.
        offset: Position of the first byte in the source, after decompression.
        line: Number of the first line, counted from 1.
        part: How many blocks before this one hold parts of that line.
        is_last: Whether the source ends here.
        is_long: Whether it is a piece of a line that is too long to be read.
        is_rest: Whether it begins within such a line.
    """

    source: int
    data: bytes
    offset: int
    line: int
    part: int = 0
    is_last: bool = False
    is_long: bool = False
    is_rest: bool = False

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
        if lines[-1] == self.line:  # it may be very long
            return [self.offset]
        stretches = range(0, len(self.data), _STRETCH)
        counts = (self.data.count(b"\n", at, at + _STRETCH) for at in stretches)
        before = list(itertools.accumulate(counts, initial=0))  # line ends before each stretch
        offsets = []
        for number in (line - self.line for line in lines):
            found = bisect_left(before, number) - 1 if number else 0
            stretch = self.data[stretches[found] : stretches[found] + _STRETCH]
            behind = stretch.split(b"\n", number - before[found])[-1]
            offsets.append(self.offset + stretches[found] + len(stretch) - len(behind))
        return offsets

    @cached_property
    def clean(self) -> bytes:
        """The lines as they are judged; the very bytes of `data` where nothing is wrong with them."""
        return _clean(_readable(self))

    def of_source(self, source: int) -> "Block":
        """Return the block as one of another source."""
        block = replace(self, source=source)
        vars(block).update(line_ends=self.line_ends, clean=self.clean)  # found out once: it takes a third of reading
        return block


def blocks(stream: Stream, source: int, line: int, block_bytes: int) -> Iterator[Block]:
    """Cut the rest of a stream into blocks of whole lines, of about `block_bytes`; a longer line is one block.

    No block ends within a record that stands in several lines. Records welded into a very long line are cut from each
    other, and of a line that is too long to be read several blocks hold a piece each.

    Args:
        stream: Positioned at the start of a line, or where a line without its end was read up to.
        source: Number of the source within the batch.
        line: Number of the line at the position.
        block_bytes: Size to aim for.
    """
    offset, part, is_rest, rest = stream.position, 0, False, b""
    while chunk := stream.read(max(block_bytes, len(rest))):
        end = chunk.rfind(b"\n") + 1
        data, beyond = b"".join((rest, memoryview(chunk)[: end or len(chunk)])), chunk[end:] if end else b""  # one copy
        if data.startswith(b"\0"):  # what `copytruncate` left behind: it may be the most of a file
            nuls = len(data) - len(data.lstrip(b"\0")) - _NULS_KEPT
            data, offset = data[max(0, nuls) :], offset + max(0, nuls)
        cut = _between_records(data) or _within_line(data)
        is_long = not cut and len(data) >= _LONGEST_LINE
        cut = len(data) if is_long else cut
        rest = data[cut:] + beyond
        if cut:
            block = Block(source, data[:cut], offset, line, part, is_long=is_long, is_rest=is_rest)
            yield block
            offset, line = offset + cut, line + block.line_ends
            part, is_rest = (0, False) if block.ended else (part + 1, is_long)
    if rest:
        yield Block(source, rest, offset, line, part, is_last=True, is_rest=is_rest)


def _between_records(data: bytes) -> int:
    """Return where to cut: after the last line, or where lines are parts of records, between two.

    Of pretty-printed records the first one's brace, at the beginning, tells how deep they stand; what stands deeper is
    within.
    """
    end = data.rfind(b"\n") + 1
    if not end:
        return 0
    if (whole := whole_up_to(data[:end])) < end:
        return whole or (end if end >= _LONGEST_LINE else 0)
    last = data[data.rfind(b"\n", 0, end - 1) + 1 : end].strip()
    first = _RECORD_BEGIN.match(data, 0, _LONGEST_PRETTY) if last.startswith(b'"') or last in _INSIDE else None
    if first is None:
        return end
    brace = first[0].rstrip()[:-1]
    indentation = brace[brace.rfind(b"\n") + 1 :]
    ends = _RECORD_END.finditer(data, max(0, end - _LONGEST_PRETTY), end)
    cut = max((match.end() for match in ends if match[1] == indentation), default=0)
    return cut or (end if end >= _MOST_CARRIED else 0)


def _within_line(data: bytes) -> int:
    """Return where to cut a very long line: behind the last whole one of the records that are welded into it."""
    if len(data) < _MOST_CARRIED or b"\n" in data:
        return 0
    return whole_records(data.decode("latin-1"))  # a character a byte; JSON's structure is ASCII


def _readable(block: Block) -> bytes:
    """Return the lines of a block; of one that is too long only the beginning, so that it is refused."""
    if block.is_rest:
        return block.data[block.data.find(b"\n") :] if block.line_ends else b""
    return block.data[:_SHOWN] + b" ..." if block.is_long else block.data


def _clean(data: bytes) -> bytes:
    """Take out what damage and habit put around lines: NUL runs, carriage returns, byte order marks, bad UTF-8.

    Records that were cut into several lines are put together before what the cuts did to their characters is judged.
    """
    if b"\0" in data:
        data = data.replace(b"\0", b"")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if _RECORD_SEPARATOR in data:
        data = data.replace(_RECORD_SEPARATOR, b"")
    data = joined(data)
    if data.isascii():
        return data
    if _BOM in data:
        data = data.removeprefix(_BOM).replace(b"\n" + _BOM, b"\n")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("utf-8", errors="replace").encode("utf-8")
    return data
