"""A source as bytes: unpacked, decoded, counted."""

import gzip
import io
import os
import sys
import threading
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard

from reading import read
from tollbook.errors import SourceError
from tollbook.ingest.stream import Stream, open_stream

TEXT = "".join(f'{{"n": {number}, "team": "é\U0001f600"}}\n' for number in range(5000))
DATA = TEXT.encode()


def whole(stream: Stream, size: int = 1 << 16) -> bytes:
    parts = []
    while part := stream.read(size):
        parts.append(part)
    stream.close()
    return b"".join(parts)


def opened(path: Path, data: bytes) -> Stream:
    path.write_bytes(data)
    return open_stream(str(path))


PACKED = {
    "plain": DATA,
    "gzip": gzip.compress(DATA),
    "two gzip members": gzip.compress(DATA[:777]) + gzip.compress(DATA[777:]),
    "gzip padded": gzip.compress(DATA[:777]) + b"\0" * 999 + gzip.compress(DATA[777:]) + b"\0" * 999,
    "zstd": zstandard.compress(DATA),
    "many zstd frames": b"".join(zstandard.compress(DATA[at : at + 999]) for at in range(0, len(DATA), 999)),
    "zstd of unknown size": zstandard.ZstdCompressor(write_content_size=False).compress(DATA),
    "zstd with metadata": b"\x53\x2a\x4d\x18\x02\0\0\0ab" + zstandard.compress(DATA),
    "byte order mark": b"\xef\xbb\xbf" + DATA,
    "UTF-16 little end first": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "UTF-16 big end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-16 in gzip": gzip.compress(b"\xff\xfe" + TEXT.encode("utf-16-le")),
}


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("size", [7001, 1 << 20])
def test_whatever_it_is_packed_in_the_text_is_the_same(tmp_path: Path, name: str, size: int):
    stream = opened(tmp_path / "log", PACKED[name])
    assert stream.size == len(PACKED[name])
    assert whole(stream, size) == DATA
    assert stream.position == len(DATA)
    assert stream.damage is None


@pytest.mark.parametrize("name", ["plain", "gzip", "zstd", "UTF-16 big end first"])
def test_reading_gives_what_is_asked_for_and_peeking_consumes_nothing(tmp_path: Path, name: str):
    stream = opened(tmp_path / "log", PACKED[name])
    assert stream.peek(10) == DATA[:10]
    assert stream.position == 0
    assert stream.read(3) == DATA[:3]
    assert stream.peek(5000) == DATA[3:5003]
    assert stream.read(20_000) == DATA[3:20_003]
    assert stream.position == 20_003
    stream.close()


@pytest.mark.parametrize("name", ["plain", "gzip", "UTF-16 little end first"])
def test_skipping_ends_at_the_position_with_the_bytes_before_it(tmp_path: Path, name: str):
    stream = opened(tmp_path / "log", PACKED[name])
    assert stream.skip_to(50_000, 100) == DATA[49_900:50_000]
    assert stream.skip_to(50_010, 100) == DATA[50_000:50_010]  # it has no more than it passes
    assert stream.read(5) == DATA[50_010:50_015]
    assert stream.skip_to(len(DATA) + 1, 100) is None
    stream.close()


@pytest.mark.parametrize(
    ("packed", "damage"),
    [
        (gzip.compress(DATA)[:-20], "the archive is cut short"),
        (zstandard.compress(DATA)[:-20], "the archive is cut short"),
        (gzip.compress(DATA) + b"garbage", "the archive is damaged"),
        (gzip.compress(DATA)[:-8] + b"\0" * 8, "the archive is damaged"),  # neither checksum nor size
    ],
)
def test_a_damaged_archive_gives_what_comes_before_the_damage(tmp_path: Path, packed: bytes, damage: str):
    stream = opened(tmp_path / "log", packed)
    found = whole(stream)
    assert DATA.startswith(found)
    assert stream.damage == damage


def test_a_cut_pair_of_utf_16_is_replaced(tmp_path: Path):
    stream = opened(tmp_path / "log", b"\xff\xfe" + "ab".encode("utf-16-le") + b"\x3d\xd8" + "c".encode("utf-16-le"))
    assert whole(stream).decode() == "ab\ufffdc"


@pytest.mark.parametrize("data", [b"", b"\0" * 100_000, b"\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), b"x"])
def test_little_or_nothing_is_text_too(tmp_path: Path, data: bytes):
    expected = b"" if data[:1] in {b"\xef", b"\x1f"} else data
    assert whole(opened(tmp_path / "log", data)) == expected


@pytest.mark.parametrize(
    "data", [os.urandom(5000), bytes(range(256)) * 9, gzip.compress(bytes(range(32)) * 99, mtime=0)]
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes):
    with pytest.raises(SourceError, match="is not a text file"):
        opened(tmp_path / "log", data)


def test_what_cannot_be_opened_is_told(tmp_path: Path):
    with pytest.raises(SourceError, match=r"gone\.log cannot be read: No such file"):
        open_stream(str(tmp_path / "gone.log"))
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        open_stream(str(tmp_path))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system has no /proc")
def test_a_file_that_fails_at_its_first_byte_costs_no_other(tmp_path: Path):
    (tmp_path / "good").write_text('{"timestamp": 1776679200, "model": "m"}\n')
    bad, good = read(tmp_path / "store", "/proc/self/mem", tmp_path / "good")
    assert (bad.error, good.account.requests) == ("/proc/self/mem cannot be read: Input/output error.", 1)


def test_standard_input_that_is_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        open_stream("-")


def test_what_unpacks_to_very_much_takes_little_memory(tmp_path: Path):
    megabytes = 300
    for name, packer in {"zst": zstandard.ZstdCompressor().compressobj(), "gz": zlib.compressobj(wbits=31)}.items():
        with (tmp_path / name).open("wb") as file:
            for _ in range(megabytes):
                file.write(packer.compress(bytes(1 << 20)))
            file.write(packer.flush())
        stream = open_stream(str(tmp_path / name))
        tracemalloc.start()
        try:
            assert stream.read(1 << 20) == bytes(1 << 20)
            assert tracemalloc.get_traced_memory()[1] < 200 << 20
        finally:
            tracemalloc.stop()
            stream.close()


def test_a_pipe_that_gives_little_at_a_time_is_read_whole(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            for at in range(0, len(DATA), 3001):
                file.write(DATA[at : at + 3001])

    writer = threading.Thread(target=write)
    writer.start()
    stream = open_stream(str(pipe))
    assert stream.size is None
    assert whole(stream) == DATA
    writer.join()


def test_progress_is_counted_on_disk(tmp_path: Path):
    stream = opened(tmp_path / "log", PACKED["gzip"])
    assert len(stream.read(len(DATA))) == len(DATA)
    assert stream.disk_position == len(PACKED["gzip"])
    stream.close()
    assert stream.disk_position == 0
    assert isinstance(io.BytesIO(PACKED["gzip"]).read(), bytes)
