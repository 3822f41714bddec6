"""Damaged logs: what each must yield, reasoned by hand; nothing is dropped in silence, no line costs its neighbour."""

import gzip
import io
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from reading import ask, check_accounts, read
from tollbook.cli.app import run

SHARED_FILES = (
    "01_clean.jsonl", "02_truncated_last.jsonl", "03_no_final_newline.jsonl", "04_nul_prefix.jsonl", "06_bom.jsonl",
    "08_crlf.jsonl", "09_blank_lines.jsonl", "11_pretty.json", "12_array.json", "14_text_mixed.jsonl",
    "15_docker_wrapped.jsonl", "17_multimember.jsonl.gz", "19_dup_keys.jsonl", "22_bad_utf8.jsonl",
    "23_utf16.jsonl", "24_num_strings.jsonl", "25_mixed_ts.jsonl", "28_late_key.jsonl.gz", "30_empty.jsonl",
    "32_null_and_scalar_lines.jsonl", "34_negative_and_float_tokens.jsonl",
)  # fmt: skip
# How tollbook words the reasons of the shared verdicts.
REASONS = {
    "14_text_mixed.jsonl": "not JSON",
    "19_dup_keys.jsonl": "a key stands twice in the record: which value counts is ambiguous",
    "32_null_and_scalar_lines.jsonl": "not a JSON object",
    "34_negative_and_float_tokens.jsonl": "a token count must be a whole number >= 0: input_tokens",
}

Ingested = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def ingested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ingested:
    """Run the command on a file; return its exit code, its row and what it complained of."""

    def ingest(path: Path, *options: str) -> tuple[int, dict[str, Any], str]:
        store = str(tmp_path / "store.duckdb")
        code = run(["--store", store, "ingest", str(path), "--format", "json", *options])
        out, err = capsys.readouterr()
        (row,) = json.loads(out)["rows"]
        return code, row, err

    return ingest


@pytest.fixture
def verdicts(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "vectors" / "malformed_expected.json").read_text())
    return found


def test_every_shared_verdict_is_tested(verdicts: dict[str, Any]):
    assert {*verdicts} == {*SHARED_FILES, "18_truncated.jsonl.gz", "_meaning"}


@pytest.mark.parametrize("name", SHARED_FILES)
def test_a_damaged_file_meets_its_verdict(
    name: str, verdicts: dict[str, Any], shared: Path, ingested: Ingested, tmp_path: Path
):
    verdict = verdicts[name]
    code, row, err = ingested(shared / "data" / "malformed" / name)
    assert (code, row["error"], err) == (0, None, "")
    assert (row["requests"], row["rejected"]) == (verdict["records"], verdict["rejected"])
    assert (row["events"], row["duplicates"]) == (0, 0)
    assert row["incomplete"] == verdict.get("incomplete", 0)
    if verdict["rejected"]:
        assert ask(tmp_path / "store.duckdb", "SELECT DISTINCT reason FROM rejects") == [(REASONS[name],)]


def test_what_decodes_of_a_truncated_archive_is_kept_and_the_run_fails(shared: Path, ingested: Ingested):
    code, row, err = ingested(shared / "data" / "malformed" / "18_truncated.jsonl.gz")
    assert code == 1
    assert row["requests"] >= 9000
    assert (row["rejected"], row["incomplete"]) == (0, 1)
    assert "18_truncated.jsonl.gz is damaged: the archive is cut short" in err
    assert err.count("\n") == 1


def test_mixed_times_are_the_instants_that_they_mean(
    shared: Path, verdicts: dict[str, Any], ingested: Ingested, tmp_path: Path
):
    ingested(shared / "data" / "malformed" / "25_mixed_ts.jsonl")
    found = ask(tmp_path / "store.duckdb", "SELECT time FROM requests ORDER BY line")
    instants = [moment.isoformat() + "Z" for (moment,) in found]
    assert instants == verdicts["25_mixed_ts.jsonl"]["instants_utc"]


def test_a_key_that_comes_late_is_not_lost(shared: Path, ingested: Ingested, tmp_path: Path):
    ingested(shared / "data" / "malformed" / "28_late_key.jsonl.gz")
    store = tmp_path / "store.duckdb"
    assert ask(store, "SELECT count(*), min(line) FROM requests WHERE team IS NOT NULL") == [(1, 25001)]


