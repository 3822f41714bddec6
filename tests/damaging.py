"""Damage done to logs, and what must hold whatever it is: nothing is lost or doubled, and no good neighbour harmed."""

import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from reading import ask, check_accounts, read
from tollbook.errors import SourceError
from tollbook.ingest.formats import native, shipped
from tollbook.ingest.judge import Formats, judge
from tollbook.ingest.lines import blocks
from tollbook.ingest.stream import open_stream

EVERY = Formats(native(), shipped())
_RECORD = '{"timestamp":"2026-10-05T08:00:00Z","model":"m","input_tokens":3,"usage":{"output_tokens":4}}'
_ENVELOPED = (
    "2026-10-05T08:00:01.5Z stdout F " + _RECORD,
    f"2026-10-05T08:00:01.5Z stdout P {_RECORD[:30]}\n2026-10-05T08:00:01.6Z stdout F {_RECORD[30:]}",
    "[pod/triage-7f/app] " + _RECORD,
    "Oct  5 10:00:00 noc1 triage[812]: " + _RECORD,
    '<34>1 2026-10-05T08:00:06Z noc1 triage - ID47 [x@1 a="]"] ' + _RECORD,
    *(
        json.dumps({"log": text, "stream": "stdout", "time": "2026-10-05T08:00:02Z"})
        for text in (_RECORD + "\n", _RECORD[:40], _RECORD[40:] + "\n")
    ),
    json.dumps(json.loads(_RECORD), indent=2),
    f"[{_RECORD},\n{_RECORD}]",
    _RECORD + _RECORD,
)
_BLOCK_BYTES = 4 << 20
_UNJUDGED = """
    SELECT line, part, kind FROM staged
    WHERE kind NOT IN ('request', 'event', 'reject') OR identity IS NULL OR (kind = 'reject') = (reason IS NULL)
        OR (kind <> 'reject' AND time IS NULL)
    UNION ALL
    SELECT line, part, 'twice' FROM staged GROUP BY ALL HAVING count(*) > 1
"""
# What is put into records, or takes the place of a part of them.
FRAGMENTS = (
    "{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud83d", "\\u0000", "\0", "\0" * 9, "\r", "\r\n", "\n", "\t",
    "\x1e", "\ufeff", "\ufffe", "é", "null", "true", "NaN", "-Infinity", "1e400", "-0", "99999999999999999999",
    "18446744073709551616", "0.1e-320", "[" * 40, '{"a":' * 40, '"log":', '"message":', '"usage":', '"timestamp":',
    '"timestamp":"2026-02-30T00:00:00Z"', '"MESSAGE":[123,300]', '"records":[{"data":"//4="}]', '"":1', '"a":1,"A":2',
    '"model":"x","model":"y"', "data: ", "2026-10-05T08:00:00Z ", "2026-10-05T08:00:00Z stderr P ", "</script>",
    "' OR 1=1 --", "$reason", "%s", "{{}}",
)  # fmt: skip


def seeds(formats: Formats) -> list[str]:
    """Return sound records: of every format, and in what carriers of logs make of them."""
    return [_RECORD, *_ENVELOPED, *(line for each in formats.others for line in each.example.strip().splitlines())]


def damaged(data: bytes, chance: random.Random, sound: Sequence[str]) -> bytes:
    """Return bytes with one more piece of damage, or of a sound record."""
    place = chance.randrange(len(data) + 1)
    end = min(len(data), place + chance.choice((1, 2, 8, 40, 400)))
    before, within, after = data[:place], data[place:end], data[end:]
    fragment = chance.choice(FRAGMENTS).encode()
    other = chance.choice(sound).encode()
    cut = chance.randrange(len(other) + 1)
    ways = (
        before + after,
        before,
        before + fragment + after,
        before + fragment + within + after,
        before + within + within + after,
        before + bytes([chance.randrange(256)]) + data[place + 1 :],
        before + other[:cut],
        before + other[cut:],
        data + b"\n" + other,
    )
    return chance.choice(ways)


def interleaved(segments: Sequence[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return segments of a log with good lines around them, and the line and the count of each of these."""
    data, good = b"", []
    for number, segment in enumerate((b"", *segments)):
        data += segment + b"\n"
        good.append((data.count(b"\n") + 1, number))
        data += b'{"timestamp":"2026-10-05T08:00:09Z","model":"neighbour","input_tokens":%d}\n' % number
    return data, good


def check_judged(con: duckdb.DuckDBPyConnection, segments: Sequence[bytes], formats: Formats) -> None:
    """See that segments of a log are judged whatever they are, and the good lines between them read.

    Args:
        con: Where to judge them.
        segments: Anything.
        formats: The formats to read by.

    Raises:
        AssertionError: A good line was not read, or a piece of damage is neither read nor refused.
    """
    data, good = interleaved(segments)
    with tempfile.TemporaryDirectory(prefix="tollbook-damage-") as folder:
        log = Path(folder) / "damaged.log"
        log.write_bytes(data)
        try:
            stream = open_stream(str(log))
        except SourceError:
            return  # no text file
        judge(con, formats, list(blocks(stream, 0, 1, _BLOCK_BYTES)))
        stream.close()
    assert con.execute(_UNJUDGED).fetchall() == []
    found = con.execute("SELECT line, input_tokens FROM staged WHERE model = 'neighbour'").fetchall()
    assert [row for row in good if row not in found] == []


def check_stored(segments: Sequence[bytes], formats: Formats = EVERY) -> None:
    """See that the good lines between segments of a log are stored, all of it accounted for, and none of it twice.

    Args:
        segments: Anything.
        formats: The formats to read by.

    Raises:
        AssertionError: It is not so.
    """
    data, good = interleaved(segments)
    with tempfile.TemporaryDirectory(prefix="tollbook-damage-") as folder:
        log, store, copy = (Path(folder) / name for name in ("damaged.log", "store.duckdb", "copy.log"))
        log.write_bytes(data)
        (outcome,) = read(store, log, formats=formats)
        if outcome.error is not None:
            assert "is not a text file" in outcome.error
            return
        assert outcome.incomplete == 0, "the last line is whole"
        found = ask(store, "SELECT line, input_tokens FROM requests WHERE model = 'neighbour'")
        assert [row for row in good if row not in found] == []
        check_accounts(store)
        copy.write_bytes(b'{"timestamp":"2026-10-05T08:00:10Z","message":"other"}\n' + data)
        (repeated,) = read(store, copy, formats=formats)
        account = repeated.account
        assert (account.read, account.requests, account.events) == (outcome.account.read + 1, 0, 1)
