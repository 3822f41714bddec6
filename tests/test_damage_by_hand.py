"""Damage made by hand: each kind with what must become of it, the records worked out beside it."""

import gzip
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

from reading import ask, check_accounts, read

TIME = "2026-04-20T10:00:00Z"


def good(number: int, **more: object) -> str:
    return json.dumps({"timestamp": TIME, "model": "m", "input_tokens": number, **more})


def lines(*numbers: int) -> bytes:
    return "".join(good(number) + "\n" for number in numbers).encode()


def utf_16(numbers: list[int], encoding: str, mark: bytes = b"") -> bytes:
    return mark + lines(*numbers).decode().encode(encoding)


def frames(count: int) -> bytes:
    return b"".join(zstandard.compress(lines(number)) for number in range(count))


SURROGATES = (
    r'{"timestamp": "2026-04-20T10:00:00Z", "model": "m", "input_tokens": 7, "note": "\ud83d \udc00 \ud83d\ude00"}'
)
# What a file holds -> counts of the requests in order, rejected, incomplete.
FILES: dict[str, tuple[bytes, list[int], int, int]] = {
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + lines(1, 2), [1, 2], 0, 0),
    "a mark before every line": (b"".join(b"\xef\xbb\xbf" + lines(number) for number in (1, 2, 3)), [1, 2, 3], 0, 0),
    "a mark before the end of a line": (lines(1)[:-1] + b"\xef\xbb\xbf\n" + lines(2), [2], 1, 0),
    "a mark alone": (b"\xef\xbb\xbf", [], 0, 0),
    "UTF-16 LE with a mark": (utf_16([1, 2], "utf-16-le", b"\xff\xfe"), [1, 2], 0, 0),
    "UTF-16 BE with a mark": (utf_16([1, 2], "utf-16-be", b"\xfe\xff"), [1, 2], 0, 0),
    "UTF-16 LE without a mark": (utf_16([1, 2], "utf-16-le"), [1, 2], 0, 0),
    "UTF-16 BE without a mark": (utf_16([1, 2], "utf-16-be"), [1, 2], 0, 0),
    "UTF-16 cut within a character": (utf_16([1, 2], "utf-16-le", b"\xff\xfe")[:-1], [1, 2], 0, 0),
    "Windows line ends among others": (lines(1) + lines(2).replace(b"\n", b"\r\n") + lines(3), [1, 2, 3], 0, 0),
    "two carriage returns": (lines(1, 2).replace(b"\n", b"\r\r\n"), [1, 2], 0, 0),
    "NULs before and after every line": (b"".join(b"\0" * 600 + lines(n) + b"\0" * 600 for n in (1, 2)), [1, 2], 0, 0),
    "NULs in the place of a record": (lines(1) + b"\0" * 90 + b"\n" + lines(2), [1, 2], 0, 0),
    "bad UTF-8 in a text": (lines(1).replace(b'"m"', b'"\xff\xc3"') + lines(2), [1, 2], 0, 0),
    "bad UTF-8 between keys": (lines(1).replace(b", ", b",\xff ", 1) + lines(2), [2], 1, 0),
    "CESU-8": (lines(1)[:-2] + b', "note": "\xed\xa0\xbd\xed\xb8\x80"}\n' + lines(2), [1, 2], 0, 0),
    "an overlong NUL": (lines(1)[:-2] + b', "note": "\xc0\x80"}\n' + lines(2), [1, 2], 0, 0),
    # DuckDB's own message about such a line ends amid a character for one of these at least.
    "damage in long texts of characters of three bytes": (
        lines(1) + "".join(f'{{"model": "m", {"x" * n}{"字" * 200}}}\n' for n in range(3)).encode() + lines(2),
        [1, 2], 3, 0,
    ),
    "lone surrogates": (SURROGATES.encode() + b"\n" + lines(2), [7, 2], 0, 0),
    "gzip members of part of a line each": (
        b"".join(gzip.compress(lines(1, 2)[start : start + 7]) for start in range(0, len(lines(1, 2)), 7)),
        [1, 2], 0, 0,
    ),
    "3000 zstd frames": (frames(3000), list(range(3000)), 0, 0),
    "an empty zstd frame between others": (
        frames(1) + zstandard.compress(b"") + zstandard.compress(lines(8)), [0, 8], 0, 0,
    ),
    "scalars between records": (lines(1) + b'null\n3\n"x"\ntrue\n[]\n[[]]\n' + lines(2), [1, 2], 4, 0),
    "scalars in an array": (b"[" + good(1).encode() + b", null, 3]\n" + lines(3), [3], 1, 0),
    "arrays in arrays": (f"[[{good(1)}],[{good(2)}]]\n".encode(), [1, 2], 0, 0),
    "an array without commas": (b"[\n" + lines(1, 2) + b"]\n", [1, 2], 0, 0),
    "commas at the ends of lines": (lines(1, 2, 3).replace(b"}\n", b"},\n"), [1, 2, 3], 0, 0),
    "JSON text sequences": (b"\x1e" + lines(1) + b"\x1e" + lines(2), [1, 2], 0, 0),
    "concatenated without line ends": (lines(1, 2, 3).replace(b"\n", b""), [1, 2, 3], 0, 0),
    "a page feed between records": (lines(1) + b"\x0c\n" + lines(2), [1, 2], 0, 0),
    "half a line overwritten by another": (lines(1)[:40] + lines(2, 3), [3], 1, 0),
    "a pretty record that is never closed": (
        json.dumps(json.loads(good(1)), indent=2).encode()[:-2] + b"\n" + lines(2), [2], 4, 0,
    ),
    "a pretty record with Windows line ends": (
        json.dumps(json.loads(good(1)), indent=2).replace("\n", "\r\n").encode() + b"\r\n" + lines(2), [1, 2], 0, 0,
    ),
    "a key that comes at the end": (
        lines(*range(300)) + good(300, team="noc").encode() + b"\n", list(range(301)), 0, 0,
    ),
    "a type that changes": (
        b"".join(good(n, note=x).encode() + b"\n" for n, x in enumerate((1, "x", None, [1], {"a": 1}, True, 1.5))),
        list(range(7)), 0, 0,
    ),
    "counts as texts and as floats": (
        b"".join(lines(1).replace(b"1}", count + b"}") for count in (b'" 12 "', b'"13.0"', b"14.0", b'"1e3"')),
        [12, 13, 14], 1, 0,
    ),
    "counts that are too large": (
        b"".join(good(n).encode() + b"\n" for n in (10**12 - 1, 10**12, 2**63, 2**64, 10**400)), [10**12 - 1], 4, 0,
    ),
    "numbers beyond all bounds that nothing is read from": (
        lines(5)[:-2] + b',"x":1e999,"y":-1e-999,"z":' + b"9" * 5000 + b"}\n" + lines(6), [5, 6], 0, 0,
    ),
    "NaN and Infinity that nothing is read from": (
        lines(1)[:-2] + b', "x": NaN, "y": [Infinity, -Infinity]}\n' + lines(2), [1, 2], 0, 0,
    ),
    "a text that is still being written": (lines(1) + b"Traceback (most rec", [1], 0, 1),
    "a key that is still being written": (lines(1) + b'{"timesta', [1], 0, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_damage_leaves_what_is_sound(name: str, tmp_path: Path) -> None:
    data, counts, rejected, incomplete = FILES[name]
    log, store = tmp_path / "file.log", tmp_path / "store.duckdb"
    log.write_bytes(data)
    (outcome,) = read(store, log)
    assert outcome.error is None
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == (
        len(counts), rejected, incomplete
    )  # fmt: skip
    assert outcome.account.events == 0
    assert sorted(count for (count,) in ask(store, "SELECT input_tokens FROM requests")) == sorted(counts)
    check_accounts(store)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-04-20T10:00:00Z", "2026-04-20T10:00:00"),
        ("2026-04-20t10:00:00z", "2026-04-20T10:00:00"),
        ("2026-04-20 10:00:00", "2026-04-20T10:00:00"),
        ("2026-04-20 10:00:00,123", "2026-04-20T10:00:00.123"),
        ("2026-04-20T10:00:00.123456789Z", "2026-04-20T10:00:00.123456"),
        ("2026-04-20T12:00:00+02:00", "2026-04-20T10:00:00"),
        ("2026-04-20T12:00:00+0200", "2026-04-20T10:00:00"),
        ("2026-04-20T15:30:00 +05:30", "2026-04-20T10:00:00"),
        ("2026-04-20 10:00:00 UTC", "2026-04-20T10:00:00"),
        ("2026-04-20 12:00:00.5 +0200 CEST", "2026-04-20T10:00:00.5"),
        ("2026-04-20 12:00:00.5 +0200 CEST m=+0.01", "2026-04-20T10:00:00.5"),
        ("2026-04-20T12:00:00+02:00[Europe/Berlin]", "2026-04-20T10:00:00"),
        ("20260420T100000Z", "2026-04-20T10:00:00"),
        ("2026-04-20T10:00Z", "2026-04-20T10:00:00"),
        ("2026-06-30T23:59:60Z", "2026-07-01T00:00:00"),
        ("Mon, 20 Apr 2026 10:00:00 GMT", "2026-04-20T10:00:00"),
        ("Mon, 20 Apr 2026 12:00:00 +0200", "2026-04-20T10:00:00"),
        ("20/Apr/2026:12:00:00 +0200", "2026-04-20T10:00:00"),
        ("Mon Apr 20 10:00:00 UTC 2026", "2026-04-20T10:00:00"),
        ("Mon Apr 20 12:00:00 +0200 2026", "2026-04-20T10:00:00"),
        ("Mon Apr 20 10:00:00 2026", "2026-04-20T10:00:00"),
        ("Mon Apr 20 2026 12:00:00 GMT+0200 (Central European Summer Time)", "2026-04-20T10:00:00"),
        (1776679200, "2026-04-20T10:00:00"),
        ("1776679200", "2026-04-20T10:00:00"),
        (1776679200.25, "2026-04-20T10:00:00.25"),
        (1776679200250, "2026-04-20T10:00:00.25"),
        (1776679200250000, "2026-04-20T10:00:00.25"),
        (1776679200250000000, "2026-04-20T10:00:00.25"),
        ("1.77667920025e9", "2026-04-20T10:00:00.25"),
        ("1.776679e9", "2026-04-20T09:56:40"),
        ("8070394e09", None),
        ("17766792e5", None),
        ("0946684800", "2000-01-01T00:00:00"),
        ("177667920.", None),
        ({"$date": "2026-04-20T10:00:00Z"}, "2026-04-20T10:00:00"),
        ({"$date": {"$numberLong": "1776679200000"}}, "2026-04-20T10:00:00"),
        ("2026-04-20", "2026-04-20T00:00:00"),
        ("2026-13-20T10:00:00Z", None),
        ("2026-04-20T25:00:00Z", None),
        ("20/04/2026 10:00", None),
        ("1776679200 seconds", None),
        ("now", None),
        (-1776679200, None),
        (10**30, None),
        ([1776679200], None),
        ({"$date": "x"}, None),
        (False, None),
        (0, None),
    ],
)
def test_a_time_is_the_instant_that_it_means(written: object, meant: str | None, tmp_path: Path) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text(json.dumps({"timestamp": written, "model": "m"}) + "\n" + good(1) + "\n")
    read(store, log)
    found = ask(store, "SELECT time FROM requests WHERE input_tokens IS NULL")
    assert found == ([] if meant is None else [(datetime.fromisoformat(meant),)])
    assert ask(store, "SELECT reason FROM rejects") == ([("the time is not understood",)] if meant is None else [])


