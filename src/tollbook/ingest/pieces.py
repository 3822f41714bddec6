"""Text as a relation that DuckDB scans without a copy, while more of it is still being read."""

import ctypes
import errno
import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from threading import Condition
from typing import TYPE_CHECKING, Any

from tollbook.ingest.lines import Block
from tollbook.ingest.salvage import Text

if TYPE_CHECKING:
    import nanoarrow

_MOST_AHEAD = 16  # blocks
# The lines of blocks, as DuckDB finds them: a tenth of what finding them in Python costs.
LINES_OF_PIECES = """
    FROM (
        SELECT source_no, line + generate_subscripts(texts, 1) - 1 AS line, part, unnest(texts) AS text,
            CAST(NULL AS TIMESTAMP) AS outer_time
        FROM (SELECT source_no, line, part, string_split(text, chr(10)) AS texts FROM pieces)
    ) WHERE text <> ''
"""
TEXTS_OF_PIECES = """
    SELECT source_no, line, part, text, make_timestamp(nullif(outer_time, 0)) AS outer_time FROM pieces
"""


class Blocks:
    """Blocks that one thread adds, and others go through, any number of times; they wait for what is to come.

    Who adds them is never far ahead of who goes through them, so that how much was read says how much is done.
    """

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._passed = 0
        self._has_ended = False
        self._changed = Condition()

    def add(self, block: Block) -> None:
        """Add a block.

        Raises:
            ValueError: No more are wanted.
        """
        with self._changed:
            while len(self._blocks) - self._passed >= _MOST_AHEAD and not self._has_ended:
                self._changed.wait()
            if self._has_ended:
                raise ValueError("no more blocks are wanted")
            self._blocks.append(block)
            self._changed.notify_all()

    def end(self) -> None:
        """Say that no more will come, or that no more are wanted."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Block]:
        """Yield every block, as they come."""
        number = 0
        while True:
            with self._changed:
                while number == len(self._blocks) and not self._has_ended:
                    self._changed.wait()
                if number == len(self._blocks):
                    return
                block = self._blocks[number]
                number += 1
                self._passed = max(self._passed, number)
                self._changed.notify_all()
            yield block


class Pieces:
    """Text as DuckDB scans it: columns source_no, line, part, outer_time (BIGINT) and text (VARCHAR).

    Args:
        batches: Arrow batches; every scan goes through them once.

    Attributes:
        is_read: Whether the last scan went through all batches.
        failure: What ended it before, on the side of the batches; None where nothing did.
    """

    def __init__(self, batches: "Iterable[nanoarrow.c_array.CArray]") -> None:
        self._batches = batches
        self.is_read = False
        self.failure: BaseException | None = None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a stream of the batches: what an Arrow consumer asks for at every scan."""
        return _stream_of(self._scan())

    def _scan(self) -> Iterator[Any]:
        self.is_read, self.failure = False, None
        try:
            yield from self._batches
        except GeneratorExit:  # whoever scans has enough
            raise
        except BaseException as error:  # it cannot be raised through C
            self.failure = error
            raise
        self.is_read = True


