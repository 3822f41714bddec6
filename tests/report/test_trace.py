"""The life of one request."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tollbook.config.model import Config
from tollbook.errors import TollbookError
from tollbook.report.model import Report
from tollbook.report.relations import create_relations
from tollbook.report.trace import trace_report
from tollbook.store.connection import reader

START = datetime(2026, 10, 17, 12)


def at(ms: float) -> datetime:
    return START + timedelta(milliseconds=ms)


@pytest.fixture
def store(store_with: Callable[..., Path]) -> Path:
    return store_with(
        requests=[
            {
                "time": at(120), "request_id": "r-1", "trace_id": "t-1", "span_id": "s-2", "parent_span_id": "s-1",
                "session_id": "chat", "model": "gpt-4o", "input_tokens": 100, "output_tokens": 20, "latency_ms": 400.0,
                "success": False, "error_type": "Timeout", "attributes": '{"attempt":1}',
            },
            {
                "time": at(600.5), "request_id": "r-2", "trace_id": "t-1", "span_id": "s-3", "parent_span_id": "s-2",
                "session_id": "chat", "model": "gpt-4o", "input_tokens": 100, "output_tokens": 30, "latency_ms": 800.0,
                "success": True, "computed_cost": Decimal("0.0123"),
            },
            {"time": at(0), "request_id": "other", "trace_id": "t-2", "session_id": "chat", "model": "gpt-4o"},
        ],
        events=[
            {"time": at(0), "trace_id": "t-1", "span_id": "s-1", "message": "request received", "level": "info"},
            {"time": at(550), "trace_id": "t-1", "parent_span_id": "s-2", "message": "retry", "level": "warning"},
            {"time": at(550), "trace_id": "t-9", "message": "of another"},
        ],
    )  # fmt: skip


def life(store: Path, identifier: str, *, details: bool = False) -> Report:
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        return trace_report(con, identifier, now=START, zone="UTC", currency="USD", details=details)


def column(report: Report, name: str) -> list[object]:
    position = [column.name for column in report.columns].index(name)
    return [row[position] for row in report.rows]


def test_the_life_is_told_in_order_of_time_from_the_first_record(store: Path):
    report = life(store, "t-1")
    assert column(report, "offset_ms") == [0.0, 120.0, 550.0, 600.5]
    assert column(report, "what") == ["request received", "  LLM call", "    retry", "    LLM call"]
    assert column(report, "outcome") == ["info", "failed: Timeout", "warning", "ok"]
    assert column(report, "cost") == [None, None, None, Decimal("0.012300000000000")]


def test_a_request_and_a_span_stand_for_their_whole_trace(store: Path):
    assert life(store, "r-2").rows == life(store, "s-1").rows == life(store, "t-1").rows


def test_a_session_is_every_record_that_names_it(store: Path):
    assert column(life(store, "chat"), "offset_ms") == [0.0, 120.0, 600.5]


def test_tokens_and_known_costs_add_up_and_unknown_costs_are_told(store: Path):
    report = life(store, "t-1")
    assert report.totals == (None, None, None, 200, 50, None, None, Decimal("0.0123"), None)
    assert report.warnings == ("The total cost is at least this: 1 of 2 calls have no cost.",)


def test_a_failure_before_anything_was_counted_has_no_unknown_cost(store_with: Callable[..., Path]):
    store = store_with(requests=[{"time": START, "trace_id": "t", "success": False, "input_tokens": 0}])
    assert life(store, "t").warnings == ()


def test_the_window_lasts_until_the_last_call_has_ended(store: Path):
    window = life(store, "t-1").window
    assert window is not None
    assert (window.since, window.until) == (START, at(1401.5))


def test_details_name_every_id(store: Path):
    report = life(store, "t-1", details=True)
    assert column(report, "span_id") == ["s-1", "s-2", None, "s-3"]
    assert column(report, "depth") == [0, 1, 2, 2]
    assert column(report, "attributes") == [None, '{"attempt":1}', None, None]


def test_an_unknown_id_is_told_with_a_way_to_find_one(store: Path):
    with pytest.raises(TollbookError, match=r"'nothing'.*tollbook sql"):
        life(store, "nothing")


def test_text_of_an_id_is_no_sql(store: Path):
    with pytest.raises(TollbookError):
        life(store, "' OR 1=1 --")


def test_a_circle_of_spans_ends(store_with: Callable[..., Path]):
    spans = [("a", "b"), ("b", "a"), ("c", "c")]
    path = store_with(
        events=[{"time": START, "trace_id": "t", "span_id": own, "parent_span_id": parent} for own, parent in spans]
    )
    assert len(life(path, "t").rows) == 3
