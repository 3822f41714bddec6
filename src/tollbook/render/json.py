"""JSON: one object a report, every value exact; the shape is a promise to scripts."""

from tollbook.render.cells import as_json, exact, known, rfc3339
from tollbook.report.model import Kind, Report, Value

_STRINGS = frozenset({Kind.MONEY, Kind.RATIO, Kind.TIME})  # what JSON numbers would round, or do not have


def render(report: Report) -> str:
    """Return the report as one JSON object, `tollbook.<name>/1`.

    Times are RFC 3339 in UTC, money and ratios decimal strings, counts integers, milliseconds numbers, a missing
    value is null. `totals` is keyed by column.
    """
    window = report.window
    totals = {} if report.totals is None else _record(report, report.totals)
    members = {
        "schema": f"tollbook.{report.name}/1",
        "generated_at": rfc3339(report.generated_at),
        "window": window and {"since": window.since, "until": window.until, "timezone": window.timezone},
        "currency": report.currency,
        "filters": report.filters,
        "by": report.by,
        "rows": [_record(report, row) for row in report.rows],
        "totals": {**totals, **report.total_details},
        "warnings": report.warnings,
        **report.details,
    }
    return as_json(members, indent=2) + "\n"


def _record(report: Report, row: tuple[Value, ...]) -> dict[str, Value]:
    return {column.name: _cell(value, column.kind) for column, value in zip(report.columns, row, strict=True)}


def _cell(value: Value, kind: Kind) -> Value:
    if not known(value):
        return None
    return exact(value, kind) if kind in _STRINGS else value
