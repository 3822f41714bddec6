"""What is taken out of lines that are no sound JSON object."""

import json
from pathlib import Path

import pytest

from reading import ask, read
from tollbook.ingest.salvage import Text, is_unfinished, salvage

A, B = '{"a": 1}', '{"b": {"c": "}{"}}'


def taken(*lines: str, first: int = 1) -> list[tuple[int, int, str, str]]:
    """Return line, part, text and reason (empty for a record) of what is found in lines of one source."""
    rows = [(0, number, line, 0) for number, line in enumerate(lines, start=first)]
    return [(item.line, item.part, item.text, "" if isinstance(item, Text) else item.reason) for item in salvage(rows)]


def test_records_welded_into_a_line_are_its_parts():
    assert taken(A + B) == [(1, 0, A, ""), (1, 1, B, "")]
    assert taken(f"  {A}, {B} ,") == [(1, 0, A, ""), (1, 1, B, "")]


def test_records_of_an_array_are_taken_whatever_lines_it_is_written_in():
    assert taken(f"[{A}, {B}]") == [(1, 0, A, ""), (1, 1, B, "")]
    assert taken("[", A + ",", B, "]") == [(2, 0, A, ""), (3, 0, B, "")]
    assert taken(f"[{A},", f"{B}]") == [(1, 0, A, ""), (2, 0, B, "")]


def test_a_record_over_several_lines_stands_where_it_begins():
    lines = json.dumps(json.loads(B), indent=2).split("\n")
    assert taken(*lines, first=5) == [(5, 0, "\n".join(lines), "")]
    assert taken(*lines, *lines) == [(1, 0, "\n".join(lines), ""), (1 + len(lines), 0, "\n".join(lines), "")]


def test_a_record_over_lines_that_are_not_neighbours_is_none():
    rows = [(0, 1, "{", 0), (0, 3, '"a": 1}', 0)]
    assert [(item.line, isinstance(item, Text)) for item in salvage(rows)] == [(1, False), (3, False)]
    rows = [(0, 1, "{", 0), (1, 2, '"a": 1}', 0)]
    assert [(item.source, isinstance(item, Text)) for item in salvage(rows)] == [(0, False), (1, False)]


def test_a_damaged_end_costs_only_itself():
    assert taken(A + B + '{"a": ') == [(1, 0, A, ""), (1, 1, B, ""), (1, 2, '{"a": ', "not JSON")]
    assert taken('{"a": ', A) == [(1, 0, '{"a": ', "not JSON"), (2, 0, A, "")]
    assert taken("{", A, "{", A) == [(1, 0, "{", "not JSON"), (2, 0, A, ""), (3, 0, "{", "not JSON"), (4, 0, A, "")]


@pytest.mark.parametrize("line", [A + " words", A + "}", A + ' "b"', "x " + A, A[:-1], "words", "{", "-"])
def test_of_a_record_with_words_beside_it_nothing_is_taken(line: str):
    assert taken(line) == [(1, 0, line, "not JSON")]


@pytest.mark.parametrize("line", ["null", "1", '"text"', "true", "[1, 2]", "NaN"])
def test_json_that_is_no_object_is_told_apart(line: str):
    assert taken(line) == [(1, 0, line, "not a JSON object")]


@pytest.mark.parametrize("line", ["", "  ", "[]", "[", "]", ",", "\t,\r"])
def test_brackets_and_commas_alone_are_nothing(line: str):
    assert taken(line) == []


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ('{"a": "x\ty"}', '{"a": "x\\u0009y"}'),
        ('{"a": "\\ud83d"}', '{"a": "\\ufffd"}'),
        ('{"a": "\\ude00\\ud83d"}', '{"a": "\\ufffd\\ufffd"}'),
        ('{"a": "\\ud83d\\ude00"}', '{"a": "\\ud83d\\ude00"}'),
        ('{"a": "\\\\ud83d"}', '{"a": "\\\\ud83d"}'),
        ('{"a": "\\\\\\ud83d"}', '{"a": "\\\\\\ufffd"}'),
        ('{"\\ud83d": 1}', '{"\\ufffd": 1}'),
    ],
)
def test_what_strict_json_refuses_is_mended_and_nothing_else(written: str, mended: str):
    assert taken(written) == [(1, 0, mended, "")]


@pytest.mark.parametrize("text", ["{", '{"a": 1', A + "{", f"[{A},{{", "Trace", "12", "nul", '"te', A + " w"])
def test_a_line_that_is_still_being_written_is_unfinished(text: str):
    assert is_unfinished(text)


@pytest.mark.parametrize("text", ["", " ", A, A + B, f"[{A},", f"{A}, {B}]", "["])
def test_whole_records_need_no_line_end(text: str):
    assert not is_unfinished(text)


def pretty(count: int, *, array: bool) -> str:
    records = [
        {"timestamp": f"2026-10-01T00:00:{n:02d}Z", "model": "m", "messages": [{"role": "a"}, {"n": n}]}
        for n in range(count)
    ]
    return json.dumps(records, indent=2) if array else "".join(json.dumps(r, indent=1) + "\n" for r in records)


@pytest.mark.parametrize("array", [True, False])
def test_a_pretty_printed_file_loses_nothing_while_it_grows(tmp_path: Path, array: bool):
    text = pretty(12, array=array)
    log, store = tmp_path / "app.json", tmp_path / "store.duckdb"
    rejected = 0
    for cut in [*range(0, len(text), 61), len(text)]:
        log.write_text(text[:cut])
        rejected += sum(outcome.account.rejected for outcome in read(store, log))
    assert rejected == 0
    assert ask(store, "SELECT count(*) FROM requests") == [(12,)]


@pytest.mark.parametrize("array", [True, False])
def test_pretty_printed_records_are_not_cut_where_a_batch_ends(tmp_path: Path, array: bool):
    log, store = tmp_path / "app.json", tmp_path / "store.duckdb"
    log.write_text(pretty(40, array=array))
    (outcome,) = read(store, log, batch_bytes=1000)
    assert (outcome.account.requests, outcome.account.rejected) == (40, 0)
