"""Knowing a source again by its content, wherever it is."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

from tollbook.ingest.objects import is_address
from tollbook.ingest.stream import Live, Stream, open_stream

STDIN = "-"
_HEAD_BYTES = 64 * 1024
TAIL_BYTES = 4 * 1024


@dataclass(frozen=True)
class Known:
    """A source that the store has read before.

    Args:
        source_id: Its row in `sources`.
        head: Digest of its first line.
        tail: Digest of the bytes before `position`.
        position: Bytes read so far, after decompression.
        lines: Line ends among them.
        carried: What they say of later lines, JSON; None where nothing.
    """

    source_id: int
    head: str
    tail: str
    position: int
    lines: int
    carried: str | None = None


def is_pipe(path: str) -> bool:
    """Tell whether a source can be read only once: standard input, a named pipe, a shell's `<(...)`."""
    if path == STDIN or is_address(path):
        return path == STDIN
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def full_name(source: str) -> str:
    """Return the name by which a source is remembered: the whole path of a file, an address as it is."""
    return source if source == STDIN or is_address(source) else printable(str(Path(source).resolve()))


def printable(text: str) -> str:
    r"""Return a text that is text everywhere: of a path, what is no UTF-8 is written as `\xff`."""
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")


def digest(data: bytes) -> str:
    """Return a short digest of bytes, as the store keeps it."""
    return blake2b(data, digest_size=16).hexdigest()


def head_of(stream: Stream) -> str:
    """Return the digest of a stream's first line (at most its first 64 KiB), without consuming anything."""
    return digest(stream.peek(_HEAD_BYTES).split(b"\n", 1)[0])


@dataclass(frozen=True)
class Found:
    """A source, open where reading goes on.

    Args:
        stream: The open stream.
        head: Digest of its first line.
        known: The source that it is, or None for a new one.
        tail: The last bytes before the position.
    """

    stream: Stream
    head: str
    known: Known | None
    tail: bytes


def recognise(path: str, known: Mapping[str, Sequence[Known]], live: Live | None = None) -> Found:
    """Open a source, positioned where reading goes on; a pipe, which cannot be gone back in, is always new.

    A file is the one that was read before when it begins with the same line and the bytes before the position
    read up to are the same; its name plays no part. Compressed or not makes no difference.

    Raises:
        SourceError: It cannot be opened or decompressed.
    """
    pipe = is_pipe(path)
    stream = open_stream(path, live if pipe else None)
    try:
        head = head_of(stream)
        candidates = sorted(known.get(head, ()), key=lambda source: source.position)
        if pipe or not candidates:
            return Found(stream, head, None, b"")
        best, tail, best_tail = None, b"", b""
        for position, alike in groupby(candidates, key=lambda source: source.position):
            more = stream.skip_to(position, TAIL_BYTES)
            if more is None:
                break
            tail = (tail + more)[-TAIL_BYTES:]  # what is close behind the candidate before is only the bytes since
            found = digest(tail)
            for candidate in alike:
                if candidate.tail == found:
                    best, best_tail = candidate, tail
        stream.check()  # or a file on a disk that is away would be taken for a new one
        place = best.position if best else 0
        if stream.position == place:
            return Found(stream, head, best, best_tail)
    except BaseException:
        stream.close()
        raise
    stream.close()
    return _reopened(path, known, Found(stream, head, best, best_tail))


def _reopened(path: str, known: Mapping[str, Sequence[Known]], found: Found) -> Found:
    """Open a source once more where reading goes on; if another has taken its name meanwhile, look at that one."""
    stream = open_stream(path)
    try:
        place = found.known.position if found.known else 0
        if head_of(stream) == found.head and stream.skip_to(place, TAIL_BYTES) == found.tail:
            return replace(found, stream=stream)
        stream.check()
    except BaseException:
        stream.close()
        raise
    stream.close()
    return recognise(path, known)


class Candidates:
    """The sources that one can be: those that the store knows, and what became of them and of others since.

    Args:
        known: Those of the store, by the digest of their first line.
    """

    _UNSTORED = 0  # no source has this id

    def __init__(self, known: Mapping[str, Sequence[Known]]) -> None:
        self._all = {head: list(sources) for head, sources in known.items()}
        self._moved = {self._UNSTORED}

    def recognise(self, path: str, live: Live | None = None) -> Found:
        """Open a source where reading goes on; arguments and errors are those of `recognise`."""
        return recognise(path, self._all, live)

    def has_moved(self, source: Known | None) -> bool:
        """Tell whether more was read of a source than the store knows of yet."""
        return source is not None and source.source_id in self._moved

    def move(self, found: Found, tail: str, position: int, lines: int) -> None:
        """Take down how far a source was read: the digest of the bytes before the position, the line ends."""
        self._moved.add(found.known.source_id if found.known else self._UNSTORED)
        self._all.setdefault(found.head, []).append(Known(self._UNSTORED, found.head, tail, position, lines))