def test_a_gzip_cut_at_any_place_gives_its_whole_lines(tmp_path: Path) -> None:
    packed = gzip.compress(lines(1)) + gzip.compress(lines(2))
    first = len(gzip.compress(lines(1)))
    for cut in (first - 1, first, first + 5, first + 15, len(packed) - 1):
        log = tmp_path / f"{cut}.gz"
        log.write_bytes(packed[:cut])
        (outcome,) = read(tmp_path / f"{cut}.duckdb", log)
        assert outcome.account.requests >= (cut >= first)
        assert outcome.account.rejected == 0
        assert (outcome.error is None) is (cut == first)


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from reading import read
(outcome,) = read(Path(sys.argv[2]), Path(sys.argv[3]))
print(outcome.account.requests, outcome.account.rejected, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize(
    ("kind", "requests", "rejected"), [("note", 3, 0), ("broken", 2, 1), ("nuls", 2, 0), ("welded", 100_002, 0)]
)
def test_a_line_of_100_megabytes_is_read_in_bounded_memory(
    kind: str, requests: int, rejected: int, tmp_path: Path
) -> None:
    log = tmp_path / "long.jsonl"
    with log.open("wb") as file:
        file.write(lines(1))
        if kind == "nuls":
            for _ in range(100):
                file.write(b"\0" * 1_000_000)
        elif kind == "welded":
            file.write(good(2, note="x" * 900).encode() * 100_000 + b"\n")
        else:
            file.write(good(2).encode()[:-1] + b', "note": "')
            for _ in range(100):
                file.write(b"x" * 1_000_000)
            file.write(b'"}\n' if kind == "note" else b"\n")
        file.write(lines(3))
    command = [sys.executable, "-c", MEMORY, str(Path(__file__).parent), str(tmp_path / "s.duckdb"), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [int(word) for word in done.stdout.split()]
    assert found[:2] == [requests, rejected]
    assert found[2] < 1800


@pytest.mark.parametrize("stream", [{}, [], 1, None], ids=str)
def test_a_record_that_looks_like_a_containers_is_only_a_record(stream: object, tmp_path: Path) -> None:
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_text(json.dumps({"log": "begun", "stream": stream, "ts": 1776679200}) + "\n" + good(1) + "\n")
    (outcome,) = read(store, log)
    assert (outcome.error, outcome.account.requests, outcome.account.events) == (None, 1, 1)
