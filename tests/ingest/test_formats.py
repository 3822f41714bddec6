"""What holds of every log format that comes with tollbook; what each reads has a test of its own in `tests/formats`."""

import json
from pathlib import Path

import pytest

from reading import ask, read
from tollbook.ingest.fields import FIELDS
from tollbook.ingest.formats import Format, shipped

FORMATS = [pytest.param(format_, id=format_.name) for format_ in shipped()]
CALLS = [pytest.param(format_, id=format_.name) for format_ in shipped() if "model" in format_.fields]


def lines(example: str) -> list[str]:
    return [line for line in example.splitlines() if line.strip()]


@pytest.mark.parametrize("format_", FORMATS)
def test_describes_itself(format_: Format) -> None:
    assert format_.title
    assert format_.source.startswith("https://")
    assert set(format_.fields) <= set(FIELDS)
    assert set(format_.constants) <= set(FIELDS)
    assert all(isinstance(json.loads(line), dict) for line in lines(format_.example)) or format_.is_envelope


@pytest.mark.parametrize("format_", CALLS)
def test_example_is_told_and_read_as_a_request(format_: Format, tmp_path: Path) -> None:
    log = tmp_path / "example.jsonl"
    log.write_text("".join(f"{line}\n" for line in lines(format_.example)))
    (outcome,) = read(tmp_path / "store.duckdb", log)
    assert outcome.format == format_.name
    assert outcome.account.rejected == 0
    assert ask(tmp_path / "store.duckdb", "SELECT count(*) FROM requests WHERE model IS NOT NULL") > [(0,)]


def test_examples_in_one_file_are_told_apart(tmp_path: Path) -> None:
    apart = {}
    together = []
    for format_ in shipped():
        log = tmp_path / f"{format_.name}.jsonl"
        log.write_text("".join(f"{line}\n" for line in lines(format_.example)))
        (outcome,) = read(tmp_path / f"{format_.name}.duckdb", log)
        apart[format_.name] = outcome.account
        together += lines(format_.example)
    log = tmp_path / "all.jsonl"
    log.write_text("".join(f"{line}\n" for line in together))
    (outcome,) = read(tmp_path / "all.duckdb", log)
    assert outcome.account.requests == sum(account.requests for account in apart.values())
    assert outcome.account.rejected == 0