def test_strict_exits_with_4_when_a_line_was_refused(shared: Path, ingested: Ingested):
    assert ingested(shared / "data" / "malformed" / "14_text_mixed.jsonl", "--strict")[0] == 4
    assert ingested(shared / "data" / "malformed" / "01_clean.jsonl", "--strict")[0] == 0


def good(number: int, **more: object) -> str:
    return json.dumps({"timestamp": f"2026-04-20T10:00:{number:02}Z", "model": "m", "input_tokens": number, **more})


def with_value(name: str, text: str) -> str:
    return f'{{"timestamp": "2026-04-20T10:00:00Z", "model": "m", "{name}": {text}}}'


def wrapped(line: str) -> str:
    return json.dumps({"log": line + "\n", "stream": "stdout", "time": "2026-04-20T10:00:00.572091825Z"})


NOT_JSON, NO_OBJECT = ("not JSON",), ("not a JSON object",)
COUNT, DURATION, COST = (
    ("a token count must be a whole number >= 0: input_tokens",),
    ("a duration must be a finite number >= 0: latency_ms",),
    ("a cost must be a finite number >= 0",),
)
ONE, TWO, NOTHING = ("request",), ("request", "request"), ()
# A line, and what it must become.
LINES = [
    (good(1), ONE),
    ("", NOTHING),
    (" \t ", NOTHING),
    # welded
    (good(1) + good(2), TWO),
    (good(1) + ", " + good(2), TWO),
    (good(1) + good(2)[:20], ("request", "not JSON")),
    (good(1) + good(2) + good(3)[:30], ("request", "request", "not JSON")),
    # garbage before and after: which part is damaged cannot be known
    (good(1) + " trailing words", NOT_JSON),
    (good(1) + "}", NOT_JSON),
    ("2026-04-20 INFO " + good(1), NOT_JSON),
    (good(1)[:40] + good(2), NOT_JSON),
    (good(1)[:-1], NOT_JSON),
    ("Traceback (most recent call last):", NOT_JSON),
    ("-", NOT_JSON),
    (with_value("latency_ms", ""), NOT_JSON),
    # JSON, but no object
    ("null", NO_OBJECT),
    ("true", NO_OBJECT),
    ("123", NO_OBJECT),
    ('"text"', NO_OBJECT),
    # arrays
    ("[" + good(1) + "," + good(2) + "]", TWO),
    ("[ " + good(1) + "]", ONE),
    ("[]", NOTHING),
    ("[1, 2]", NO_OBJECT),
    # strings that JSON does not allow, and everyone writes
    (with_value("team", '"half \\ud83d"'), ONE),
    (with_value("team", '"other half \\ude00"'), ONE),
    (with_value("team", '"whole \\ud83d\\ude00"'), ONE),
    (with_value("team", '"no half: \\\\ud83d"'), ONE),
    (with_value("key \\ud83d", "1"), ONE),
    (with_value("key \\u0000", "1"), ONE),
    (with_value("team", '"raw\ttab"'), ONE),
    (with_value("team", '"raw \x01 control"'), ONE),
    # keys that differ in case only
    (with_value("Model", '"other"'), ONE),
    (with_value("TIMESTAMP", '"never"'), ONE),
    ('{"timestamp": 1776679200, "a": 1, "A": 2}', ("event",)),
    # numbers
    (with_value("latency_ms", "NaN"), DURATION),
    (with_value("latency_ms", "Infinity"), DURATION),
    (with_value("latency_ms", '"NaN"'), DURATION),
    (with_value("latency_ms", '"inf"'), DURATION),
    (with_value("latency_ms", "-0.5"), DURATION),
    (with_value("latency_ms", "1e400"), DURATION),
    (with_value("latency_ms", "true"), DURATION),
    (with_value("cost", "-Infinity"), COST),
    (with_value("cost", "-0.01"), COST),
    (with_value("cost", '"free"'), COST),
    (with_value("cost", "1e-7"), ONE),
    (with_value("input_tokens", "99999999999999999999"), COUNT),
    (with_value("input_tokens", "1e300"), COUNT),
    (with_value("input_tokens", "-1"), COUNT),
    (with_value("input_tokens", "0.5"), COUNT),
    (with_value("input_tokens", "true"), COUNT),
    (with_value("input_tokens", "[1]"), COUNT),
    (with_value("input_tokens", '{"n": 1}'), COUNT),
    (with_value("input_tokens", '""'), COUNT),
    (with_value("input_tokens", '"many"'), COUNT),
    (with_value("input_tokens", "NaN"), COUNT),
    (with_value("input_tokens", "100.0"), ONE),
    (with_value("input_tokens", '"100"'), ONE),
    (with_value("input_tokens", "null"), ONE),
    (with_value("unread", "99999999999999999999"), ONE),
    # keys that stand twice
    (with_value("model", '"other"'), ("a key stands twice in the record: which value counts is ambiguous",)),
    ('{"timestamp": 1776679200, "model": "m", "unread": 1, "unread": 2}', ONE),
    (
        with_value("usage", '{"input_tokens": 1, "input_tokens": 2}'),
        ("a key stands twice in the usage object: which count is billed is ambiguous",),
    ),
    # usage that is no object of counts
    (with_value("usage", '"a lot"'), ("usage must be an object of counts",)),
    (with_value("usage", '"{broken"'), ("usage must be an object of counts",)),
    (with_value("usage", "[1]"), ("usage must be an object of counts",)),
    (with_value("usage", '{"input_tokens": -1}'), ("a token count must be a whole number >= 0: usage, input",)),
    (with_value("usage", '{"output_tokens": 1.5}'), ("a token count must be a whole number >= 0: usage, output",)),
    (with_value("usage", "{}"), ONE),
    (with_value("usage", "null"), ONE),
    # time
    ('{"model": "m"}', ("no time",)),
    ("{}", ("no time",)),
    ('{"timestamp": null, "model": "m"}', ("no time",)),
    ('{"timestamp": "yesterday", "model": "m"}', ("the time is not understood",)),
    ('{"timestamp": "2026-02-30T10:00:00Z", "model": "m"}', ("the time is not understood",)),
    ('{"timestamp": true, "model": "m"}', ("the time is not understood",)),
    ('{"timestamp": "", "ts": 1776679200, "model": "m"}', ("the time is not understood",)),
    ('{"timestamp": -1, "model": "m"}', ("the time is not understood",)),
    ('{"timestamp": "2026-04-20"}', ("event",)),
    # containers
    (wrapped(good(1)), ONE),
    (wrapped(good(1) + good(2)), TWO),
    (wrapped(wrapped(good(1))), ONE),
    (wrapped("words"), NOT_JSON),
    ("[" + wrapped(good(1)) + "," + wrapped(good(2)) + "]", TWO),
    ('{"timestamp": 1776679200, "model": "m", "log": "x"}', ONE),
    # deep, long
    (with_value("deep", "[" * 3000 + "]" * 3000), ONE),
    (with_value("long", '"' + "y" * 1_000_000 + '"'), ONE),
]


