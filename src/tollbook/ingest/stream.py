"""A source as a stream of UTF-8 bytes: decompressed, decoded, counted."""

import codecs
import io
import os
import select
import stat
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from tollbook.errors import SourceError, SourceGoneError
from tollbook.ingest import objects

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE, _SKIPPABLE_REST = bytes(range(0x50, 0x60)), b"\x2a\x4d\x18"  # a zstd frame of metadata
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20
_LARGEST_READ = 16 << 20
_PACKED_PIECE = 2 << 10  # of an archive; of zstd it unpacks to 64 MiB, should it hold nothing but NULs
_SAMPLE = 64 * 1024
_CONTROL = bytes([*range(1, 9), *range(14, 27), *range(28, 32)])
_MOST_CONTROL, _MOST_BROKEN = 0.02, 0.3


@dataclass(frozen=True)
class Live:
    """How to read sources that are being written.

    Args:
        every_s: Seconds after which a pipe hands over what has come in.
        stopped: Tells whether to end.
    """

    every_s: float
    stopped: Callable[[], bool]


class Stream:
    """Bytes of a source after decompression and decoding, with the position reached.

    Args:
        name: The source, as messages name it.
        raw: Where the bytes come from.
        disk: The file or object underneath.
        size: Bytes on disk, or None where nobody knows.
        origin: Where on disk position 0 is; None for what cannot be gone ahead in.
        is_live: Whether reading ends with what has come in so far, and goes on when asked again.
    """

    def __init__(
        self,
        name: str,
        raw: BinaryIO,
        disk: BinaryIO,
        size: int | None,
        *,
        origin: int | None = None,
        is_live: bool = False,
    ) -> None:
        self.name = name
        self.size = size
        self.position = 0
        self.damage: str | None = None
        self.failure: str | None = None
        self.is_live = is_live
        self._origin = origin
        self._raw = raw
        self._disk = disk
        self._ahead = b""

    @property
    def disk_position(self) -> int:
        """How many bytes on disk were consumed, for progress."""
        try:
            return self._disk.tell()
        except ValueError:  # closed
            return 0
        except OSError:  # a pipe
            return self.position

    def peek(self, count: int) -> bytes:
        """Return up to `count` bytes from here without consuming them; of a live source, at least its first line."""
        while len(self._ahead) < count and not (self.is_live and b"\n" in self._ahead):
            block = self._read(count - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes; fewer only at the end.

        A damaged archive ends where its damage begins, and `damage` then says so.
        """
        parts = [self._ahead[:count]] if self._ahead else []
        self._ahead = self._ahead[count:]
        missing = count - sum(map(len, parts))
        while missing > 0 and not (self.is_live and parts):
            block = self._read(missing)
            if not block:
                break
            parts.append(block)
            missing -= len(block)
        data = parts[0] if len(parts) == 1 else b"".join(parts)  # copied only where it must be
        if missing < 0:  # an archive gives what it gives
            data, self._ahead = data[:missing], data[missing:]
        self.position += len(data)
        return data

    def skip_to(self, position: int, tail_bytes: int) -> bytes | None:
        """Move on to a position; return the last `tail_bytes` before it, or None when the stream ends earlier."""
        tail_from = max(0, position - tail_bytes)
        tail_from = max(tail_from, self.position)
        if self._origin is not None and tail_from > self.position + len(self._ahead):
            try:
                if self._raw.seek(0, io.SEEK_END) < self._origin + position:
                    self._raw.seek(self._origin + self.position + len(self._ahead))  # as if nobody had looked
                    return None
                self._raw.seek(self._origin + tail_from)
            except OSError as error:
                self._fail(error)
                return None
            self.position, self._ahead = tail_from, b""
        while self.position < tail_from:
            if not self.read(min(_BLOCK, tail_from - self.position)):
                return None
        tail = self.read(position - self.position)
        return tail if self.position == position else None

    def check(self) -> None:
        """See that nothing went wrong with reading; that an archive is damaged is not meant.

        Raises:
            SourceError: It did: the disk, or the network.
        """
        if self.failure:
            raise SourceError(f"{self.name} cannot be read: {self.failure}.")

    def close(self) -> None:
        """Close the files underneath."""
        self._raw.close()
        self._disk.close()

    def _read(self, count: int) -> bytes:
        if self.damage:
            return b""
        try:
            return self._raw.read(min(count, _LARGEST_READ))
        except _DamagedError as error:
            self.damage = str(error)
        except OSError as error:
            self._fail(error)
        return b""

    def _fail(self, error: OSError) -> None:
        self.damage = self.failure = error.strerror or "it cannot be read on"


def open_stream(path: str, live: Live | None = None) -> Stream:
    """Open a file, an object, or standard input for `-`, by its content: plain, gzip, zstd; UTF-8 or UTF-16.

    Args:
        path: The source.
        live: For a pipe, when to hand over what has come in; None to wait for all that is asked for.

    Raises:
        SourceError: It cannot be opened, or is no text.
    """
    size: int | None = None
    try:
        if path == "-":
            if sys.stdin is None:
                raise SourceError("- cannot be read: standard input is closed.")
            disk: BinaryIO = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115
        elif objects.is_address(path):
            disk, size = objects.open_object(path)
        else:
            disk = Path(path).open("rb")  # noqa: SIM115 - closed by the stream
            status = os.fstat(disk.fileno())
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceGoneError(f"{path} cannot be read: {error.strerror}.") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        unpacked = _decompressed(cast("BinaryIO", _Tap(disk, live)) if live else disk)
        raw, begin = _decoded(unpacked)
        is_plain = size is not None and begin is not None and not isinstance(unpacked, _Unpacked)
        stream = Stream(path, raw, disk, size, origin=begin if is_plain else None, is_live=live is not None)
        _refuse_binary(path, stream.peek(_SAMPLE))
    except OSError as error:  # already the first bytes
        disk.close()
        raise SourceError(f"{path} cannot be read: {error.strerror or 'it cannot be read on'}.") from error
    except BaseException:
        disk.close()
        raise
    return stream


class _Tap:
    """A pipe that hands over what has come in: as soon as it is enough, or the first of it has waited long enough."""

    _POLL_S = 0.1

    def __init__(self, disk: BinaryIO, live: Live) -> None:
        self._disk = disk
        self._live = live
        self._ahead = b""
        self._is_closing = False

    def peek(self, count: int) -> bytes:
        while len(self._ahead) < count and (more := self._gather(_SAMPLE)):
            self._ahead += more
        return self._ahead

    def read(self, count: int) -> bytes:
        if not self._ahead:
            return self._gather(count)
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        return data

    def close(self) -> None:
        self._disk.close()

    def _gather(self, count: int) -> bytes:
        """Return up to `count` bytes, none at the end, which comes when the source ends or we are told to stop.

        What was in the pipe when we were told is still read, but not for longer than it takes once.
        """
        if self._is_closing:
            return b""
        parts: list[bytes] = []
        missing, deadline = count, float("inf")
        while missing > 0:
            self._is_closing = self._live.stopped()
            wait_s = 0.0 if self._is_closing else max(0.0, min(self._POLL_S, deadline - time.monotonic()))
            if select.select([self._disk], [], [], wait_s)[0]:
                data = os.read(self._disk.fileno(), missing)
                if not data:
                    break
                parts.append(data)
                missing -= len(data)
                deadline = min(deadline, time.monotonic() + self._live.every_s)
            elif self._is_closing:
                break
            if time.monotonic() >= deadline:
                break
        return b"".join(parts)


def _decompressed(disk: BinaryIO) -> BinaryIO:
    buffered = disk if isinstance(disk, io.BufferedReader | _Tap) else io.BufferedReader(cast("io.RawIOBase", disk))
    magic = buffered.peek(4)[:4]
    if magic.startswith(_GZIP):
        return cast("BinaryIO", _Unpacked(buffered, lambda: zlib.decompressobj(31)))
    if magic == _ZSTD or (magic[:1] in _SKIPPABLE and magic[1:] == _SKIPPABLE_REST):
        import zstandard  # noqa: PLC0415 - start-up

        return cast("BinaryIO", _Unpacked(buffered, lambda: zstandard.ZstdDecompressor().decompressobj()))
    return cast("BinaryIO", buffered)


class _DamagedError(Exception):
    """An archive is cut short or broken."""


class _Unpacked:
    """The content of a gzip or zstd file of any number of members, up to where it is damaged."""

    def __init__(self, packed: BinaryIO, unpacker: Callable[[], Any]) -> None:
        self._packed = packed
        self._unpacker = unpacker
        self._member = unpacker()
        self._rest = b""
        self._begun = False
        self._is_damaged = False

    def read(self, count: int) -> bytes:  # noqa: ARG002 - what one piece unpacks to is returned as it is
        if self._is_damaged:  # whoever looked at the start first did not tell
            raise _DamagedError("the archive is damaged")
        while True:
            block = self._rest or self._packed.read(_PACKED_PIECE)
            self._rest = b""
            if not block:
                if self._begun:
                    raise _DamagedError("the archive is cut short")
                return b""
            if not self._begun:
                block = block.lstrip(b"\0")  # padding between members
                if not block:
                    continue
            try:
                data = self._member.decompress(block)
            except Exception as error:
                self._is_damaged = True
                raise _DamagedError("the archive is damaged") from error
            self._begun = True
            if self._member.eof:
                self._rest = self._member.unused_data
                self._member, self._begun = self._unpacker(), False
            if data:
                return cast("bytes", data)

    def close(self) -> None:
        self._packed.close()


def _decoded(raw: BinaryIO) -> tuple[BinaryIO, int | None]:
    """Return the bytes as UTF-8, and where among them the text begins; None for that where they are converted."""
    start = b""
    while len(start) < len(_BOM) and (more := _first(raw, len(_BOM) - len(start))):
        start += more
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return cast("BinaryIO", _Utf16(start, raw)), None
    text = start.removeprefix(_BOM)
    return cast("BinaryIO", _Joined(text, raw)), len(start) - len(text)


def _first(raw: BinaryIO, count: int) -> bytes:
    try:
        return raw.read(count)
    except (_DamagedError, OSError):
        return b""


class _Joined:
    """Bytes that were read to look at them, then the rest."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def read(self, count: int) -> bytes:
        if self._start:
            start, self._start = self._start[:count], self._start[count:]
            return start
        return self._rest.read(count)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere on disk."""
        self._start = b""
        return self._rest.seek(offset, whence)

    def close(self) -> None:
        self._rest.close()


class _Utf16(_Joined):
    """UTF-16 with a byte order mark, as UTF-8."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        super().__init__(start, rest)
        self._decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")

    def read(self, count: int) -> bytes:
        while block := super().read(count):
            if text := self._decoder.decode(block):
                return text.encode("utf-8", errors="replace")
        return b""


def _refuse_binary(path: str, sample: bytes) -> None:
    """Refuse what is not text; runs of NUL are text that `copytruncate` left behind."""
    text = sample.replace(b"\0", b"")
    if not text:
        return
    control = len(text) - len(text.translate(None, _CONTROL))
    broken = text.decode("utf-8", errors="replace").count("\ufffd")
    if control > _MOST_CONTROL * len(text) or broken > _MOST_BROKEN * len(text):
        raise SourceError(f"{path} is not a text file; tollbook reads JSON logs, plain or as .gz or .zst.")
