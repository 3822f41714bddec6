"""The bundled sample: a month of logs as files that have been through what log files go through."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tollbook.sample.account import Account
from tollbook.sample.draw import STEADY, Draw
from tollbook.sample.files import open_for_writing
from tollbook.sample.month import DAYS, Entry, Kind, Span, entries
from tollbook.sample.readme import readme

SEED = 2029  # of several tried: its outage fails about as many calls as it should, and meets tasks that tell their life
README, EXPECTED = "README.md", "expected.toml"
_WEEKS = (
    ("gateway-2026-10-01_07.jsonl.zst", range(1, 8)),
    ("gateway-2026-10-08_14.jsonl.zst", range(8, 15)),
    ("gateway-2026-10-15_21.jsonl.gz", range(15, 22)),
    ("gateway-2026-10-22_28.jsonl.gz", range(22, 29)),
    ("gateway-2026-10-29.jsonl", range(29, 30)),
    ("gateway-2026-10-30.jsonl", range(30, 31)),
    ("gateway-2026-10-31.jsonl", range(31, 32)),
)
_DAMAGED, _SCRATCHED, _NEWEST = _WEEKS[2][0], _WEEKS[0][0], _WEEKS[-1][0]
_ROTATED, _ROTATED_COPY = "gateway-2026-10-30.jsonl", "gateway-2026-10-30.jsonl.1.gz"
_LATE, _LATE_HOURS, _LATE_REQUESTS, _REDELIVERED = "edge-2026-10-31.jsonl", Span.of(30, 8, 3), 40, 12
_NIGHTLY, _NIGHTLY_COPY, _NIGHTLY_STREAM = "nightly-2026-10.jsonl", "nightly-2026-10.jsonl.1.gz", 1001
_NIGHTLY_CALLS, _FIRST_NIGHT = 12, 1_790_818_200  # 2026-10-01T01:30:00Z
_NULS = "\0" * 512

_TRACEBACK = (
    "Traceback (most recent call last):",
    '  File "/srv/route-api/worker.py", line 88, in flush',
    "    self.sink.write(line)",
    "OSError: [Errno 28] No space left on device",
)
_TEXT = (
    'INFO:     10.20.0.7:51422 - "POST /v1/analyze HTTP/1.1" 200 OK',
    "Oct 16 09:14:02 edge-gw1 systemd[1]: route-api.service: Main process exited, code=exited, status=1/FAILURE",
    "--- log rotated 2026-10-16 ---",
)


def write_bundle(folder: Path, seed: int = SEED) -> Account:
    """Write the sample logs, their README and `expected.toml` into a folder; return the true account of them.

    The same seed gives the same lines everywhere; compressed bytes may differ between versions of zlib and zstd.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account = Account()
    days = list(entries(seed))
    for number, day in enumerate(days, start=1):
        _count(day, number, account)
    late = [entry for entry in days[29] if _is_quiet(entry, days[29])]
    arrives_late, redelivered = late[:_LATE_REQUESTS], late[_LATE_REQUESTS : _LATE_REQUESTS + _REDELIVERED]
    moved = {id(entry) for entry in arrives_late}
    files: dict[str, list[str]] = {}
    for name, numbers in _WEEKS:
        files[name] = [_line(e.record) for number in numbers for e in days[number - 1] if id(e) not in moved]
    files[_LATE] = [_line(entry.record) for entry in [*arrives_late, *redelivered]]
    account.duplicates["redelivered"] = len(redelivered)
    files[_NIGHTLY] = _nightly(Draw(seed, _NIGHTLY_STREAM), account)

    _damage(files[_DAMAGED], account)
    _scratch(files[_SCRATCHED], account)
    for copy, original in ((_ROTATED_COPY, _ROTATED), (_NIGHTLY_COPY, _NIGHTLY)):
        files[copy] = files[original]
        account.copies[copy] = original
    for name, lines in sorted(files.items()):
        unfinished = _changed(lines, 900, {})[:180] if name == _NEWEST else ""
        account.totals["incomplete"] += bool(unfinished)
        with open_for_writing(folder / name, level=19 if name.endswith(".zst") else 9) as file:
            file.write(("\n".join(lines) + "\n" + unfinished).encode())
        account.add_file(name, len(lines), copy_of=account.copies.get(name))
    account.totals["rejected"] = account.rejected.total()
    account.totals["duplicates"] = account.duplicates.total()
    (folder / EXPECTED).write_text(account.toml(), encoding="utf-8")
    (folder / README).write_text(readme(account, days), encoding="utf-8")
    return account


