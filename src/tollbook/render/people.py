"""A report as people read it, on a terminal or in a document: heading, columns of text, totals."""

from tollbook.render.cells import for_people, in_zone, known
from tollbook.report.model import Kind, Report, Window


def columns(report: Report) -> list[list[str]]:
    """Return the cells of every column as text, the total last if it says more than the rows do."""
    zone = report.window.timezone if report.window else report.timezone
    grid = []
    for position, column in enumerate(report.columns):
        values = [row[position] for row in report.rows]
        if not totals_are_shown(report):
            grid.append(for_people(values, column, zone))
            continue
        total = report.totals[position] if report.totals else None
        cells = for_people([*values, total], column, zone)
        if total is None and column.kind in {Kind.TEXT, Kind.TIME, Kind.LIST, Kind.FLAG}:
            cells[-1] = "" if position else "total"
        grid.append(cells)
    return grid


def totals_are_shown(report: Report) -> bool:
    """Return whether the totals say anything that a single row does not say already."""
    if report.totals is None or not report.rows:
        return False
    if len(report.rows) > 1:
        return True
    return any(total not in (None, cell) for total, cell in zip(report.totals, report.rows[0], strict=True))


def window_line(window: Window) -> str:
    """Return the window as a sentence for people, in its zone."""
    since, until = (
        None if moment is None else in_zone(moment, window.timezone) for moment in (window.since, window.until)
    )
    if since is None and until is None:
        return f"All of the store, in {window.timezone}"
    if since is None:
        return f"Until {until} (excluded), in {window.timezone}"
    if until is None:
        return f"From {since}, in {window.timezone}"
    return f"From {since} until {until} (excluded), in {window.timezone}"


def heading(report: Report) -> list[str]:
    """Return what stands above a table for people: title, window or at least the zone of times, filters, currency."""
    lines = [report.title]
    if report.window is not None:
        lines.append(window_line(report.window))
    elif _has_times(report):
        lines.append(f"Times in {report.timezone}")
    if report.filters:
        lines.append(f"Where {' and '.join(report.filters)}")
    if report.currency is not None and any(column.kind is Kind.MONEY for column in report.columns):
        lines.append(f"Amounts in {report.currency}")
    return lines


def _has_times(report: Report) -> bool:
    positions = [position for position, column in enumerate(report.columns) if column.kind is Kind.TIME]
    return any(known(row[position]) for row in report.rows for position in positions)
