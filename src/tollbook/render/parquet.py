"""Parquet: typed columns, decimals as decimals, times in UTC."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from tollbook.render.cells import as_json, known
from tollbook.report.model import Kind, Report, Value

if TYPE_CHECKING:
    import polars as pl

_PRECISION = 38
# Digits after the point: those of the store's sums, of shares, of prices; more where a value has more
_SCALES = {Kind.MONEY: 15, Kind.RATIO: 6, Kind.NUMBER: 9}
_INT64 = range(-(2**63), 2**63)


def render(report: Report) -> bytes:
    """Return the rows of the report as a Parquet file (zstd); totals and warnings are not rows and stay out.

    Text is String, counts Int64, money, ratios and numbers Decimal(38), milliseconds Float64, times Datetime in
    UTC, flags Boolean, lists JSON text. The file's metadata says which report of which window it is.
    """
    import io  # noqa: PLC0415 - with Polars, only where a file is wanted

    import polars as pl  # noqa: PLC0415 - takes half a second

    series = []
    for position, column in enumerate(report.columns):
        values = [_value(row[position], column.kind) for row in report.rows]
        dtype = _type(values, column.kind)
        if isinstance(dtype, pl.Decimal):
            values = [None if value is None else Decimal(cast("Decimal | int", value)) for value in values]
        series.append(pl.Series(column.name, values, dtype=dtype))
    window = report.window
    about = {
        "name": report.name,
        "window": window and {"since": window.since, "until": window.until, "timezone": window.timezone},
        "currency": report.currency,
        "filters": report.filters,
        "by": report.by,
        "warnings": report.warnings,
    }
    buffer = io.BytesIO()
    pl.DataFrame(series).write_parquet(buffer, compression="zstd", metadata={"tollbook": as_json(about)})
    return buffer.getvalue()


def _value(value: Value, kind: Kind) -> Value:
    if not known(value):
        return None
    if kind is Kind.TIME:
        return cast("datetime", value).replace(tzinfo=UTC)
    return as_json(value) if kind is Kind.LIST else value


def _type(values: list[Value], kind: Kind) -> "pl.DataType":
    import polars as pl  # noqa: PLC0415

    match kind:
        case Kind.MONEY | Kind.RATIO | Kind.NUMBER:
            needed = [-int(value.as_tuple().exponent) for value in values if isinstance(value, Decimal)]
            return pl.Decimal(_PRECISION, max([_SCALES[kind], *needed]))
        case Kind.COUNT:
            fits = all(value in _INT64 for value in values if isinstance(value, int))
            return pl.Int64() if fits else pl.Decimal(_PRECISION, 0)
        case Kind.MS | Kind.FLOAT:
            return pl.Float64()
        case Kind.TIME:
            return pl.Datetime("us", "UTC")
        case Kind.FLAG:
            return pl.Boolean()
        case _:
            return pl.String()
