"""The command `status`."""

from typing import TYPE_CHECKING

import typer

from tollbook.cli.options import Format, Output

if TYPE_CHECKING:
    from tollbook.report.model import Column, Report

_FOR_PEOPLE = {"table", "markdown"}  # they list the items; JSON, CSV and Parquet get one row with a column per item
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("status", epilog="Example: tollbook status --format json")(status)


def status(context: typer.Context, *, format: Format = None, output: Output = None) -> None:  # noqa: A002 - the option
    """Say what is in the store: rows, time covered, freshness, what is unpriced or unattributed."""
    from tollbook.cli.emit import choose_format, emit  # noqa: PLC0415 - start-up
    from tollbook.report.status import status_report  # noqa: PLC0415

    session = context.obj
    chosen = choose_format(format, output)
    with session.reader() as con:
        report = status_report(con, store=session.store_path, now=session.now)
    if chosen in _FOR_PEOPLE:
        report = _as_list(report, session.zone)
    emit(session, report, format=chosen, output=output)


def _as_list(report: "Report", zone: str) -> "Report":
    """Return the single row as a list of items and values."""
    from dataclasses import replace  # noqa: PLC0415 - start-up

    from tollbook.report.model import Column, Kind  # noqa: PLC0415

    [row] = report.rows
    items = tuple(
        (column.name.removesuffix("_s").replace("_", " "), _shown(value, column, zone))
        for column, value in zip(report.columns, row, strict=True)
    )
    columns = (Column("item", Kind.TEXT), Column("value", Kind.TEXT))
    return replace(report, title=f"{report.title}, times in {zone}", columns=columns, rows=items)


def _shown(value: object, column: "Column", zone: str) -> str:
    from tollbook.render.cells import for_people  # noqa: PLC0415 - start-up

    if column.name == "freshness_s" and isinstance(value, int):
        return _span(value)
    if isinstance(value, list):
        return ", ".join(map(str, value)) or column.missing
    return for_people([value], column, zone)[0]


def _span(seconds: int) -> str:
    """Return a span of time in its two largest units: `2 d 3 h`."""
    ago = "" if seconds >= 0 else "-"
    seconds = abs(seconds)
    if seconds >= _DAY_S:
        return f"{ago}{seconds // _DAY_S} d {seconds % _DAY_S // _HOUR_S} h"
    if seconds >= _HOUR_S:
        return f"{ago}{seconds // _HOUR_S} h {seconds % _HOUR_S // _MINUTE_S} min"
    return f"{ago}{seconds // _MINUTE_S} min {seconds % _MINUTE_S} s"
