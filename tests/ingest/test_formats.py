"""What holds of every log format that comes with tollbook; what each reads has a test of its own in `tests/formats`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reading import ask, read
from tollbook.ingest.fields import FIELDS
from tollbook.ingest.formats import Format, native, shipped
from tollbook.ingest.judge import Formats

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


LITELLM = {
    "call_type": "acompletion", "custom_llm_provider": "bedrock", "model": "m", "startTime": 1791187200.25,
    "prompt_tokens": 3000, "completion_tokens": 200,
}  # fmt: skip
COUNTED = {"prompt_tokens": 3000, "completion_tokens": 200, "cache_creation_input_tokens": 1000}
CONVERSE = {"timestamp": "2026-10-05T08:00:02Z", "modelId": "m", "stopReason": "end_turn"}
WRITTEN = {"inputTokens": 22, "outputTokens": 57, "cacheWriteInputTokens": 2500}


@pytest.mark.parametrize(
    ("before", "record", "hour"),  # tokens written to the cache for an hour
    [
        (
            LITELLM | {"response": {"usage": COUNTED | {"cacheDetails": [{"ttl": "5m", "inputTokens": 1000}]}}},
            LITELLM | {"response": {"usage": COUNTED | {"cacheDetails": [{"ttl": "1h", "inputTokens": 1000}]}}},
            1000,
        ),
        (CONVERSE | {"usage": WRITTEN}, CONVERSE | {"schemaType": "ModelInvocationLog", "usage": WRITTEN}, None),
    ],
    ids=["litellm", "bedrock_response"],
)
def test_what_a_record_is_does_not_depend_on_those_before_it(
    before: dict[str, object], record: dict[str, object], hour: int | None, tmp_path: Path
) -> None:
    alone, behind = tmp_path / "alone.jsonl", tmp_path / "behind.jsonl"
    alone.write_text(json.dumps(record | {"id": "last"}) + "\n")
    behind.write_text("".join(json.dumps(before | {"id": str(n)}) + "\n" for n in range(300)) + alone.read_text())
    found = []
    for log in (alone, behind):
        store = log.with_suffix(".duckdb")
        read(store, log)
        columns = "cache_write_1h_tokens, cache_write_tokens, input_tokens, output_tokens, model, attributes"
        found += ask(store, f"SELECT {columns} FROM requests ORDER BY line DESC LIMIT 1")
    assert found[0] == found[1]
    assert found[0][0] == hour


def test_a_text_that_the_sql_of_its_format_fails_at_costs_no_other(tmp_path: Path) -> None:
    docker = next(format_ for format_ in shipped() if format_.name == "docker")
    record = "json_extract_string(text, '/log')"
    failing = replace(
        docker,
        expand=f"SELECT source_no, line, part, 0 AS number, {record} AS text "
        f"FROM texts WHERE CAST(json_extract_string({record}, '/attempt') AS INTEGER) > 0",
    )
    attempts = [1, "x", *range(2, 20), "9999999999", "y", 20]
    calls = [{"timestamp": "2026-10-05T08:00:00Z", "model": "m", "attempt": attempt} for attempt in attempts]
    texts = [
        json.dumps({"log": json.dumps(call) + "\n", "stream": "stdout", "time": "2026-10-05T08:00:00Z"})
        for call in calls
    ]
    for before in ([], [json.dumps({"timestamp": "2026-10-05T08:00:00Z", "model": "first"})] * 30):
        log, store = tmp_path / f"{len(before)}.jsonl", tmp_path / f"{len(before)}.duckdb"
        log.write_text("".join(f"{line}\n" for line in before + texts))
        (outcome,) = read(store, log, formats=Formats(native(), (failing,)))
        assert (outcome.account.requests - len(before), outcome.account.rejected) == (20, 3)
        lines = [len(before) + place for place, attempt in enumerate(attempts, 1) if isinstance(attempt, str)]
        assert ask(store, "SELECT line FROM rejects ORDER BY line") == [(line,) for line in lines]