class _OfBlocks:
    """Arrow batches of blocks, one each, made anew whenever they are gone through."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = blocks

    def __iter__(self) -> Iterator[Any]:
        return map(_of_block, self._blocks)


def pieces_of_blocks(blocks: Iterable[Block]) -> Pieces:
    """Return blocks as pieces, one each: what one thread of a scan takes at a time.

    The bytes of a clean block are used where they are; only the last line end is left out.
    """
    return Pieces(_OfBlocks(blocks))


def pieces_of_texts(texts: Sequence[Text]) -> Pieces:
    """Return texts as pieces, one each, in the order given."""
    encoded = [text.text.encode("utf-8", errors="replace") for text in texts]
    starts = array("q", itertools.accumulate(map(len, encoded), initial=0))
    names = ("source", "line", "part", "outer_time")
    columns = [array("q", (getattr(text, name) for text in texts)) for name in names]
    return Pieces([_batch(columns, starts, b"".join(encoded))])


def _of_block(block: Block) -> Any:
    columns = [array("q", [number]) for number in (block.source, block.line, block.part, 0)]
    data = block.clean
    return _batch(columns, array("q", [0, len(data) - data.endswith(b"\n")]), data)


@cache
def _schema() -> "nanoarrow.Schema":
    import nanoarrow as na  # noqa: PLC0415 - start-up

    number = na.int64()
    return na.struct(
        {"source_no": number, "line": number, "part": number, "outer_time": number, "text": na.large_string()}
    )


def _batch(columns: "Sequence[array[int]]", starts: "array[int]", data: bytes) -> Any:
    """Make an Arrow batch of columns of integers and a text; text N is `data[starts[N]:starts[N + 1]]`."""
    import nanoarrow as na  # noqa: PLC0415 - start-up

    count = len(starts) - 1
    integers = [na.c_array_from_buffers(na.int64(), count, [None, column], null_count=0) for column in columns]
    text = na.c_array_from_buffers(na.large_string(), count, [None, starts, data], null_count=0)
    return na.c_array_from_buffers(_schema(), count, [None], children=[*integers, text], null_count=0)


# The Arrow C stream interface (https://arrow.apache.org/docs/format/CStreamInterface.html). nanoarrow makes streams of
# batches that are all there; pyarrow, which makes others, is larger than all that tollbook needs.
class _Stream(ctypes.Structure):
    pass


_Get = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.c_void_p)
_Tell = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Stream))
_Release = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))
_Stream._fields_ = [
    ("get_schema", _Get),
    ("get_next", _Get),
    ("get_last_error", _Tell),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]
# Sizes of the C structs of the interface, and where in them their member `release` is.
_ARRAY_BYTES, _ARRAY_RELEASE = 80, 64
_SCHEMA_BYTES, _SCHEMA_RELEASE = 72, 56
_LAST_ERROR = ctypes.create_string_buffer(b"the text to be scanned broke off")
_scans: dict[int, Iterator[Any]] = {}  # by the private data of their streams
_numbers = itertools.count(1)


def _stream_of(batches: Iterator[Any]) -> object:
    """Return a capsule with a stream of Arrow batches."""
    from nanoarrow.c_array_stream import allocate_c_array_stream  # noqa: PLC0415 - start-up

    number = next(_numbers)
    _scans[number] = batches
    filled = _Stream(_get_schema, _get_next, _get_last_error, _release, number)
    stream = allocate_c_array_stream()
    ctypes.memmove(stream._addr(), ctypes.addressof(filled), ctypes.sizeof(filled))  # noqa: SLF001 - to be filled
    return stream.__arrow_c_stream__()


@_Get  # type: ignore[untyped-decorator]
def _get_schema(_stream: Any, out: int) -> int:
    return _tried(lambda: _move(_schema().__arrow_c_schema__(), b"arrow_schema", out, _SCHEMA_BYTES, _SCHEMA_RELEASE))


@_Get  # type: ignore[untyped-decorator]
def _get_next(stream: Any, out: int) -> int:
    def give() -> None:
        batch = next(_scans[stream.contents.private_data], None)
        if batch is None:
            ctypes.memset(out, 0, _ARRAY_BYTES)  # the interface's word for the end
        else:
            _move(batch.__arrow_c_array__()[1], b"arrow_array", out, _ARRAY_BYTES, _ARRAY_RELEASE)

    return _tried(give)


@_Tell  # type: ignore[untyped-decorator]
def _get_last_error(_stream: Any) -> int:
    return ctypes.addressof(_LAST_ERROR)


@_Release  # type: ignore[untyped-decorator]
def _release(stream: Any) -> None:
    _scans.pop(stream.contents.private_data, None)
    stream.contents.release = _Release()


def _tried(action: Callable[[], object]) -> int:
    """Do something; return 0, or an error's number where it fails: nothing can be raised into C."""
    try:
        action()
    except BaseException:  # noqa: BLE001 - `Pieces.failure` keeps it
        return errno.EIO
    return 0


def _move(capsule: object, name: bytes, out: int, size: int, release: int) -> None:
    """Move a C struct out of its capsule; the interface has it that what is left behind counts as released."""
    address = _address_in(capsule, name)
    ctypes.memmove(out, address, size)
    ctypes.memset(address + release, 0, ctypes.sizeof(ctypes.c_void_p))


_address_in = ctypes.pythonapi.PyCapsule_GetPointer
_address_in.restype = ctypes.c_void_p
_address_in.argtypes = [ctypes.py_object, ctypes.c_char_p]
