"""However a record is read, by the shape of its neighbours or by all the keys there are, it is judged the same."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tollbook.ingest.fields import MACROS, STAGED
from tollbook.ingest.formats import Format, native, shipped
from tollbook.ingest.judge import Formats
from tollbook.ingest.judge import judge as judge_blocks
from tollbook.ingest.lines import Block
from tollbook.ingest.parse import statement_of
from tollbook.ingest.pieces import LINES_OF_PIECES, pieces_of_blocks
from tollbook.ingest.run import connection
from tollbook.ingest.sample import SAMPLE_LINES
from tollbook.ingest.shape import Shape
from tollbook.store.connection import memory

Record = dict[str, Any]
Judged = dict[int, dict[str, Any]]

KNOWN = [key for paths in native().fields.values() for key in paths]
TIMES = st.sampled_from(["2026-04-20T10:00:00Z", 1776679200, 1776679200123, "1776679200.25", "2026-04-20 10:00:00,5"])
# Keys that tollbook's own statement uses, keys that are special somewhere, and keys that differ in case only.
ODD_KEYS = [
    "", "x", "X", "Model", "TIMESTAMP", "text", "keys", "kind", "raw_model", "source_no", "log", "stream", "é", "a'b",
    'q"r', "b\\s", "sp ace", "dot.ted", "~t", "a/b", "nul\0l", "new\nline", "\u2028", "\U0001f600", "*", "$", "[0]",
]  # fmt: skip
USAGE = st.dictionaries(
    st.sampled_from(
        ["input_tokens", "prompt_tokens", "output_tokens", "completion_tokens", "total_tokens", "service_tier",
         "cache_read_input_tokens", "cache_creation_input_tokens", "promptTokenCount", "thoughtsTokenCount",
         "prompt_tokens_details", "output_tokens/audio", "output_tokens_details", "Total_Tokens", "speed",
         "num_cached_tokens", "prompt_cache_hit_tokens", "cost_in_usd_ticks", "server_tool_use", "cacheDetails"]
    ),
    st.one_of(
        st.integers(-1, 30),
        st.sampled_from(
            [None, "7", 1.5, "Flex", "fast", {}, {"cached_tokens": 3}, {"web_search_requests": 2},
             [{"ttl": "1h", "inputTokens": 3}]]
        ),
    ),
    max_size=4,
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**13),
    st.sampled_from([0.5, 1.0, 1e300, -0.0, 1e-9]),
    st.sampled_from(
        ["", " ", "1", "1.0", " 7 ", "it's", 'q"uote', "back\\slash", '{"a":1}', "{broken", "[1]", "null", "none", "-",
         "true", "no", "200", "500", "ok", "failed", "NaN", "Infinity", "\0", "a\0b", "tab\t", "é\U0001f600"]
    ),
    st.text(max_size=5),
)  # fmt: skip
VALUES = st.one_of(
    SCALARS,
    USAGE,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
)
KEYS = st.one_of(st.sampled_from(KNOWN), st.sampled_from(ODD_KEYS))


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Record], int]:
    """Records of a few shapes with variations, and how many of the first give the shape that is tried."""
    records = []
    time_keys = st.sampled_from(["timestamp", "ts", "time", "@timestamp"])
    for drawn in draw(st.lists(st.dictionaries(KEYS, VALUES, max_size=7), min_size=1, max_size=3)):
        base = {draw(time_keys): draw(TIMES), **drawn} if draw(st.integers(0, 9)) else drawn
        records.append(base)
        for _ in range(draw(st.integers(1, 6))):
            changed = {key: draw(VALUES) if draw(st.integers(0, 3)) == 0 else value for key, value in base.items()}
            if changed and draw(st.integers(0, 4)) == 0:
                del changed[draw(st.sampled_from(sorted(changed)))]
            if draw(st.integers(0, 3)) == 0:
                changed[draw(KEYS)] = draw(VALUES)
            records.append(dict(draw(st.permutations(list(changed.items())))))
    return records, draw(st.integers(1, len(records)))


@pytest.fixture(scope="module")
def judge() -> Iterator[Any]:
    con = memory()
    con.execute(MACROS)

    def run(lines: list[str], shape: Shape | None, *, trusting: bool, format_: Format | None = None) -> Judged:
        block = Block(0, ("\n".join(lines) + "\n").encode(), 0, 1)
        con.register("pieces", pieces_of_blocks([block]))
        read_as, others = (format_, (native(),)) if format_ else (native(), ())
        con.execute(statement_of(read_as, others, shape=shape, trusting=trusting).sql(LINES_OF_PIECES))
        names = [column[0] for column in con.description]
        rows = [dict.fromkeys(STAGED) | dict(zip(names, row, strict=True)) for row in con.fetchall()]
        con.unregister("pieces")
        for row in rows:
            if row["attributes"] is not None:  # the order of their keys is nobody's business
                row["attributes"] = json.dumps(json.loads(row["attributes"]), sort_keys=True)
        return {row["line"]: row for row in rows}

    yield run
    con.close()


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=logs())
def test_a_shape_decides_how_fast_a_record_is_read_and_not_how_it_is_judged(judge: Any, log: tuple[list[Record], int]):
    records, sampled = log
    lines = [json.dumps(record, ensure_ascii=len(record) % 2 == 0) for record in records]
    general = judge(lines, None, trusting=False)
    shaped = judge(lines, Shape(records[:sampled]), trusting=True)
    assert len(general) == len(shaped) == len(lines)
    for line, row in shaped.items():
        if row["kind"] != "misshapen":
            assert row == general[line], lines[line - 1]


def _nested(draw: st.DrawFn, record: Record, others: list[Record], depth: int = 3) -> Record:
    """A record with values changed, left out or taken from other records, here and there and at any depth."""
    changed: Record = {}
    for key, value in {**draw(st.sampled_from(others)), **record}.items():
        choice = draw(st.integers(0, 11))
        if choice > 1 and isinstance(value, dict) and depth:
            inner = [other[key] for other in others if isinstance(other.get(key), dict)]
            changed[key] = _nested(draw, value, inner, depth - 1)
        elif choice > 1 and (key in record or choice == 2):
            changed[key] = value
        elif choice == 1:
            changed[key] = draw(VALUES)
    if "usage" in changed and isinstance(changed["usage"], dict) and draw(st.integers(0, 3)) == 0:
        changed["usage"] = changed["usage"] | draw(USAGE)
    return changed


CLOSED = [format_ for format_ in shipped() if not format_.expand]


@st.composite
def closed_logs(draw: st.DrawFn) -> tuple[Format, list[Record], int]:
    """Records that are, or almost are, of a closed format, and how many of the first are the sample."""
    format_ = draw(st.sampled_from(CLOSED))
    examples = [json.loads(line) for line in format_.example.strip().splitlines()]
    records = [_nested(draw, draw(st.sampled_from(examples)), examples) for _ in range(draw(st.integers(1, 5)))]
    return format_, examples[: draw(st.integers(0, 2))] + records, draw(st.integers(1, len(records)))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=closed_logs())
def test_a_shape_does_not_decide_how_records_of_the_shipped_formats_are_judged(
    judge: Any, log: tuple[Format, list[Record], int]
):
    format_, records, sampled = log
    lines = [json.dumps(record) for record in records]
    general = judge(lines, None, trusting=False, format_=format_)
    shaped = judge(lines, Shape(records[:sampled]), trusting=True, format_=format_)
    for line, row in shaped.items():
        if row["kind"] != "misshapen":
            assert row == general[line], lines[line - 1]


# What a usage object can hold besides, and formats read there.
LATE = {
    "speed": "fast", "num_cached_tokens": 5, "prompt_cache_hit_tokens": 5, "cost_in_usd_ticks": 5_000_000_000,
    "server_tool_use": {"web_search_requests": 2}, "prompt_token_details": {"cached_tokens": 5},
    "cache_read_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 3}, "service_tier": "flex",
}  # fmt: skip


def _with_usage(value: Any, key: str) -> Any:
    """A record whose usage objects, wherever they are, have one more key."""
    if not isinstance(value, dict):
        return value
    changed = {name: _with_usage(inner, key) for name, inner in value.items()}
    if isinstance(changed.get("usage"), dict):
        changed["usage"] = {key: LATE[key]} | changed["usage"]
    return changed


@pytest.mark.parametrize("format_", CLOSED, ids=lambda format_: format_.name)
def test_what_only_later_usage_objects_hold_is_read(judge: Any, format_: Format):
    examples = [json.loads(line) for line in format_.example.strip().splitlines() if line.startswith("{")]
    lines = [json.dumps(_with_usage(example, key)) for example in examples for key in LATE]
    general = judge(lines, None, trusting=False, format_=format_)
    shaped = judge(lines, Shape(examples), trusting=True, format_=format_)
    for line, row in shaped.items():
        if row["kind"] != "misshapen":
            assert row == general[line], lines[line - 1]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=closed_logs())
def test_the_format_of_the_lines_before_does_not_decide_how_records_are_judged(log: tuple[Format, list[Record], int]):
    format_, records, _ = log
    first = [line for line in format_.example.strip().splitlines() if line.startswith("{")][-1]
    plain = json.dumps({"timestamp": 1776679200, "model": "m"})
    judged = []
    with closing(connection("UTC")) as con:
        for before in (first, plain):
            lines = [before] * SAMPLE_LINES + [json.dumps(record) for record in records]
            block = Block(0, ("\n".join(lines) + "\n").encode(), 0, 1)
            judge_blocks(con, Formats(native(), shipped()), [block])
            names = ", ".join(name for name in STAGED if name not in {"part", "attributes"})
            order = "line, request_id, kind, input_tokens"
            rows = con.execute(f"SELECT {names}, attributes FROM judged WHERE line > {SAMPLE_LINES} ORDER BY {order}")
            judged.append([(*row, kept and json.loads(kept)) for *row, kept in rows.fetchall()])
    assert judged[0] == judged[1], format_.name


@pytest.mark.parametrize("format_", CLOSED, ids=lambda format_: format_.name)
def test_the_records_of_a_sample_are_read_by_its_shape(judge: Any, format_: Format):
    lines = [line for line in format_.example.strip().splitlines() if line.startswith("{")]
    rows = judge(lines, Shape([json.loads(line) for line in lines]), trusting=True, format_=format_)
    assert "misshapen" not in {row["kind"] for row in rows.values()}
    assert rows == judge(lines, None, trusting=False, format_=format_)


def test_records_of_the_sampled_shape_are_read_by_it(judge: Any):
    records = [
        {"ts": 1776679200, "model": "m", "x": None, "y": 1},
        {"ts": 1776679200, "model": "m", "x": 2, "y": None},
        {"ts": 1776679200, "model": "m", "y": 1},
        {"ts": 1776679200, "model": "m"},
    ]
    rows = judge([json.dumps(record) for record in records], Shape(records), trusting=True)
    assert [row["kind"] for row in rows.values()] == ["request"] * 4


# What a record keeps beside its fields must be all of it, with its JSON type.
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    more=st.dictionaries(
        st.text(max_size=4).filter(lambda key: key not in {*KNOWN, "log", "stream"}), VALUES, min_size=1, max_size=5
    ),
    by_shape=st.booleans(),
)
def test_everything_that_no_field_takes_is_kept_with_its_type(judge: Any, more: Record, by_shape: bool):
    record = {"timestamp": "2026-04-20T10:00:00Z", "model": "m", **more}
    shape = Shape([record]) if by_shape else None
    (row,) = judge([json.dumps(record)], shape, trusting=by_shape).values()
    assert row["kind"] == "request"
    kept = json.loads(row["attributes"]) if row["attributes"] else {}
    expected = {key: value for key, value in more.items() if value is not None}
    assert json.dumps(kept, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize("by_shape", [True, False])
def test_of_several_keys_for_a_field_the_first_with_a_value_counts_and_the_others_are_kept(judge: Any, by_shape: bool):
    record = {
        "timestamp": None, "ts": 1776679200, "time": "2020-01-01", "input_tokens": None, "prompt_tokens": 5,
        "environment": "prod", "env": "dev", "user": None, "user_id": 7, "model": "m", "message": "of a request",
    }  # fmt: skip
    shape = Shape([record]) if by_shape else None
    (row,) = judge([json.dumps(record)], shape, trusting=by_shape).values()
    assert (row["kind"], row["time"].isoformat(), row["input_tokens"]) == ("request", "2026-04-20T10:00:00", 5)
    assert (row["environment"], row["user_id"]) == ("prod", "7")
    assert json.loads(row["attributes"]) == {"time": "2020-01-01", "env": "dev", "message": "of a request"}
