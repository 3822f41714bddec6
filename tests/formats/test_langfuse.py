"""Langfuse's exports: only generations and embeddings are calls, and each token stands in one bucket."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.reading import SPOKEN, ask, content, kept, read

from tollbook.prices.resolve import Catalogue

START = datetime(2026, 10, 5, 8, 0, 0, 250000)
BUCKETS = {"input": 600, "input_cached_tokens": 1500, "cache_creation_input_tokens": 900, "output": 200, "total": 3200}
COUNTS = "input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens"


def row(**more: Any) -> dict[str, Any]:
    """A line of the blob storage export."""
    return {
        "id": "obs-1", "trace_id": "tr-1", "project_id": "ops", "environment": "production", "type": "GENERATION",
        "parent_observation_id": "obs-0", "start_time": "2026-10-05 08:00:00.250",
        "end_time": "2026-10-05 08:00:02.750",
        "name": "triage", "metadata": {"team": "network-ops", "attributes": json.dumps({"gen_ai.system": "anthropic"}),
        "messages": SPOKEN}, "level": "DEFAULT", "status_message": SPOKEN, "input": SPOKEN, "output": SPOKEN,
        "provided_model_name": "claude-sonnet-4-6", "model_parameters": {"temperature": 0, "prompt": SPOKEN},
        "usage_details": BUCKETS, "cost_details": {"input": 0.0018, "total": 0.0095}, "total_cost": 0.0095,
        "completion_start_time": "2026-10-05 08:00:00.750", "latency": 2.5, "time_to_first_token": 0.5, **more,
    }  # fmt: skip


def observation(**more: Any) -> dict[str, Any]:
    """An observation of the API."""
    return {
        "id": "obs-1", "traceId": "tr-1", "projectId": "ops", "type": "GENERATION", "parentObservationId": "obs-0",
        "startTime": "2026-10-05T08:00:00.250Z", "endTime": "2026-10-05T08:00:02.750Z", "name": "triage",
        "level": "DEFAULT", "statusMessage": SPOKEN, "input": SPOKEN, "output": {"content": SPOKEN},
        "metadata": {"team": "network-ops", "attributes": {"gen_ai.system": "anthropic"}}, "environment": "production",
        "model": "claude-sonnet-4-6", "completionStartTime": "2026-10-05T08:00:00.750Z", "usageDetails": BUCKETS,
        "costDetails": {"total": 0.0095}, "calculatedTotalCost": 0.0095, "promptTokens": 3000, "latency": 2.5, **more,
    }  # fmt: skip


def trace(**more: Any) -> dict[str, Any]:
    return {
        "id": "tr-1", "projectId": "ops", "name": "handle-ticket", "timestamp": "2026-10-05T08:00:00Z",
        "environment": "staging", "tags": ["triage"], "bookmarked": False, "userId": "dana", "sessionId": "s-1",
        "input": SPOKEN, "output": SPOKEN, "metadata": json.dumps({"team": "noc", "asked": SPOKEN}), "scores": [],
        "latency": 2.5, **more,
    }  # fmt: skip


@pytest.mark.parametrize("record", [row(), observation()])
def test_a_generation_is_a_call_with_each_class_of_tokens(record: dict[str, Any], tmp_path: Path):
    store = kept(tmp_path, record, catalogue=Catalogue.load())
    assert ask(store, f"SELECT {COUNTS} FROM requests") == [(3000, 1500, 900, 200, None)]
    # 600 x 3 + 1500 x 0.3 + 900 x 3.75 + 200 x 15 millionths
    assert ask(store, "SELECT computed_cost, reported_cost FROM requests") == [(Decimal("0.008625"), Decimal("0.0095"))]
    (found,) = ask(store, "SELECT time, latency_ms, ttft_ms, success, provider, model FROM requests")
    assert found == (START, 2500.0, 500.0, True, "anthropic", "claude-sonnet-4-6")
    (found,) = ask(
        store, "SELECT request_id, trace_id, span_id, parent_span_id, team, project, environment FROM requests"
    )
    assert found == ("obs-1", "tr-1", "obs-1", "obs-0", "network-ops", "ops", "production")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # the buckets of langfuse#10592, which add up to the total
        ({"input": 86, "input_cached_tokens": 17817, "output": 120, "total": 18023}, (17903, 17817, None, 120, None)),
        # the user's own counts: cached is part of the input, and the total says so
        ({"input": 2006, "input_cached_tokens": 1920, "output": 300, "total": 2306}, (2006, 1920, None, 300, None)),
        # reasoning beside the output, and in it
        ({"input": 100, "output": 50, "output_reasoning_tokens": 30, "total": 180}, (100, None, None, 80, 30)),
        ({"input": 6, "output": 2055, "completion_details.reasoning": 1104, "total": 2061},
         (6, None, None, 2055, 1104)),
        ({"input": 10, "input_cached_tokens": 90, "output": 5, "output_reasoning_tokens": 4, "total": 109},
         (100, 90, None, 9, 4)),
        # Anthropic's names
        ({"input": 2, "output": 13, "cache_read_input_tokens": 10692, "cache_creation_input_tokens": 592,
          "total": 11299},
         (11286, 10692, 592, 13, None)),
        # lifetimes of written tokens, apart
        ({"input": 5, "input_cache_creation_5m": 20, "input_cache_creation_1h": 30, "output": 1, "total": 56},
         (55, None, 50, 1, None)),
        # what was heard, said and predicted, apart from what was written
        ({"input": 20, "input_audio_tokens": 80, "output": 15, "output_audio_tokens": 30, "output_reasoning_tokens": 5,
          "total": 150},
         (100, None, None, 50, 5)),
        ({"input": 86, "input_cached_tokens": 1920, "output": 200, "output_accepted_prediction_tokens": 60,
          "output_rejected_prediction_tokens": 40, "total": 2306},
         (2006, 1920, None, 300, None)),
        ({"input": 7, "output": 0, "total": 7}, (7, None, None, 0, None)),
        ({}, (None, None, None, None, None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_row", [True, False])
def test_the_total_proves_how_buckets_are_counted(
    usage: dict[str, int], expected: tuple[int | None, ...], is_row: bool, tmp_path: Path
):
    record = row(usage_details=usage) if is_row else observation(usageDetails=usage)
    record.pop("promptTokens", None)
    assert ask(kept(tmp_path, record), f"SELECT {COUNTS} FROM requests") == [expected]


def test_lifetimes_of_written_tokens_are_kept_apart(tmp_path: Path):
    usage = {"input": 5, "input_cache_creation_5m": 20, "input_cache_creation_1h": 30, "output": 1, "total": 56}
    store = kept(tmp_path, row(usage_details=usage))
    assert ask(store, "SELECT cache_write_tokens, cache_write_1h_tokens FROM requests") == [(50, 30)]


def test_counts_of_older_versions_are_read(tmp_path: Path):
    usage = {"input": 40, "output": 9, "total": 49, "unit": "TOKENS"}
    first = observation(id="a", usage=usage, totalTokens=49)
    second = observation(id="b", promptTokens=40, completionTokens=9, totalTokens=49)
    for record in (first, second):
        del record["usageDetails"], record["costDetails"]
    store = kept(tmp_path, first, second)
    assert (
        ask(store, "SELECT input_tokens, output_tokens, reported_cost FROM requests")
        == [(40, 9, Decimal("0.0095"))] * 2
    )


@pytest.mark.parametrize("kind", ["SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "GUARDRAIL"])
def test_what_only_wraps_calls_is_an_event(kind: str, tmp_path: Path):
    store = kept(tmp_path, row(type=kind), observation(id="obs-2", type=kind))
    assert ask(store, "SELECT count(*) FROM requests") == [(0,)]
    assert ask(store, "SELECT DISTINCT time, message, trace_id, level FROM events") == [
        (START, "triage", "tr-1", "DEFAULT")
    ]


def test_an_error_is_a_failure_and_what_has_not_ended_is_neither(tmp_path: Path):
    records = [
        row(id="a", level="ERROR"), row(id="b", level="WARNING"), row(id="c", end_time=None, latency=None),
        observation(id="d", level="ERROR", endTime=None), observation(id="e", endTime=None),
    ]  # fmt: skip
    store = kept(tmp_path, *records)
    found = dict(ask(store, "SELECT request_id, success FROM requests"))
    assert found == {"a": False, "b": True, "c": None, "d": False, "e": None}
    assert ask(store, "SELECT latency_ms FROM requests WHERE request_id = 'c'") == [(None,)]


def test_times_prove_the_unit_of_the_latency(tmp_path: Path):
    records = [
        row(id="row", latency=1.2, end_time="2026-10-05 08:00:01.450"),
        row(id="without", latency=1.2, end_time=None),
        observation(id="api", latency=1.2, endTime="2026-10-05T08:00:01.450Z"),
        observation(id="page", latency=1200, endTime="2026-10-05T08:00:01.450Z"),
        observation(id="unproved", latency=1200, endTime=None),
    ]
    found = dict(ask(kept(tmp_path, *records), "SELECT request_id, latency_ms FROM requests"))
    assert found == {"row": 1200.0, "without": 1200.0, "api": 1200.0, "page": 1200.0, "unproved": None}


def test_a_trace_lends_its_user_session_tags_and_team_to_its_observations(tmp_path: Path):
    bare = observation(id="obs-2", metadata=None)
    del bare["environment"], bare["projectId"]
    document = {"trace": trace(), "observations": [observation(), bare, observation(id="obs-0", type="SPAN")]}
    store = kept(tmp_path, document)
    names = "request_id, trace_id, user_id, session_id, team, environment, project"
    assert ask(store, f"SELECT {names} FROM requests ORDER BY request_id") == [
        ("obs-1", "tr-1", "dana", "s-1", "network-ops", "production", "ops"),
        ("obs-2", "tr-1", "dana", "s-1", "noc", "staging", "ops"),
    ]
    assert ask(store, "SELECT DISTINCT json_extract(attributes, '/tags')::VARCHAR FROM requests") == [('["triage"]',)]
    assert sorted(ask(store, "SELECT message FROM events")) == [("handle-ticket",), ("triage",)]


def test_a_trace_with_its_observations_inside_is_read_as_well(tmp_path: Path):
    store = kept(tmp_path, trace(observations=[observation()]))
    assert ask(store, "SELECT user_id, session_id, input_tokens FROM requests") == [("dana", "s-1", 3000)]


def test_pages_of_the_api_hold_observations_or_traces(tmp_path: Path):
    meta = {"page": 1, "limit": 2, "totalItems": 2, "totalPages": 1}
    observations = {"data": [observation(), observation(id="obs-2", userId="eve")], "meta": meta}
    traces = {"data": [trace(observations=["obs-1"], htmlPath="/project/ops/traces/tr-1")], "meta": meta}
    scores = {
        "data": [{"id": "sc-1", "timestamp": "2026-10-05T08:00:00Z", "name": "quality", "value": 1}],
        "meta": meta,
    }
    store = kept(tmp_path, observations, {"data": [observation(id="obs-3")], "meta": {"cursor": "x"}}, traces, scores)
    found = ask(store, "SELECT request_id, user_id, input_tokens FROM requests ORDER BY request_id")
    assert found == [("obs-1", None, 3000), ("obs-2", "eve", 3000), ("obs-3", None, 3000)]
    assert ask(store, "SELECT count(*) FROM events") == [(2,)]


def test_rows_of_traces_are_events_without_what_was_said(tmp_path: Path):
    exported = {
        "id": "tr-1", "timestamp": "2026-10-05 08:00:00.000", "name": "handle-ticket", "project_id": "ops",
        "user_id": "dana", "session_id": "s-1", "bookmarked": False, "public": False, "tags": ["a"], "input": SPOKEN,
        "output": SPOKEN, "metadata": {"asked": SPOKEN},
    }  # fmt: skip
    store = kept(tmp_path, exported, trace(id="tr-2"))
    found = ask(store, "SELECT trace_id, session_id, message FROM events ORDER BY trace_id")
    assert found == [("tr-1", "s-1", "handle-ticket"), ("tr-2", "s-1", "handle-ticket")]


def test_zeros_beside_empty_details_are_unknown(tmp_path: Path):
    unknown = observation(
        usageDetails={}, costDetails={}, calculatedTotalCost=None, promptTokens=0, completionTokens=0, totalTokens=0,
        totalCost=0, usage={"input": 0, "output": 0, "total": 0, "unit": "TOKENS"},
    )  # fmt: skip
    characters = observation(id="obs-2", usage={"input": 900, "output": 80, "total": 980, "unit": "CHARACTERS"})
    del characters["usageDetails"], characters["promptTokens"]
    store = kept(tmp_path, {"trace": trace(), "observations": [unknown, characters]}, catalogue=Catalogue.load())
    found = ask(
        store, "SELECT input_tokens, output_tokens, computed_cost, reported_cost FROM requests ORDER BY request_id"
    )
    assert found == [(None, None, None, None), (None, None, None, Decimal("0.0095"))]


def test_a_flexible_tier_is_priced_as_one(tmp_path: Path):
    usage = {"input": 1000, "output": 100, "total": 1100}
    records = [
        row(id=tier, usage_details=usage, provided_model_name="gpt-5", model_parameters={"service_tier": tier})
        for tier in ("auto", "flex")
    ]
    for record in records:
        record["metadata"] = {}
    store = kept(tmp_path, *records, catalogue=Catalogue.load())
    full, half = ask(store, "SELECT service_tier, computed_cost FROM requests ORDER BY request_id")
    # 1000 x 1.25 + 100 x 10 millionths
    assert full == (None, Decimal("0.00225"))
    assert half[0] == "flex"


def test_a_later_version_of_an_observation_takes_the_place_of_the_earlier(tmp_path: Path):
    growing = row(usage_details={"input": 600, "output": 1, "total": 601})
    store = kept(tmp_path, growing, row())
    assert ask(store, f"SELECT {COUNTS} FROM requests") == [(3000, 1500, 900, 200, None)]


def test_damage_costs_no_neighbour(tmp_path: Path):
    line = json.dumps(row(id="broken"))
    odd = {"trace": trace(id="tr-9"), "observations": [None, "text", {"id": "x"}, observation(id="c")]}
    store = kept(tmp_path, row(id="a"), line[:300], observation(id="b"), odd, rejected=2)
    assert ask(store, "SELECT request_id FROM requests ORDER BY 1") == [("a",), ("b",), ("c",)]


def test_real_traces(shared: Path, tmp_path: Path):
    logs = sorted((shared / "data" / "formats" / "langfuse").iterdir())
    assert len(logs) == 2
    store = tmp_path / "store.duckdb"
    read(store, *logs, catalogue=Catalogue.load())
    held = content(store)
    found = ask(store, "SELECT input_tokens, output_tokens, latency_ms, reported_cost FROM requests ORDER BY time")
    assert found == [
        (6, 2055, 12032.0, Decimal("0.005139299999")),
        (265, 73, 2362.0, Decimal("0.00008355")),
        (417, 53, 1707.0, Decimal("0.00009435")),
        (502, 14, 1283.0, Decimal("0.0000837")),
        (131, 69, 2050.0, Decimal("0.000061049999")),
    ]
    # what wraps them says the same again: 13 - 4 observations, and a trace each
    assert ask(store, "SELECT count(*) FROM events") == [(9 + 1,)]
    assert b"Why do programmers" not in store.read_bytes()
    assert b"flight recorder" not in store.read_bytes()
    read(store, *logs, catalogue=Catalogue.load())
    assert content(store) == held
