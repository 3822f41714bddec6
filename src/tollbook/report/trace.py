"""The life of one request: its calls and events in order, with timings, outcome and cost."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tollbook import queries
from tollbook.errors import TollbookError
from tollbook.report.model import Column, Kind, Report, Window

if TYPE_CHECKING:
    import duckdb

COLUMNS = (
    Column("offset_ms", Kind.MS),
    Column("what", Kind.TEXT),
    Column("model", Kind.TEXT),
    Column("input_tokens", Kind.COUNT),
    Column("output_tokens", Kind.COUNT),
    Column("latency_ms", Kind.MS),
    Column("outcome", Kind.TEXT),
    Column("cost", Kind.MONEY),
    Column("source", Kind.TEXT),
)
DETAIL_COLUMNS = (
    *COLUMNS,
    Column("time", Kind.TIME),
    Column("depth", Kind.COUNT),
    Column("request_id", Kind.TEXT),
    Column("trace_id", Kind.TEXT),
    Column("span_id", Kind.TEXT),
    Column("parent_span_id", Kind.TEXT),
    Column("attributes", Kind.TEXT),
)
_LONGEST_MESSAGE = 100
_DEEPEST = 20


class _Record(NamedTuple):
    """A row of `sql/trace.sql`."""

    time: datetime
    is_request: bool
    level: str | None
    service: str | None
    message: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: float | None
    success: bool | None
    error_type: str | None
    cost: Decimal | None
    request_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_span_id: str | None
    attributes: str | None
    source: str | None
    line: int

    @property
    def is_unpriced(self) -> bool:
        """Return whether its cost is unknown; a call that failed before anything was counted costs nothing known."""
        failed_uncounted = self.success is False and not self.input_tokens and not self.output_tokens
        return self.is_request and self.cost is None and not failed_uncounted


def trace_report(
    con: "duckdb.DuckDBPyConnection", identifier: str, *, now: datetime, zone: str, currency: str, details: bool
) -> Report:
    """Answer what happened in the life of one request.

    Args:
        con: A connection with the relations of `report.relations`.
        identifier: A trace, request, span or session id.
        now: The report's moment, naive UTC.
        zone: IANA zone that the window is shown in.
        currency: ISO 4217 code of the costs.
        details: Add the columns `time` to `attributes` to those that people read.

    Returns:
        A row per call and event, by time: `offset_ms` from the first of them; `what`, indented by the depth in the
        tree of spans; `outcome`, one of `ok`, `failed: TYPE` and `unknown`, for an event its level; `source` as
        `file:line`. Totals of tokens and cost.

    Raises:
        TollbookError: Nothing in the store has that id.
    """
    records = [_Record(*row) for row in queries.run(con, "trace", {"id": identifier})]  # type: ignore[arg-type]
    if not records:
        message = (
            f"Nothing in the store has the trace, request, span or session id {identifier!r}. "
            "Ids are compared exactly; list some with: "
            'tollbook sql "SELECT trace_id, request_id, time FROM requests ORDER BY time DESC LIMIT 10"'
        )
        raise TollbookError(message)
    depths = _depths(records)
    first = records[0].time
    rows = tuple(_row(record, first, depth, details) for record, depth in zip(records, depths, strict=True))
    calls = [record for record in records if record.is_request]
    totals: list[object] = [None] * len(rows[0])
    totals[3] = _sum([call.input_tokens for call in calls])
    totals[4] = _sum([call.output_tokens for call in calls])
    costs = [call.cost for call in calls if call.cost is not None]
    totals[7] = sum(costs, Decimal(0)) if costs else None
    unpriced = sum(call.is_unpriced for call in calls)
    warnings = (f"The total cost is at least this: {unpriced} of {len(calls)} calls have no cost.",) if unpriced else ()
    ends = [record.time + timedelta(milliseconds=record.latency_ms or 0) for record in records]
    return Report(
        name="trace",
        title=f"Life of {identifier}",
        columns=DETAIL_COLUMNS if details else COLUMNS,
        rows=rows,
        totals=tuple(totals),
        generated_at=now,
        window=Window(first, max(ends) + timedelta(milliseconds=1), zone),
        currency=currency,
        warnings=warnings,
        details={"id": identifier},
    )


def _row(record: _Record, first: datetime, depth: int, details: bool) -> tuple[object, ...]:
    row = (
        (record.time - first) / timedelta(milliseconds=1),
        "  " * depth + _what(record),
        record.model,
        record.input_tokens,
        record.output_tokens,
        record.latency_ms,
        _outcome(record),
        record.cost,
        f"{record.source or 'unknown source'}:{record.line}",
    )
    if not details:
        return row
    ids = (record.request_id, record.trace_id, record.span_id, record.parent_span_id)
    return (*row, record.time, depth, *ids, record.attributes)


def _what(record: _Record) -> str:
    if record.is_request:
        return f"LLM call ({record.service})" if record.service else "LLM call"
    message = record.message or "event"
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"


def _outcome(record: _Record) -> str | None:
    if not record.is_request:
        return record.level
    if record.success is None:
        return "unknown"
    if record.success:
        return "ok"
    return f"failed: {record.error_type}" if record.error_type else "failed"


def _depths(records: list[_Record]) -> list[int]:
    """Return how deep each record is in the tree of spans; one without a span hangs below its parent span.

    A parent that nothing in the trace has the id of is a root; a circle, which a broken log can hold, ends.
    """
    parents = {record.span_id: record.parent_span_id for record in records if record.span_id}
    return [_depth(record, parents) for record in records]


def _depth(record: _Record, parents: Mapping[str, str | None]) -> int:
    depth = 0
    span = record.parent_span_id
    while span is not None and span in parents and depth < _DEEPEST:
        depth += 1
        span = parents[span]
    return depth


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
