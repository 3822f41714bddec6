"""Finding the files that a user means, and knowing a file again by its content."""

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tollbook.errors import SourceError
from tollbook.ingest.stream import Stream, open_stream

STDIN = "-"
_LOG_NAME = re.compile(r"\.(jsonl|ndjson|json|log)([.-]\d+)*(\.(gz|zst))?$", re.IGNORECASE)
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


def find_sources(paths: Sequence[str]) -> tuple[list[str], list[SourceError]]:
    """Return the files that paths, folders and globs stand for, each once, and an error for each that finds none.

    A folder stands for the log files below it, by name (`*.jsonl`, `*.log.2.gz`, ...), hidden ones left out.
    """
    found: dict[str, str] = {}
    errors: list[SourceError] = []
    for text in paths:
        try:
            for path in _expand(text):
                key = path if path == STDIN else str(Path(path).resolve())
                found.setdefault(key, path)
        except SourceError as error:
            errors.append(error)
    return list(found.values()), errors


def _expand(text: str) -> list[str]:
    if text == STDIN:
        return [STDIN]
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # a folder that is closed to us says so here
            files = sorted(str(file) for file in _walk(path))
            if not files:
                kinds = "*.jsonl, *.ndjson, *.json, *.log, also as .1, .gz or .zst"
                raise SourceError(f"The folder {text} holds no log files ({kinds}).")
            return files
        if path.exists():
            return [str(path)]
    except OSError as error:
        raise SourceError(f"{text} cannot be read: {error.strerror}.") from error
    if glob.has_magic(text):
        names = glob.glob(str(path), recursive=True)  # noqa: PTH207 - pathlib takes no absolute patterns
        files = sorted(name for name in names if Path(name).is_file())
        if files:
            return files
        raise SourceError(f"No file matches {text}.")
    raise SourceError(f"There is no file or folder {text}.")


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and _LOG_NAME.search(path.name) and path.is_file():
            yield path


def is_pipe(path: str) -> bool:
    """Tell whether a source can be read only once: standard input, a named pipe, a shell's `<(...)`."""
    return path == STDIN or not Path(path).is_file()


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


def recognise(path: str, known: Mapping[str, Sequence[Known]]) -> Found:
    """Open a source, positioned where reading goes on; a pipe, which cannot be gone back in, is always new.

    A file is the one that was read before when it begins with the same line and the bytes before the position
    read up to are the same; its name plays no part. Compressed or not makes no difference.

    Raises:
        SourceError: It cannot be opened or decompressed.
    """
    stream = open_stream(path)
    try:
        head = head_of(stream)
        candidates = sorted(known.get(head, ()), key=lambda source: source.position)
        if is_pipe(path) or not candidates:
            return Found(stream, head, None, b"")
        best, best_tail = None, b""
        for candidate in candidates:
            tail = stream.skip_to(candidate.position, TAIL_BYTES)
            if tail is None:
                break
            if digest(tail) == candidate.tail:
                best, best_tail = candidate, tail
        place = best.position if best else 0
        if stream.position != place:
            stream.close()
            stream = open_stream(path)
            stream.skip_to(place, 0)
        return Found(stream, head, best, best_tail)
    except BaseException:
        stream.close()
        raise
