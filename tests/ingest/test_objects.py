"""Object stores, against an S3 server on this machine: what holds for files holds for objects."""

import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
import zstandard

from keeping import check_sound, read_refused, take_out
from reading import ask, check_accounts, read
from tollbook.ingest import objects
from tollbook.ingest.follow import read_once
from tollbook.ingest.listing import find_sources

SECRET = "never-to-be-shown"  # noqa: S105 - of a server that asks for none
Tollbook = Callable[..., subprocess.CompletedProcess[str]]
SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


def lines(first: int, last: int) -> bytes:
    records = [
        {"timestamp": 1776679200 + n, "request_id": f"r{n}", "model": "m", "input_tokens": 1}
        for n in range(first, last)
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.communicate("")


class Bucket:
    """A bucket of the server, empty at first."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client = boto3.client("s3")
        self.client.create_bucket(Bucket="logs")

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket="logs", Key=key, Body=data)

    def rename(self, key: str, new: str) -> None:
        self.client.copy_object(Bucket="logs", Key=new, CopySource={"Bucket": "logs", "Key": key})
        self.client.delete_object(Bucket="logs", Key=key)


@pytest.fixture
def environment(server: str, tmp_path: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "an-id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def bucket(server: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()  # noqa: S310
    objects._opened.cache_clear()
    yield Bucket(server)
    objects._opened.cache_clear()


def listed(*paths: str, patterns: tuple[str, ...] = ()) -> list[str]:
    listing = find_sources(paths, patterns)
    assert listing.errors == []
    return [source.name.removeprefix("s3://logs/") for source in listing.sources]


def test_a_prefix_stands_for_the_logs_below_it_and_globs_reach_down(bucket: Bucket):
    for key in (
        "top.log", "app/a.log", "app/a.log.1.gz", "app/2026/10/b.jsonl", "app/readme.md", "app/.c.log", "app/.d/e.log",
        "application/f.log", "app/odd name [1]+%20?.log",
    ):  # fmt: skip
        bucket.put(key, b"{}\n")
    below = ["app/2026/10/b.jsonl", "app/a.log", "app/a.log.1.gz", "app/odd name [1]+%20?.log"]
    assert listed("s3://logs/app") == below
    assert listed("s3://logs/app/") == below
    assert listed("s3://logs") == [*below, "application/f.log", "top.log"]
    assert listed("s3://logs/top.log", "s3://logs/top.log") == ["top.log"]
    assert listed("s3://logs/app/*.log") == ["app/a.log", "app/odd name [1]+%20?.log"]
    assert listed("s3://logs/app*/**/*.[jl]*") == [*below, "application/f.log"]
    assert listed("s3://logs/**/b.jsonl") == ["app/2026/10/b.jsonl"]
    assert listed("s3://logs/app", patterns=("*.md",)) == ["app/readme.md"]
    assert find_sources(["s3://logs/app"]).left_out == ["s3://logs/app/readme.md"]
    errors = find_sources(["s3://logs/*.gone", "s3://logs/gone", "s3://logs/app/readme.md/"]).errors
    assert [str(error).partition(" (")[0] for error in errors] == [
        "No object matches s3://logs/*.gone.",
        "The folder s3://logs/gone holds no log files",
        "The folder s3://logs/app/readme.md/ holds no log files",
    ]


def test_an_object_that_grows_moves_and_is_compressed_is_read_once(bucket: Bucket, tmp_path: Path):
    store = tmp_path / "store.duckdb"

    def run() -> list[tuple[int, int]]:
        listing = find_sources(["s3://logs/app"])
        outcomes = read(store, *(source.name for source in listing.sources))
        assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
        return [(outcome.account.requests, outcome.account.duplicates) for outcome in outcomes]

    bucket.put("app/a.log", lines(0, 5))
    assert run() == [(5, 0)]
    bucket.put("app/a.log", lines(0, 9)[:-10])  # appended to
    assert run() == [(3, 0)]
    bucket.rename("app/a.log", "app/a.log.1")
    bucket.put("app/a.log", lines(9, 12))
    assert run() == [(3, 0), (0, 0)]
    bucket.put("app/a.log.1", lines(0, 9))
    assert run() == [(0, 0), (1, 0)]
    bucket.put("app/a.log.1", gzip.compress(lines(0, 9)))
    bucket.put("app/a.log", zstandard.compress(lines(9, 13)))
    assert run() == [(1, 0), (0, 0)]
    bucket.put("app/a.log", lines(13, 14))  # replaced
    bucket.put("app/empty.log", b"")
    assert run() == [(1, 0), (0, 0), (0, 0)]
    assert ask(store, "SELECT count(*), count(DISTINCT request_id) FROM requests") == [(14, 14)]
    assert ask(store, "SELECT name FROM sources ORDER BY 1 LIMIT 1") == [("s3://logs/app/a.log",)]
    check_accounts(store)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each request for a part of an object brought."""
    sizes: list[int] = []
    fetch = objects._Ranges._fetched

    def counted(self: objects._Ranges, wanted: int) -> memoryview:
        chunk = fetch(self, wanted)
        sizes.append(len(chunk))
        return chunk

    monkeypatch.setattr(objects._Ranges, "_fetched", counted)
    return sizes


def test_refused_lines_of_an_object_are_read_again_and_objects_are_forgotten(bucket: Bucket, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    bucket.put("a.log", lines(0, 3) + b"{damaged\n")
    bucket.put("b.log", lines(2, 5))
    read(store, "s3://logs/a.log", "s3://logs/b.log")
    [retried] = read_refused(store)
    assert (retried.account.read, retried.account.rejected, retried.error) == (1, 1, None)
    take_out(store, "s3://logs/a.log")  # what b.log repeats of it is read there again
    assert ask(store, "SELECT request_id FROM requests ORDER BY ALL") == [("r2",), ("r3",), ("r4",)]
    bucket.put("c.log", b"{damaged\n")
    read(store, "s3://logs/c.log")
    bucket.rename("c.log", "old/c.log.1")
    assert [one.error for one in read_refused(store)] == ["not at hand: say where it is now"]
    assert [one.error for one in read_refused(store, "s3://logs/old")] == [None]
    check_sound(store)


def test_what_was_read_of_an_object_is_not_fetched_again(bucket: Bucket, tmp_path: Path, fetched: list[int]):
    store, data = tmp_path / "store.duckdb", lines(0, 60_000)
    assert len(data) > 4_000_000
    bucket.put("a.log", data)
    read(store, "s3://logs/a.log")
    assert sum(fetched) < 1.1 * len(data)
    assert len(fetched) < 10
    fetched.clear()
    bucket.put("a.log", data + lines(60_000, 60_010))
    (outcome,) = read(store, "s3://logs/a.log")
    assert outcome.account.requests == 10
    assert sum(fetched) < 200_000


def test_an_object_that_is_replaced_while_it_is_read_is_told_and_read_later(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = tmp_path / "store.duckdb"
    bucket.put("a.log", lines(0, 20_000))
    fetch = objects._Ranges._fetched

    def replaced(self: objects._Ranges, wanted: int) -> memoryview:
        chunk = fetch(self, wanted)
        bucket.put("a.log", lines(50_000, 50_005))
        return chunk

    monkeypatch.setattr(objects._Ranges, "_fetched", replaced)
    (outcome,) = read(store, "s3://logs/a.log")
    assert outcome.error == (
        "s3://logs/a.log cannot be read to its end: it was replaced while it was read; what could be read of it was."
    )
    monkeypatch.setattr(objects._Ranges, "_fetched", fetch)
    (outcome,) = read(store, "s3://logs/a.log")
    assert (outcome.account.requests, outcome.error) == (5, None)
    assert ask(store, "SELECT count(*) = count(DISTINCT request_id) FROM requests") == [(True,)]
    check_accounts(store)


def test_an_object_that_vanishes_between_listing_and_reading_is_looked_for_anew(bucket: Bucket, tmp_path: Path):
    store = tmp_path / "store.duckdb"
    bucket.put("app/a.log", lines(0, 2))
    happening = [lambda: bucket.rename("app/a.log", "app/b.log")]

    def find():
        listing = find_sources(["s3://logs/app"])
        while happening:
            happening.pop()()
        return listing

    rounds = read_once(find, lambda names: read(store, *names))
    assert rounds.errors == []
    assert [(name, outcome.account.requests) for name, outcome in rounds.outcomes.items()] == [
        ("s3://logs/app/b.log", 2)
    ]
    (outcome,) = read(store, "s3://logs/app/a.log")
    assert outcome.error == "There is no object s3://logs/app/a.log."


def deny(endpoint: str, after: str) -> None:
    """Have the server check permissions after so many requests."""
    url, headers = f"{endpoint}/moto-api/reset-auth", {"Content-Type": "text/plain"}
    request = urllib.request.Request(url, data=after.encode(), headers=headers)  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310


CASES = {
    "no bucket": ("s3://nowhere/a.log", {}, "s3://nowhere/a.log cannot be read: there is no such bucket."),
    "no server": (
        "s3://logs/a.log",
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        "s3://logs/a.log cannot be read: its server cannot be reached.",
    ),
    "no credentials": (
        "s3://logs/a.log",
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
        "There are no credentials for s3://logs.",
    ),
    "no profile": (
        "s3://logs/a.log",
        {"AWS_PROFILE": "gone"},
        "s3://logs/a.log cannot be read: AWS_PROFILE names no profile.",
    ),
    "secret in address": (f"s3://id:{SECRET}@logs/a.log", {}, "An address is s3://BUCKET/KEY; credentials come from"),
    "unknown kind": ("ftp://logs/a.log", {}, "tollbook reads no ftp:// addresses, only files, s3:// and gs://."),
    "no such object": ("s3://logs/gone.log", {}, "The folder s3://logs/gone.log holds no log files"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_goes_wrong_is_one_sentence_and_the_other_sources_are_read(
    bucket: Bucket, environment: dict[str, str], tmp_path: Path, tollbook: Tollbook, case: str
):
    address, changes, sentence = CASES[case]
    (tmp_path / "b.jsonl").write_bytes(lines(0, 3))
    env = {name: value for name, value in {**environment, **changes}.items() if value}
    done = tollbook("--store", "s.duckdb", "ingest", address, "b.jsonl", "--format", "json", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith(f"tollbook: {sentence}")
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr + done.stdout
    assert json.loads(done.stdout)["totals"]["requests"] == 3


def test_what_is_denied_is_told(bucket: Bucket, environment: dict[str, str], tollbook: Tollbook):
    bucket.put("a.log", lines(0, 1))
    deny(bucket.endpoint, "0")
    try:
        done = tollbook("--store", "s.duckdb", "ingest", "s3://logs", env=environment)
    finally:
        deny(bucket.endpoint, "1000000")
    assert done.returncode == 1
    assert done.stderr == "tollbook: s3://logs/ cannot be read: the credentials are not known there.\n"


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path):
    (tmp_path / "b.jsonl").write_bytes(lines(0, 3))
    for missing in ("obstore", "boto3"):
        code = f"import sys; sys.modules[{missing!r}] = None; from tollbook.__main__ import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, "--store", "s.duckdb", "ingest", "s3://logs/a.log", "b.jsonl"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )
        assert done.returncode == 1
        assert done.stderr == (
            "tollbook: Object stores need more than tollbook brings along: pip install 'tollbook[s3]'.\n"
        )
    assert ask(tmp_path / "s.duckdb", "SELECT count(*) FROM requests") == [(3,)]


def test_the_command_reads_a_prefix_and_a_file_side_by_side(
    bucket: Bucket,
    environment: dict[str, str],
    tmp_path: Path,
    tollbook: Tollbook,
):
    bucket.put("app/a.log.1.gz", gzip.compress(lines(0, 4)))
    bucket.put("app/notes.txt", b"words")
    (tmp_path / "b.jsonl").write_bytes(lines(4, 7))
    done = tollbook("--store", "s.duckdb", "ingest", "s3://logs/app", "b.jsonl", "--format", "json", env=environment)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    assert [(row["source"], row["requests"]) for row in rows] == [("s3://logs/app/a.log.1.gz", 4), ("b.jsonl", 3)]
    assert done.stderr == "1 file was left out by name: notes.txt. Choose which to read with --pattern.\n"
