"""The report `usage`: requests, tokens by class, cost."""

from datetime import datetime
from typing import TYPE_CHECKING, cast

from tollbook import queries
from tollbook.report.model import Column, Kind, Report, Value
from tollbook.report.scope import Scope
from tollbook.report.totals import (
    by_keys,
    by_words,
    currency_warnings,
    ratio,
    total_count,
    total_money,
    unpriced_warnings,
)

if TYPE_CHECKING:
    import duckdb

_TOKENS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
_COLUMNS = (
    Column("requests", Kind.COUNT),
    Column("errors", Kind.COUNT),
    Column("error_rate", Kind.RATIO),
    *(Column(name, Kind.COUNT) for name in _TOKENS),
    Column("cost", Kind.MONEY),
)


def usage_report(con: "duckdb.DuckDBPyConnection", scope: Scope, *, now: datetime, currency: str = "USD") -> Report:
    """Return what was used, by dimension and over time.

    Args:
        con: A connection with the relation `requests`.
        scope: Window, grouping, conditions.
        now: The moment of the report, naive UTC.
        currency: ISO 4217 code of the costs.

    Returns:
        The `by` keys, `requests`, `errors`, `error_rate` (of the requests whose outcome the log states, 6
        decimals), `input_tokens` with its parts `cached_input_tokens` and `cache_write_tokens`, `output_tokens`
        with its part `reasoning_tokens`, and `cost` (of what is priced; None where nothing is).
    """
    found = queries.run(con, "usage", scope.params, by=scope.by_sql, where=scope.where_sql)
    keys = len(scope.by)
    rows: list[tuple[Value, ...]] = []
    judged = costless = unmetered = 0
    for row in by_keys(found, keys):
        key, (requests, errors, known, *sums, without, free) = row[:keys], row[keys:]
        if not requests:  # without groups, a query over nothing still returns a row
            continue
        shown = (dimension.show(value) for dimension, value in zip(scope.by, key, strict=True))
        rows.append((*shown, requests, errors, ratio(cast("int", errors), cast("int", known)), *sums))
        judged += cast("int", known)
        costless += cast("int", without)
        unmetered += cast("int", free)
    columns = list(zip(*rows, strict=True))[keys:] or [()] * len(_COLUMNS)
    requests, errors = total_count(columns[0]) or 0, total_count(columns[1]) or 0
    tokens = [total_count(column) for column in columns[3:-1]]
    return Report(
        name="usage",
        title=f"Usage{by_words(scope)}",
        columns=(*(dimension.as_column() for dimension in scope.by), *_COLUMNS),
        rows=tuple(rows),
        totals=(*(None,) * keys, requests, errors, ratio(errors, judged), *tokens, total_money(columns[-1])),
        generated_at=now,
        window=scope.window,
        by=tuple(dimension.name for dimension in scope.by),
        filters=scope.filters,
        currency=currency,
        warnings=(*currency_warnings(currency), *unpriced_warnings(costless - unmetered, unmetered)),
    )
