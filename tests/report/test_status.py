"""What is in the store."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tollbook.config.model import Config
from tollbook.report.model import Report
from tollbook.report.relations import create_relations
from tollbook.report.status import status_report
from tollbook.store.connection import reader, writer

FIRST, LAST, NOW = datetime(2026, 10, 17, 8), datetime(2026, 10, 17, 9), datetime(2026, 10, 17, 9, 30)


def status(store: Path) -> tuple[dict[str, object], Report]:
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        report = status_report(con, store=store, now=NOW)
    [row] = report.rows
    return dict(zip([column.name for column in report.columns], row, strict=True)), report


def add_batch(store: Path, *counts: int) -> None:
    with writer(store) as con:
        con.execute("INSERT INTO store.batches VALUES (1, ?, '0', ?, ?, ?, ?, ?)", [NOW, *counts])


def test_it_counts_what_is_there_and_what_is_missing(store_with: Callable[..., Path]):
    store = store_with(
        requests=[
            {"time": FIRST, "team": "noc", "model": "gpt-4o", "input_tokens": 1, "computed_cost": Decimal(1)},
            {"time": LAST, "model": "own-7b", "input_tokens": 5, "success": True},
            {"time": FIRST, "team": "noc", "model": "own-7b", "success": False, "output_tokens": 1},
            {"time": FIRST, "team": "noc", "model": "gpt-4o", "success": False},  # failed before anything was counted
        ],
        events=[{"time": FIRST}],
        rejects=[{"byte_offset": 0, "reason": "not JSON"}],
    )
    with writer(store) as con:
        con.execute("INSERT INTO store.duplicates VALUES (1, 9, 'content', 1, 1, 0), (1, 10, 'id', 1, 2, 0)")
    add_batch(store, 8, 4, 1, 2, 1)
    found, report = status(store)
    assert found == {
        "requests": 4,
        "events": 1,
        "rejects": 1,
        "duplicates": 2,
        "sources": 0,
        "first_request": FIRST,
        "last_request": LAST,
        "freshness_s": 1800,
        "unpriced_models": ["own-7b"],
        "unpriced_requests": 2,
        "unmetered_requests": 1,
        "unattributed": 1,
        "unattributed_share": Decimal("0.25"),
        "matched_by_content": 1,
        "pruned_before": None,
        "catalogues": [],
        "adds_up": True,
        "store": str(store),
        "store_bytes": store.stat().st_size,
    }
    assert report.details == found
    assert report.warnings == ()


def test_an_empty_store_has_no_first_request_and_adds_up(store_with: Callable[..., Path]):
    found, _ = status(store_with())
    assert (found["requests"], found["first_request"], found["freshness_s"], found["unattributed_share"]) == (
        0,
        None,
        None,
        None,
    )
    assert found["adds_up"] is True


def test_rows_that_the_runs_do_not_account_for_are_told(store_with: Callable[..., Path]):
    store = store_with(requests=[{"time": FIRST}])
    found, report = status(store)
    assert found["adds_up"] is False
    assert "does not add up" in report.warnings[0]
    add_batch(store, 2, 1, 0, 0, 0)
    assert status(store)[0]["adds_up"] is False
