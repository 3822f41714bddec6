"""Is the store sound? Each kind of damage is found by the check for it, and by no other."""

import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from reading import NOW, read
from tollbook.cli.app import run
from tollbook.config.model import Config
from tollbook.prices.resolve import Catalogue
from tollbook.report.doctor import doctor_report
from tollbook.report.relations import create_relations
from tollbook.store.connection import reader
from tollbook.store.prune import prune

_CALL = '{"timestamp": "2026-04-20T10:00:0%d.5Z", "model": "gpt-4o", "input_tokens": 1000, "output_tokens": %d%s}\n'
LINES = (
    _CALL % (1, 10, ', "request_id": "one"'),
    _CALL % (1, 9, ', "request_id": "one"'),
    _CALL % (2, 10, ', "request_id": "two"'),
    _CALL % (3, 10, ""),
    _CALL % (3, 10, ""),
    '{"timestamp": "2026-04-20T10:00:00Z", "message": "retry"}\n',
    '{"timestamp": "2025-04-20T10:00:00Z", "message": "retry"}\n',
    "oops\n",
)
ALONE = (
    _CALL % (4, 10, ', "request_id": "three"'),
    _CALL % (5, 10, ', "request_id": "four"'),
    _CALL % (6, 10, ""),
    _CALL % (6, 10, ""),
    '{"only": "here"}\n',
)
# check -> statements that break what it checks, and nothing else
DAMAGE = {
    "accounts": ["UPDATE sources SET read = read + 1 WHERE source_id = 1", "UPDATE batches SET read = read + 1"],
    "totals": ["UPDATE batches SET read = read + 1, events = events + 1"],
    "rows": ["DELETE FROM rejects WHERE source_id = 1 AND identity NOT IN (SELECT identity FROM duplicates)"],
    "references": ["INSERT INTO rejects VALUES (77, 1, 0, 'not JSON', NULL, 1, 12345, 0)"],
    "identities": [
        "UPDATE request_rows SET request_id = 'four', identity = hash('four') WHERE request_id = 'three'",
        "UPDATE request_rows SET twin = 0 WHERE twin = 1 AND second(time) = 6",
    ],
    "ids": ["UPDATE request_rows SET identity = identity + 1 WHERE request_id = 'three'"],
    "duplicates": ["UPDATE duplicates SET twin = 5 WHERE kind = 'content'"],
    "positions": ["UPDATE rejects SET byte_offset = 100000 WHERE source_id = 1"],
    "times": ["UPDATE request_rows SET time = TIMESTAMP '2025-12-31 23:59:59' WHERE request_id = 'two'"],
    "prices": ["UPDATE request_rows SET catalogue = 'elsewhere' WHERE request_id = 'two'"],
    "costs": ["UPDATE request_rows SET computed_cost = computed_cost + 0.000000000000001 WHERE request_id = 'two'"],
    "tables": ["CREATE TABLE mine (a INTEGER)"],
    "hashes": ["UPDATE settings SET value = '1' WHERE name = 'hash'"],
}
WARNINGS = {"tables", "hashes"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.jsonl"
    path.write_text("".join([*LINES, *ALONE]))
    return path


@pytest.fixture
def store(log: Path, tmp_path: Path) -> Path:
    path = tmp_path / "store.duckdb"
    other = tmp_path / "other.jsonl"
    other.write_text("".join([*reversed(LINES[:7]), "oops\n"]))
    read(path, log, other, catalogue=Catalogue.load())
    prune(path, before=datetime(2026, 1, 1), now=NOW)
    return path


def diagnosis(store: Path) -> dict[str, str]:
    """Return what is not ok: check -> status."""
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        report = doctor_report(con, now=NOW)
    assert report.details["healthy"] == all(status != "problem" for _, status, *_ in report.rows)
    assert {check for check, *_ in report.rows} == {*DAMAGE, "files"}
    for _, status, _, advice in report.rows:
        assert (advice is None) == (status == "ok")
    return {str(check): str(status) for check, status, *_ in report.rows if status != "ok"}


def test_a_store_that_was_only_read_into_is_sound(store: Path):
    assert diagnosis(store) == {}


@pytest.mark.parametrize(
    ("check", "statement"), [(check, statement) for check, statements in DAMAGE.items() for statement in statements]
)
def test_each_damage_is_found_by_the_check_for_it_alone(store: Path, check: str, statement: str):
    with duckdb.connect(str(store)) as con:
        if check == "totals":  # two runs whose accounts add up, and whose sum is another
            statement += " WHERE batch_id = 1"
        con.execute(statement)
    assert diagnosis(store) == {check: "warning" if check in WARNINGS else "problem"}


def test_another_file_at_the_place_of_one_that_was_read_is_a_warning(store: Path, log: Path):
    with log.open("a") as file:
        file.write(LINES[0])
    assert diagnosis(store) == {}  # it has grown
    log.write_text(LINES[6] * 20)
    assert diagnosis(store) == {"files": "warning"}
    log.unlink()
    assert diagnosis(store) == {}  # it was moved away


def test_a_file_that_cannot_be_looked_at_is_a_warning_and_one_that_is_gone_is_none(store: Path, log: Path):
    log.unlink()
    assert diagnosis(store) == {}
    with duckdb.connect(str(store)) as con:  # longer than a name can be: even root may not look there
        con.execute("UPDATE sources SET name = ? WHERE source_id = 1", [str(log.with_name("n" * 300))])
    assert diagnosis(store) == {"files": "warning"}


def test_the_command_says_what_to_do_and_exits_with_what_it_found(store: Path, capsys: pytest.CaptureFixture[str]):
    before = store.read_bytes()
    assert run(["--store", str(store), "doctor", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["healthy"]) == ("tollbook.doctor/1", True)
    assert set(told["rows"][0]) == {"check", "status", "found", "what_to_do"}
    assert store.read_bytes() == before
    with duckdb.connect(str(store)) as con:
        con.execute("CREATE TABLE mine (a INTEGER)")
    assert run(["--store", str(store), "doctor"]) == 0
    assert "mine" in capsys.readouterr().out
    with duckdb.connect(str(store)) as con:
        con.execute("DELETE FROM request_rows")
    assert run(["--store", str(store), "doctor"]) == 1
    assert "tollbook forget" in capsys.readouterr().out
