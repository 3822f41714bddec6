"""The bundled sample logs: made anew, read by nothing but the standard library, and counted a second time."""

import gzip
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from tollbook.sample.bundle import write_bundle
from tollbook.sample.month import is_weekend

COMMITTED = Path(__file__).parents[2] / "sample_logs"


def content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def expected() -> dict:
    return tomllib.loads((COMMITTED / "expected.toml").read_text())


def reason_to_refuse(line: str) -> str | None:
    """Judge a line as slowly and plainly as possible."""
    repeated = []

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        repeated.extend(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        return dict(pairs)

    try:
        record = json.loads(line.lstrip("\0"), object_pairs_hook=once)
    except ValueError:
        return "truncated" if line.startswith("{") else "not_json"
    if repeated:
        return "duplicate_key"
    if "timestamp" not in record and "ts" not in record:
        return "no_time"
    counts = [value for key, value in record.items() if key.endswith("_tokens")]
    return None if all(type(count) is int and count >= 0 for count in counts) else "token_count"


@pytest.fixture(scope="module")
def found(expected: dict) -> dict[str, Counter]:
    """Refused lines by reason; distinct requests, with the last line of an id; distinct events."""
    requests: dict[str, dict] = {}
    events, refused, repeated = set(), Counter(), Counter()
    for name in sorted(expected["files"]):
        if name in expected["copies"]:
            continue
        for number, line in enumerate(content(COMMITTED / name).decode().split("\n")[:-1]):
            if reason := reason_to_refuse(line):
                refused[reason] += 1
                continue
            record = json.loads(line.lstrip("\0"))
            if "model" not in record:
                assert line not in events
                events.add(line)
                continue
            key = record.get("request_id") or f"{name}:{number}"
            if key in requests:
                repeated["redelivered" if requests[key] == record else "streamed"] += 1
            if key not in requests or record["output_tokens"] >= requests[key]["output_tokens"]:
                requests[key] = record
    return {"requests": list(requests.values()), "events": events, "refused": refused, "repeated": repeated}


def total(requests: list[dict], *names: str) -> int:
    return sum(record.get(name, 0) for record in requests for name in names)


def test_the_committed_logs_are_what_the_generator_writes(made: Path):
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in COMMITTED.iterdir())
    for path in made.iterdir():
        assert content(path) == content(COMMITTED / path.name), path.name


def test_another_seed_gives_another_month(made: Path, tmp_path: Path):
    write_bundle(tmp_path, seed=7)
    assert content(tmp_path / "gateway-2026-10-29.jsonl") != content(made / "gateway-2026-10-29.jsonl")


def test_the_logs_are_small_enough_to_commit():
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 2 * 1024 * 1024


def test_lines_are_counted(expected: dict):
    for name, lines in expected["files"].items():
        assert content(COMMITTED / name).count(b"\n") == lines, name
    assert sum(expected["files"].values()) == expected["totals"]["lines"]


def test_the_lines_reconcile(expected: dict):
    totals = expected["totals"]
    told_apart = totals["requests"] + totals["events"] + totals["duplicates"] + totals["rejected"]
    assert totals["lines"] == told_apart + totals["copied_lines"]


def test_copies_hold_what_their_originals_hold(expected: dict):
    assert len(expected["copies"]) == 2
    for copy, original in expected["copies"].items():
        assert content(COMMITTED / copy) == content(COMMITTED / original)


def test_refused_lines_are_accounted_for_by_reason(expected: dict, found: dict):
    assert found["refused"] == expected["rejected"]
    assert found["repeated"] == expected["duplicates"]


def test_requests_and_events_are_counted(expected: dict, found: dict):
    totals, requests = expected["totals"], found["requests"]
    assert len(requests) == totals["requests"]
    assert len(found["events"]) == totals["events"]
    outcomes = Counter(record.get("success") for record in requests)
    assert outcomes == {True: totals["successes"], False: totals["failures"], None: totals["without_outcome"]}
    assert sum("cost_usd" in record for record in requests) == totals["with_reported_cost"]


def test_tokens_add_up_by_team_and_by_model(expected: dict, found: dict):
    for dimension in ("team", "model"):
        for value, counts in expected[dimension].items():
            mine = [record for record in found["requests"] if record.get(dimension, "unattributed") == value]
            assert len(mine) == counts["requests"], value
            assert total(mine, "input_tokens", "prompt_tokens") == counts["input_tokens"], value
            assert total(mine, "output_tokens", "completion_tokens") == counts["output_tokens"], value
            assert sum(record.get("success") is False for record in mine) == counts["failures"], value


def test_parts_of_tokens_never_exceed_the_whole(found: dict):
    for record in found["requests"]:
        if "input_tokens" in record:
            assert total([record], "cached_input_tokens", "cache_write_tokens") <= record["input_tokens"]
            assert record.get("reasoning_tokens", 0) <= record["output_tokens"]


def test_the_newest_file_ends_in_an_unfinished_line():
    last = content(COMMITTED / "gateway-2026-10-31.jsonl").split(b"\n")[-1]
    assert reason_to_refuse(last.decode()) == "truncated"


def in_hours(requests: list[dict], since: str, until: str) -> Iterator[dict]:
    return (record for record in requests if since <= str(record.get("timestamp", "")) < until)


def test_the_outage_fails_a_third_of_one_provider(found: dict):
    hit = [r for r in in_hours(found["requests"], "2026-10-14T13", "2026-10-14T15") if r["provider"] == "openai"]
    failed = sum(record["success"] is False for record in hit)
    assert 0.25 < failed / len(hit) < 0.45


def test_the_runaway_agent_costs_more_than_fifty_dollars_in_an_hour(found: dict):
    loop = [r for r in in_hours(found["requests"], "2026-10-23T02", "2026-10-23T03") if r["team"] == "automation"]
    loop = [record for record in loop if record["model"] == "claude-sonnet-4-5"]
    assert total(loop, "input_tokens") * 3 + total(loop, "output_tokens") * 15 > 50_000_000


def test_the_month_keeps_its_promise_of_success_and_breaks_that_of_latency(found: dict):
    known = [record for record in found["requests"] if "success" in record]
    good = [record for record in known if record["success"]]
    assert 0.99 < len(good) / len(known) < 0.995
    assert 0.98 < sum(record["latency_ms"] < 2000 for record in good) / len(good) < 0.99


def test_weekends_of_october_2026_begin_on_the_third():
    assert [day for day in range(1, 32) if is_weekend(day)] == [3, 4, 10, 11, 17, 18, 24, 25, 31]
