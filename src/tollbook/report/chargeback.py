"""The report `chargeback`: who spent what, with shares and amounts that add up."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from tollbook import queries
from tollbook.analysis.allocate import EXACT, minor_digits, round_to_total, shares
from tollbook.report.model import Column, Kind, Report, Value
from tollbook.report.scope import Scope
from tollbook.report.totals import by_keys, by_words, currency_warnings, total_count, total_money, unpriced_warnings

if TYPE_CHECKING:
    import duckdb

_COLUMNS = (
    Column("requests", Kind.COUNT),
    Column("input_tokens", Kind.COUNT),
    Column("output_tokens", Kind.COUNT),
    Column("cost", Kind.MONEY),
    Column("amount", Kind.MONEY),
    Column("share", Kind.RATIO),
    Column("unpriced_requests", Kind.COUNT),
)


def chargeback_report(
    con: "duckdb.DuckDBPyConnection", scope: Scope, *, now: datetime, currency: str = "USD"
) -> Report:
    """Return who spent what.

    Args:
        con: A connection with the relation `requests`.
        scope: Window, grouping, conditions.
        now: The moment of the report, naive UTC.
        currency: ISO 4217 code of the costs.

    Returns:
        The `by` keys (None is unattributed), `requests`, `input_tokens`, `output_tokens`, `cost` (exact, of what
        is priced; None where nothing is), `amount` (the cost in whole cents; the rows add up to the total's),
        `share` (of the priced cost; 6 decimals, the rows add up to exactly 1; None where the total is zero) and
        `unpriced_requests`: those without a cost, except those that failed and used no tokens.
        `totals` also say whether they are `complete`: nothing was unpriced.
    """
    found = by_keys(queries.run(con, "chargeback", scope.params, by=scope.by_sql, where=scope.where_sql), len(scope.by))
    keys = len(scope.by)
    groups = [row for row in found if row[keys]]  # without groups, a query over nothing still returns a row
    costs = [cast("Decimal | None", row[keys + 3]) for row in groups]
    amounts, parts = _divide(costs, minor_digits(currency))
    unpriced = [cast("int", row[-2]) - cast("int", row[-1]) for row in groups]
    rows: list[tuple[Value, ...]] = []
    for row, amount, part, without in zip(groups, amounts, parts, unpriced, strict=True):
        shown = (dimension.show(value) for dimension, value in zip(scope.by, row, strict=False))
        rows.append((*shown, *row[keys : keys + 4], amount, part, without))
    totals = (
        *(None,) * keys,
        total_count(row[keys] for row in rows) or 0,
        total_count(row[keys + 1] for row in rows),
        total_count(row[keys + 2] for row in rows),
        total_money(costs),
        total_money(amounts),
        total_money(parts),
        sum(unpriced),
    )
    unmetered = sum(cast("int", row[-1]) for row in groups)
    return Report(
        name="chargeback",
        title=f"Chargeback{by_words(scope)}",
        columns=(*(dimension.as_column() for dimension in scope.by), *_COLUMNS),
        rows=tuple(rows),
        totals=totals,
        generated_at=now,
        window=scope.window,
        by=tuple(dimension.name for dimension in scope.by),
        filters=scope.filters,
        currency=currency,
        warnings=(*currency_warnings(currency), *unpriced_warnings(sum(unpriced), unmetered)),
        total_details={"complete": sum(unpriced) == 0, "unmetered_requests": unmetered},
    )


def _divide(costs: list[Decimal | None], digits: int) -> tuple[list[Decimal | None], list[Decimal | None]]:
    """Return each cost in whole minor units, and its share; None for an unknown cost."""
    known = [cost for cost in costs if cost is not None]
    amounts = iter(EXACT.scaleb(Decimal(units), -digits) for units in round_to_total(known, digits))
    no_shares: list[Decimal | None] = [None] * len(known)
    parts = iter(shares(known) or no_shares)
    return (
        [None if cost is None else next(amounts) for cost in costs],
        [None if cost is None else next(parts) for cost in costs],
    )