def _count(day: Iterable[Entry], number: int, account: Account) -> None:
    for entry in day:
        if entry.kind is Kind.REQUEST:
            account.add_request(entry.record, number)
        elif entry.kind is Kind.PARTIAL:
            account.duplicates["streamed"] += 1
        else:
            account.totals["events"] += 1


def _is_quiet(entry: Entry, day: Sequence[Entry]) -> bool:
    """Say whether a request of the late hours stands alone: one line, so that moving it leaves nothing behind."""
    if entry.kind is not Kind.REQUEST or not _LATE_HOURS.holds(entry.moment):
        return False
    trace = entry.record["trace_id"]
    return sum(other.record["trace_id"] == trace for other in day) == 1


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, separators=(",", ":"))


def _nightly(draw: Draw, account: Account) -> list[str]:
    """Return the lines of a batch job: without ids, times in epoch seconds, other names, no outcome, honest twins."""
    lines = []
    for night in range(DAYS):
        for call in range(_NIGHTLY_CALLS):
            record: dict[str, object] = {
                "ts": _FIRST_NIGHT + night * 86_400 + call * 20,
                "model": "gpt-4o-mini",
                "provider": "openai",
                "prompt_tokens": 7_400 + 50 * draw.below(12),
                "completion_tokens": 180 + 5 * draw.below(10),
                "duration_ms": draw.around(620, STEADY) // 10 * 10,
                "team": "noc",
                "project": "log-parser",
                "env": "production",
                "user_id": "svc-nightly",
                "service": "syslog-digest",
            }
            twins = 2 if night % 3 == 0 and call == 0 else 1  # two workers, the same chunk, the same second
            for _ in range(twins):
                account.add_request(record, night + 1)
                lines.append(_line(record))
            account.totals["twin_lines"] += twins - 1
    return lines


def _damage(lines: list[str], account: Account) -> None:
    """Put what a full disk and a crash leave behind into a file's lines, and account for it."""
    bad = [(150, line, "not_json") for line in (*_TEXT, *_TRACEBACK)]
    for place, share in ((151, 40), (152, 60), (320, 25), (640, 80), (860, 95)):
        line = _changed(lines, place, {})
        bad.append((place, line[: len(line) * share // 100], "truncated"))
    for place, count in ((210, "-412"), (410, "101.7"), (510, '"many"'), (610, "true"), (710, "-1")):
        line = _changed(lines, place, {"output_tokens": 98765})
        bad.append((place, line.replace("98765", count), "token_count"))
    for place in (260, 560, 760):
        line = _changed(lines, place, {"output_tokens": 98765})
        bad.append(
            (place, line.replace('"output_tokens":98765', '"output_tokens":120,"output_tokens":210'), "duplicate_key")
        )
    bad += [(place, _changed(lines, place, {"timestamp": None}), "no_time") for place in (360, 810)]
    lines[len(lines) // 7] = _NULS + lines[len(lines) // 7]
    account.totals["lines_with_nul_bytes"] = 1
    _insert(lines, bad, account)


def _scratch(lines: list[str], account: Account) -> None:
    """Cut two lines short and leave one of text."""
    cut = [(place, _changed(lines, place, {})[:120], "truncated") for place in (333, 666)]
    _insert(lines, [*cut, (500, "--- log rotated 2026-10-04 ---", "not_json")], account)


def _changed(lines: Sequence[str], place: int, changes: dict[str, object]) -> str:
    """Return a request near a place (in thousandths of the file) as another request would look; None leaves out."""
    here = len(lines) * place // 1000
    line = next(line for line in lines[here:] if '"request_id"' in line)
    record: dict[str, object] = json.loads(line.lstrip("\0"))
    record["request_id"] = f"{record['request_id']}x{place}"
    return _line({key: value for key, value in (record | changes).items() if value is not None})


def _insert(lines: list[str], bad: Sequence[tuple[int, str, str]], account: Account) -> None:
    length = len(lines)
    for place, line, reason in sorted(bad, key=lambda item: item[0], reverse=True):
        lines.insert(length * place // 1000, line)
        account.rejected[reason] += 1
