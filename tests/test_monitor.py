"""The writer: what an application tracks is what a log line says."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from tollbook import ProductionMonitor


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "llm.jsonl"


@dataclass(slots=True)
class Details:
    cached_tokens: int


@dataclass(slots=True)
class Usage:
    prompt_tokens: int
    prompt_tokens_details: Details


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_call_becomes_one_line_with_everything_set_on_it(log: Path):
    monitor = ProductionMonitor(log, team="network-ops", project="bgp-analyzer", environment="production")
    with monitor.track_request("gpt-4o", provider="openai", trace_id="t-1", ticket="INC-7") as call:
        call.input_tokens = 1200
        call.output_tokens = 80
        call.set(cached_input_tokens=1000, region="eu")
    [line] = lines(log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(line.pop("timestamp")))
    assert re.fullmatch(r"[0-9a-f-]{36}", str(line.pop("request_id")))
    assert float(str(line.pop("latency_ms"))) >= 0
    assert line == {
        "model": "gpt-4o",
        "provider": "openai",
        "trace_id": "t-1",
        "team": "network-ops",
        "project": "bgp-analyzer",
        "environment": "production",
        "ticket": "INC-7",
        "region": "eu",
        "input_tokens": 1200,
        "output_tokens": 80,
        "cached_input_tokens": 1000,
        "success": True,
    }


def test_an_exception_is_a_failure_of_its_type_and_is_raised_again(log: Path):
    monitor = ProductionMonitor(log)
    with pytest.raises(TimeoutError, match="the prompt"), monitor.track_request("gpt-4o"):
        raise TimeoutError("the prompt was: secret")
    [line] = lines(log)
    assert line["success"] is False
    assert line["error_type"] == "TimeoutError"
    assert "secret" not in log.read_text()


def test_the_text_of_an_exception_is_written_on_request_only(log: Path):
    monitor = ProductionMonitor(log, record_error_messages=True)
    with pytest.raises(ValueError, match="too long"), monitor.track_request("gpt-4o"):
        raise ValueError("too long")
    assert lines(log)[0]["error"] == "too long"


def test_a_call_that_is_over_is_written_at_once_and_began_before_now(log: Path):
    before = datetime.now(UTC).timestamp()
    ProductionMonitor(log).track_request(
        "gpt-4o", latency_ms=60_000, input_tokens=5, error_type="RateLimitError", cost_usd=Decimal("0.0123")
    )
    [line] = lines(log)
    assert line["latency_ms"] == 60_000
    assert line["success"] is False
    assert line["cost_usd"] == 0.0123
    assert 59 < before - datetime.fromisoformat(str(line["timestamp"])).timestamp() + 1 < 61


def test_a_call_names_its_own_team_and_id(log: Path):
    ProductionMonitor(log, team="noc").track_request("m", team="security", request_id="r-1", latency_ms=1)
    assert (lines(log)[0]["team"], lines(log)[0]["request_id"]) == ("security", "r-1")


def test_a_failure_without_an_exception_is_a_failure(log: Path):
    with ProductionMonitor(log).track_request("m") as call:
        call.fail("EmptyAnswer")
    assert (lines(log)[0]["success"], lines(log)[0]["error_type"]) == (False, "EmptyAnswer")


def test_the_first_token_is_measured_once_and_before_the_end(log: Path):
    with ProductionMonitor(log).track_request("m") as call:
        call.first_token()
        first = call.ttft_ms
        call.first_token()
    assert call.ttft_ms == first
    assert 0 <= lines(log)[0]["ttft_ms"] <= lines(log)[0]["latency_ms"]  # type: ignore[operator]


def test_a_usage_object_of_a_provider_is_written_as_it_is(log: Path):
    monitor = ProductionMonitor(log)
    counts = {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}
    nested = SimpleNamespace(prompt_tokens=7, prompt_tokens_details=SimpleNamespace(cached_tokens=3))
    slotted = Usage(7, Details(3))
    for usage in (counts, SimpleNamespace(**counts), SimpleNamespace(model_dump=lambda: counts), nested, slotted):
        with monitor.track_request("m") as call:
            call.usage = usage
    assert [line["usage"] for line in lines(log)] == [counts] * 5


def test_values_that_json_cannot_hold_do_not_spoil_the_line(log: Path):
    with ProductionMonitor(log).track_request("m\ud83d", ratio=float("nan"), deep={"a": [float("inf")]}) as call:
        call.set(path=Path("/x"), text="two\nlines\x00")
    [line] = lines(log)
    assert (line["ratio"], line["deep"], line["path"], line["text"]) == (None, {"a": [None]}, "/x", "two\nlines\x00")


def test_lines_of_many_threads_never_mix(log: Path):
    monitor = ProductionMonitor(log)

    def work() -> None:
        for _ in range(100):
            monitor.track_request("m", latency_ms=1, padding="x" * 5000)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({line["request_id"] for line in lines(log)}) == 800


def test_a_rotated_log_goes_on_in_a_new_file(log: Path):
    monitor = ProductionMonitor(log)
    monitor.track_request("m", latency_ms=1)
    log.rename(log.with_suffix(".1"))
    monitor.track_request("m", latency_ms=1)
    assert len(lines(log)) == len(lines(log.with_suffix(".1"))) == 1


def test_a_disk_that_fails_does_not_fail_the_application(log: Path, caplog: pytest.LogCaptureFixture):
    monitor = ProductionMonitor(log)
    log.unlink()
    log.mkdir()
    with monitor.track_request("m") as call:
        call.input_tokens = 1
    assert monitor.lost == 1
    assert "is lost" in caplog.text


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise TypeError


def test_odd_values_do_not_fail_the_application(log: Path):
    monitor = ProductionMonitor(log, record_error_messages=True)
    for latency_ms in ("fast", float("nan"), float("inf"), 1e300, -5, Decimal(812)):
        monitor.track_request("m", latency_ms=latency_ms)  # type: ignore[arg-type]
    assert [line["latency_ms"] for line in lines(log)] == ["fast", None, None, 1e300, -5, 812]
    with pytest.raises(UnspeakableError), monitor.track_request("m"):
        raise UnspeakableError
    assert (lines(log)[-1]["error_type"], monitor.lost) == ("UnspeakableError", 0)
    with monitor.track_request("m") as call:
        call.usage = SimpleNamespace(model_dump=lambda: 1 / 0)
    assert (len(lines(log)), monitor.lost) == (7, 1)


def test_a_log_that_cannot_be_made_is_told_when_the_monitor_is_made(tmp_path: Path):
    with pytest.raises(OSError, match="directory"):
        ProductionMonitor(tmp_path)


def test_importing_the_monitor_imports_nothing_heavy():
    code = (
        "import sys; from tollbook import ProductionMonitor;"
        "print([name for name in ('duckdb', 'polars', 'rich', 'typer', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_the_monitor_writes_ingest_reads(log: Path, tollbook: Callable[..., subprocess.CompletedProcess[str]]):
    monitor = ProductionMonitor(log, team="noc")
    with monitor.track_request("gpt-4o", provider="openai") as call:
        call.input_tokens, call.output_tokens = 1000, 10
    monitor.track_request("gpt-4o", latency_ms=812.5, error_type="Timeout", cost_usd=Decimal("0.25"))
    monitor.write({"timestamp": datetime(2026, 10, 1, tzinfo=UTC), "message": "tool called", "trace_id": "t"})
    done = tollbook("--store", "s.duckdb", "ingest", log)
    assert done.returncode == 0, done.stderr
    query = "SELECT team, input_tokens, latency_ms >= 0 AS timed, success, error_type, reported_cost FROM requests"
    shown = tollbook("--store", "s.duckdb", "sql", query + " ORDER BY success", "--format", "csv")
    assert shown.stdout.splitlines()[1:] == ["noc,,true,false,Timeout,0.25", "noc,1000,true,true,,"]
    status = tollbook("--store", "s.duckdb", "status", "--format", "json")
    assert json.loads(status.stdout)["events"] == 1
