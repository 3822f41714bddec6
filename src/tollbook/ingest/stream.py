"""A source as a stream of UTF-8 bytes: decompressed, decoded, counted."""

import codecs
import io
import os
import stat
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from tollbook.errors import SourceError

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE, _SKIPPABLE_REST = bytes(range(0x50, 0x60)), b"\x2a\x4d\x18"  # a zstd frame of metadata
_BOM = b"\xef\xbb\xbf"
_BLOCK = 1 << 20
_LARGEST_READ = 16 << 20
_PACKED_BLOCK = 256 << 10  # of an archive; unpacks to some megabytes of logs
_SAMPLE = 64 * 1024
_CONTROL = bytes([*range(1, 9), *range(14, 27), *range(28, 32)])
_MOST_CONTROL, _MOST_BROKEN = 0.02, 0.3


class Stream:
    """Bytes of a source after decompression and decoding, with the position reached.

    Args:
        name: The source, as messages name it.
        raw: Where the bytes come from.
        size: Bytes on disk, or None where nobody knows.
    """

    def __init__(self, name: str, raw: BinaryIO, disk: BinaryIO, size: int | None) -> None:
        self.name = name
        self.size = size
        self.position = 0
        self.damage: str | None = None
        self._raw = raw
        self._disk = disk
        self._ahead = b""

    @property
    def disk_position(self) -> int:
        """How many bytes on disk were consumed, for progress."""
        try:
            return self._disk.tell()
        except (OSError, ValueError):
            return 0

    def peek(self, count: int) -> bytes:
        """Return up to `count` bytes from here without consuming them."""
        while len(self._ahead) < count:
            block = self._read(count - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead[:count]

    def read(self, count: int) -> bytes:
        """Return up to `count` bytes; fewer only at the end.

        A damaged archive ends where its damage begins, and `damage` then says so.
        """
        parts = [self._ahead[:count]]
        self._ahead = self._ahead[count:]
        missing = count - len(parts[0])
        while missing > 0:
            block = self._read(missing)
            if not block:
                break
            parts.append(block)
            missing -= len(block)
        data = b"".join(parts)
        if missing < 0:  # an archive gives what it gives
            data, self._ahead = data[:missing], data[missing:]
        self.position += len(data)
        return data

    def skip_to(self, position: int, tail_bytes: int) -> bytes | None:
        """Move on to a position; return the last `tail_bytes` before it, or None when the stream ends earlier."""
        tail_from = max(0, position - tail_bytes)
        tail_from = max(tail_from, self.position)
        while self.position < tail_from:
            if not self.read(min(_BLOCK, tail_from - self.position)):
                return None
        tail = self.read(position - self.position)
        return tail if self.position == position else None

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
            self.damage = error.strerror or "it cannot be read on"
        return b""


def open_stream(path: str) -> Stream:
    """Open a file, or standard input for `-`, by its content: plain, gzip, zstd; UTF-8 or UTF-16.

    Raises:
        SourceError: It cannot be opened, or is no text.
    """
    size: int | None = None
    try:
        if path == "-":
            disk: BinaryIO = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115
        else:
            disk = Path(path).open("rb")  # noqa: SIM115 - closed by the stream
            status = os.fstat(disk.fileno())
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        raw = _decoded(_decompressed(disk))
        stream = Stream(path, raw, disk, size)
        _refuse_binary(path, stream.peek(_SAMPLE))
    except BaseException:
        disk.close()
        raise
    return stream


def _decompressed(disk: BinaryIO) -> BinaryIO:
    buffered = disk if isinstance(disk, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", disk))
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

    def read(self, count: int) -> bytes:  # noqa: ARG002 - what one block unpacks to is returned as it is
        if self._is_damaged:  # whoever looked at the start first did not tell
            raise _DamagedError("the archive is damaged")
        while True:
            block = self._rest or self._packed.read(_PACKED_BLOCK)
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


def _decoded(raw: BinaryIO) -> BinaryIO:
    start = b""
    while len(start) < len(_BOM) and (more := _first(raw, len(_BOM) - len(start))):
        start += more
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return cast("BinaryIO", _Utf16(start, raw))
    return cast("BinaryIO", _Joined(start.removeprefix(_BOM), raw))


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
