"""Exports: files that agree with the store and with their manifest, and never half of one."""

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

T = datetime(2026, 10, 17, 9, 0, 0, 250000)
D = Decimal
REQUESTS = [
    {"time": T, "team": "=1+1", "error": 'a "b",\nc', "input_tokens": 10, "computed_cost": D("0.000000000000001"),
     "attributes": '{"labels": {"region": "eu"}}'},
    {"time": T, "team": "noc", "latency_ms": 0.1, "input_tokens": 5, "output_tokens": 2, "computed_cost": D("1.5")},
    {"time": datetime(2026, 11, 1), "team": "noc", "input_tokens": 99},
]  # fmt: skip
EVENTS = [{"time": T, "message": "@here", "level": "INFO"}]
REJECTS = [{"byte_offset": 0, "reason": "not JSON", "excerpt": "-{"}]


@pytest.fixture
def export(store_with: Callable[..., Path], tollbook: Callable, tmp_path: Path) -> Callable:
    store = store_with(REQUESTS, EVENTS, REJECTS)
    (tmp_path / "tollbook.toml").write_text('dimensions = ["labels.region"]\n')
    return lambda *arguments: tollbook("--store", store, "--at", "2026-12-01", "export", *arguments)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_requests_are_exact_in_both_files(export: Callable, tmp_path: Path):
    ran = export("requests", "--month", "2026-10", "--to", tmp_path / "out")
    assert (ran.returncode, ran.stdout) == (0, "")
    first, second = read_csv(tmp_path / "out/requests.csv")
    assert (first["time"], first["team"], first["error"]) == ("2026-10-17T09:00:00.250000Z", "'=1+1", 'a "b",\nc')
    assert (first["labels.region"], first["latency_ms"], second["latency_ms"]) == ("eu", "", "0.1")
    assert [D(row["cost"]) for row in (first, second)] == [D("0.000000000000001"), D("1.5")]
    frame = pl.read_parquet(tmp_path / "out/requests.parquet")
    assert frame["team"].to_list() == ["=1+1", "noc"]
    assert frame["cost"].to_list() == [D("0.000000000000001"), D("1.5")]
    assert frame["time"].to_list() == [T.replace(tzinfo=UTC)] * 2
    assert frame.columns == list(first)
    assert not {"identity", "twin", "batch_id"} & set(first)


def test_the_manifest_says_what_is_in_the_files(export: Callable, tmp_path: Path):
    export("requests", "--month", "2026-10", "--where", "team!=x", "--to", tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["window"] == {
        "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z", "timezone": "UTC",
    }  # fmt: skip
    assert (manifest["what"], manifest["filters"]) == ("requests", ["team!=x"])
    assert manifest["generated_at"] == "2026-12-01T00:00:00Z"
    assert manifest["tollbook"]
    assert [file["name"] for file in manifest["files"]] == ["requests.csv", "requests.parquet"]
    for file in manifest["files"]:
        content = (tmp_path / "out" / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert (file["rows"], file["sums"]["input_tokens"], file["sums"]["output_tokens"]) == (2, 15, 2)
        assert file["sums"]["cost"] == "1.500000000000001"
        assert file["sums"]["reported_cost"] is None


@pytest.mark.parametrize(("what", "column", "text"), [("events", "message", "@here"), ("rejects", "excerpt", "-{")])
def test_events_and_rejects_are_exported_too(export: Callable, tmp_path: Path, what: str, column: str, text: str):
    assert export(what, "--to", tmp_path / "out").returncode == 0
    assert [row[column] for row in read_csv(tmp_path / f"out/{what}.csv")] == [f"'{text}"]
    assert pl.read_parquet(tmp_path / f"out/{what}.parquet")[column].to_list() == [text]


def test_a_chargeback_is_exported_as_it_is_reported(export: Callable, tmp_path: Path):
    ran = export("chargeback", "--by", "team", "--to", tmp_path / "out")
    assert "at least" in ran.stderr
    assert [(row["team"], row["cost"]) for row in read_csv(tmp_path / "out/chargeback.csv")] == [
        ("'=1+1", "0.000000000000001"),
        ("noc", "1.50"),
    ]
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["by"] == ["team"]
    assert manifest["files"][1]["sums"] == {
        "requests": 3, "input_tokens": 114, "output_tokens": 2, "cost": "1.500000000000001", "amount": "1.50",
        "unpriced_requests": 1,
    }  # fmt: skip


def test_an_export_is_replaced_only_when_asked_to(export: Callable, tmp_path: Path):
    out = tmp_path / "out"
    export("requests", "--to", out)
    before = (out / "manifest.json").read_bytes()
    refused = export("events", "--to", out)
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert (out / "manifest.json").read_bytes() == before
    assert export("events", "--to", out, "--overwrite").returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["events.csv", "events.parquet", "manifest.json"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_a_folder_with_other_files_is_never_replaced(export: Callable, tmp_path: Path):
    out = tmp_path / "out"
    export("events", "--to", out)
    (out / "thesis.txt").write_text("mine")
    ran = export("events", "--to", out, "--overwrite")
    assert (ran.returncode, (out / "thesis.txt").read_text()) == (2, "mine")
    assert "thesis.txt" in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [("events", "--where", "team=noc"), ("rejects", "--since", "1d"), ("requests", "--by", "team"), ("everything",)],
)
def test_what_makes_no_sense_is_refused_and_writes_nothing(export: Callable, tmp_path: Path, arguments: tuple[str]):
    ran = export(*arguments, "--to", tmp_path / "out")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_one_sentence(export: Callable, tmp_path: Path):
    (tmp_path / "file").write_text("")
    ran = export("events", "--to", tmp_path / "file" / "out")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