@pytest.mark.parametrize("order", [1, -1])
def test_each_line_becomes_what_it_is_whatever_stands_around_it(tmp_path: Path, order: int):
    lines = LINES[::order]
    log, store = tmp_path / "mixed.jsonl", tmp_path / "store.duckdb"
    log.write_text("".join(line + "\n" for line, _ in lines), encoding="utf-8")
    read(store, log)
    check_accounts(store)
    found: dict[int, list[str]] = defaultdict(list)
    for table, column in (("requests", "'request'"), ("events", "'event'"), ("rejects", "reason")):
        for number, what in ask(store, f"SELECT line, {column} FROM {table} ORDER BY line"):
            found[number].append(what)
    for number, (line, expected) in enumerate(lines, start=1):
        assert found[number] == list(expected), line[:200]


@pytest.mark.parametrize("number", range(0, len(LINES), 7))
def test_no_line_can_fail_the_run_when_it_is_alone(tmp_path: Path, number: int):
    for line, expected in LINES[number : number + 7]:
        log = tmp_path / "alone.jsonl"
        log.write_text(line + "\n", encoding="utf-8")
        store = tmp_path / f"{abs(hash(line))}.duckdb"
        (outcome,) = read(store, log)
        assert outcome.account.read == len(expected), line[:200]
        assert outcome.account.requests == expected.count("request"), line[:200]


