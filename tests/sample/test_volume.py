import gzip
import hashlib
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import zstandard

from tollbook.sample.volume import Volume, volume_lines, write_volume


def test_lines_are_native_requests_in_order_of_time():
    records = [json.loads(line) for line in volume_lines(Volume(2_500, per_day=1_000))]
    assert len(records) == 2_500
    times = [record["timestamp"] for record in records]
    assert times == sorted(times)
    assert [sum(time.startswith(f"2026-01-0{day}") for time in times) for day in (1, 2, 3)] == [1_000, 1_000, 500]
    assert len({record["request_id"] for record in records}) == 2_500
    assert all(record["model"] and record["input_tokens"] > 0 for record in records)


def test_a_line_has_about_300_bytes():
    lines = list(volume_lines(Volume(5_000)))
    assert 280 < sum(map(len, lines)) / len(lines) < 340


def test_the_bytes_of_a_seed_are_the_same_everywhere():
    text = "\n".join(volume_lines(Volume(10_000, per_day=4_000, seed=3, bad_every=1_000)))
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "b859a71b3d74dd328dedfc1fa3032e82d7c07bdfc13e54af1009fd5d9faffcf7"
    )


def test_another_seed_shares_no_id():
    ids = [{json.loads(line)["request_id"] for line in volume_lines(Volume(1_000, seed=seed))} for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_files_of_adjacent_days_join_without_a_seam():
    whole = list(volume_lines(Volume(900, per_day=300)))
    parts = [*volume_lines(Volume(300, per_day=300)), *volume_lines(Volume(600, per_day=300, skip_days=1))]
    assert parts == whole


def test_a_year_of_fifty_thousand_a_day_ends_on_the_last_of_december():
    *_, last = volume_lines(Volume(50_000, skip_days=364))
    assert json.loads(last)["timestamp"].startswith("2026-12-31T23:59")


def test_lines_without_ids_say_everything_else():
    with_ids = [json.loads(line) for line in volume_lines(Volume(50))]
    without = [json.loads(line) for line in volume_lines(Volume(50, ids=False))]
    for record in with_ids:
        del record["request_id"]
    assert without == with_ids


def test_damaged_lines_come_on_top_of_the_requests():
    lines = list(volume_lines(Volume(1_000, bad_every=100)))
    assert len(lines) == 1_010

    def is_good(line: str) -> bool:
        try:
            return isinstance(json.loads(line), dict)
        except ValueError:
            return False

    assert sum(map(is_good, lines)) == 1_000
    assert not is_good(lines[100])
    assert lines[100] != lines[201]


def test_compressed_files_hold_the_same_lines(tmp_path: Path):
    volume = Volume(500, start=date(2026, 3, 1))
    for suffix in ("", ".gz", ".zst"):
        assert write_volume(tmp_path / f"v.jsonl{suffix}", volume) == 500
    plain = (tmp_path / "v.jsonl").read_bytes()
    assert plain.startswith(b'{"timestamp":"2026-03-01T00:00:00.000Z"')
    assert gzip.decompress((tmp_path / "v.jsonl.gz").read_bytes()) == plain
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "v.jsonl.zst").read_bytes())
    assert unpacked == plain


def test_the_command_line_writes_what_it_is_asked_for(tmp_path: Path):
    file = tmp_path / "v.jsonl"
    arguments = ["write", file, "--requests", "40", "--per-day", "20", "--start", "2026-02-27", "--no-ids"]
    done = subprocess.run(
        [sys.executable, "-m", "tollbook.sample", *map(str, arguments)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    lines = file.read_text().splitlines()
    assert len(lines) == 40
    assert json.loads(lines[-1])["timestamp"].startswith("2026-02-28T23")
