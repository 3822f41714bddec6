"""Writing text files, compressed when their suffix says so, the same for the same text."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast


@contextmanager
def open_for_writing(path: Path, *, level: int | None = None) -> Iterator[IO[bytes]]:
    """Open a file for writing bytes; `.gz` and `.zst` are compressed, without a time stamp.

    Args:
        path: The file, replaced if it exists.
        level: Compression level; None is a fast one.
    """
    with path.open("wb") as plain:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=plain, mtime=0, compresslevel=level or 6) as packed:
                yield cast("IO[bytes]", packed)
        elif path.suffix == ".zst":
            import zstandard  # noqa: PLC0415 - plain and gzipped samples need the standard library only

            with zstandard.ZstdCompressor(level=level or 3).stream_writer(plain) as packed_zst:
                yield cast("IO[bytes]", packed_zst)
        else:
            yield plain