TEXT = (good(1) + "\n" + good(2) + "\n").encode()
PACKED = zstandard.compress(TEXT)
# What a file holds -> requests, rejected, incomplete.
FILES = {
    "a byte order mark in the middle": (TEXT + b"\xef\xbb\xbf" + good(3).encode() + b"\n", (3, 0, 0)),
    "NULs before a line in the middle": (TEXT + b"\0" * 5000 + good(3).encode() + b"\n", (3, 0, 0)),
    "NULs within a record": (TEXT[:30] + b"\0" * 100 + TEXT[30:], (2, 0, 0)),
    "NULs at the end": (TEXT + b"\0" * 5000, (2, 0, 0)),
    "nothing but NULs": (b"\0" * 200_000, (0, 0, 0)),
    "Windows line ends": (TEXT.replace(b"\n", b"\r\n"), (2, 0, 0)),
    "Windows line ends, the last one cut": (TEXT.replace(b"\n", b"\r\n")[:-1], (2, 0, 0)),
    "old Macintosh line ends": (TEXT.replace(b"\n", b"\r"), (2, 0, 0)),
    "Latin-1 among UTF-8": (TEXT + b'{"ts": 1776679200, "model": "m", "team": "caf\xe9"}\n', (3, 0, 0)),
    "UTF-16 without a mark among UTF-8": (TEXT + (good(3) + "\n").encode("utf-16-le") + TEXT[:0], (3, 0, 0)),
    "UTF-16, big end first": (b"\xfe\xff" + TEXT.decode().encode("utf-16-be"), (2, 0, 0)),
    "an array over lines": (b"[\n" + TEXT.replace(b"}\n{", b"},\n{") + b"]\n", (2, 0, 0)),
    "an array never closed": (b"[" + TEXT.replace(b"}\n", b"},\n"), (2, 0, 0)),
    "an array that is still being written": (b"[" + TEXT.replace(b"}\n", b"},\n") + b'{"timest', (2, 0, 1)),
    "a pretty array": (json.dumps([json.loads(good(1)), json.loads(good(2))], indent=2).encode(), (2, 0, 0)),
    "a pretty record cut short, then a good one": (
        # the four lines `{`, timestamp, model and tokens make no record
        json.dumps(json.loads(good(1)), indent=2).encode()[:-2] + b"\n" + good(2).encode() + b"\n",
        (1, 4, 0),
    ),
    "a log in containers' lines, pretty": (
        "".join(wrapped(line) + "\n" for line in json.dumps(json.loads(good(1)), indent=1).split("\n")).encode(),
        (1, 0, 0),
    ),
    "an unfinished record": (TEXT + good(3).encode()[:25], (2, 0, 1)),
    "an unfinished word": (TEXT + b"Trace", (2, 0, 1)),
    "an unfinished line of several records": (TEXT + (good(3) + good(4)[:20]).encode(), (2, 0, 1)),
    "a last line of several records without its end": (TEXT + (good(3) + "," + good(4)).encode(), (4, 0, 0)),
    "nothing": (b"", (0, 0, 0)),
    "blank lines": (b"\n\n \r\n\t\n", (0, 0, 0)),
    "an empty gzip": (gzip.compress(b""), (0, 0, 0)),
    "many gzip members": (b"".join(gzip.compress(good(n).encode() + b"\n") for n in range(50)), (50, 0, 0)),
    "gzip members with padding between them": (gzip.compress(TEXT) + b"\0" * 512 + gzip.compress(TEXT), (4, 0, 0)),
    "an empty zstd": (zstandard.compress(b""), (0, 0, 0)),
    "many zstd frames": (b"".join(zstandard.compress(good(n).encode() + b"\n") for n in range(50)), (50, 0, 0)),
    "zstd frames of metadata": (
        b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + PACKED + b"\x5e\x2a\x4d\x18\x04\0\0\0efgh",
        (2, 0, 0),
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_yields_what_it_holds(tmp_path: Path, name: str):
    data, expected = FILES[name]
    log, store = tmp_path / "file.log", tmp_path / "store.duckdb"
    log.write_bytes(data)
    (outcome,) = read(store, log)
    assert (outcome.account.requests, outcome.account.rejected, outcome.incomplete) == expected
    assert (outcome.account.events, outcome.account.duplicates, outcome.error) == (0, 0, None)
    if store.exists():
        check_accounts(store)


def test_a_zstd_file_cut_short_gives_its_whole_lines(tmp_path: Path):
    lines = [good(n % 60, step=n) + "\n" for n in range(100_000)]
    frame = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(frame, closefd=False) as writer:
        writer.write("".join(lines).encode())
    packed = frame.getvalue()
    log = tmp_path / "cut.zst"
    log.write_bytes(packed[: len(packed) // 2])
    (outcome,) = read(tmp_path / "store.duckdb", log)
    assert 0 < outcome.account.requests < len(lines)
    assert outcome.account.rejected == 0
    assert outcome.error == f"{log} is damaged: the archive is cut short; what could be read of it was."
    log.write_bytes(packed)
    (outcome,) = read(tmp_path / "store.duckdb", log)
    assert outcome.error is None
    assert ask(tmp_path / "store.duckdb", "SELECT count(*) FROM requests") == [(len(lines),)]


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x7fELF\x02\x01\x01" + bytes(range(32)) * 99])
def test_a_binary_file_is_refused_and_the_others_are_read(
    tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "binary.log").write_bytes(data)
    (tmp_path / "clean.log").write_bytes(TEXT)
    code = run(["--store", str(tmp_path / "s.duckdb"), "ingest", str(tmp_path), "--format", "json"])
    out, err = capsys.readouterr()
    assert code == 1
    assert f"{tmp_path / 'binary.log'} is not a text file" in err
    assert json.loads(out)["totals"]["requests"] == 2


def test_a_refused_line_is_found_where_it_stands(tmp_path: Path):
    first, second = (good(1) + "\n").encode(), "é oops\n".encode()
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    log.write_bytes(first + b"\n" + second + first + b"{bad}\n")
    read(store, log)
    assert ask(store, "SELECT line, byte_offset, excerpt FROM rejects ORDER BY line") == [
        (3, len(first) + 1, "é oops"),
        (5, len(first) + 1 + len(second) + len(first), "{bad}"),
    ]


def test_repaired_text_keeps_all_that_was_readable(tmp_path: Path):
    log, store = tmp_path / "log.jsonl", tmp_path / "store.duckdb"
    records = [
        with_value("team", '"half \\ud83d!"').encode(),
        with_value("team", '"whole \\ud83d\\ude00"').encode(),
        with_value("team", '"raw\ttab"').encode(),
        with_value("team", '"no half: \\\\ud83d"').encode(),
        b'{"ts": 1776679200, "model": "m", "team": "caf\xe9"}',
    ]
    log.write_bytes(b"\n".join(records) + b"\n")
    read(store, log)
    assert [team for (team,) in ask(store, "SELECT team FROM requests ORDER BY line")] == [
        "half \ufffd!", "whole \U0001f600", "raw\ttab", "no half: \\ud83d", "caf\ufffd",
    ]  # fmt: skip


@pytest.mark.parametrize("depth", range(8))
@pytest.mark.parametrize(
    ("inner", "requests"), [("plain text", 0), ('{"timestamp": "2026-10-01T00:00:00Z", "model": "m"}', 1)]
)
def test_an_envelope_is_opened_or_refused_however_deep_it_is(tmp_path: Path, depth: int, inner: str, requests: int):
    for _ in range(depth):
        inner = json.dumps({"log": inner + "\n", "stream": "stdout", "time": "2026-10-01T00:00:00Z"})
    log, store = tmp_path / "app.log", tmp_path / "store.duckdb"
    log.write_text(f"{inner}\n{GOOD_NEIGHBOUR}\n")
    (outcome,) = read(store, log)
    opened = requests if depth <= 4 else 0  # each of four rounds opens one envelope
    assert (outcome.account.read, outcome.account.requests) == (2, opened + 1)
    assert outcome.account.rejected == 1 - opened
    check_accounts(store)


GOOD_NEIGHBOUR = '{"timestamp": "2026-10-01T00:00:09Z", "model": "neighbour"}'
