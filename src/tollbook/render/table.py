"""The table for people: fitted to a terminal without ever cutting a number, plain and whole everywhere else."""

from typing import TYPE_CHECKING, Final

from tollbook.render.cells import RIGHT_ALIGNED, visible
from tollbook.render.people import columns, heading, totals_are_shown
from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    from rich.table import Table

_NARROWEST = 12  # columns: text is not wrapped to less
_GAP = "  "
_WHOLE = RIGHT_ALIGNED | {Kind.TIME, Kind.FLAG}  # what is never wrapped
_BOLD: Final = "\x1b[1m"
_YELLOW: Final = "\x1b[33m"
_END: Final = "\x1b[0m"


def render(report: Report, *, width: int | None = None, color: bool = False) -> str:
    """Return the report as a table.

    Args:
        report: What to show.
        width: Columns of the terminal: text wraps to fit, numbers never do; where even that is too wide, every row
            becomes a block of lines. None is no terminal: nothing wraps.
        color: Whether to use ANSI colours.
    """
    grid = columns(report)
    title, *more = [visible(line) for line in heading(report)]
    head = [_paint(title, _BOLD, color), *more, ""]
    warnings = [_paint(f"Warning: {visible(sentence)}", _YELLOW, color) for sentence in report.warnings]
    if width is None or sum(_widths(report, grid)) + len(_GAP) * (len(grid) - 1) <= width:
        body = _lines(report, grid, color=color, rule="-" if width is None else "─")
    elif _narrowest(report, grid) <= width:
        body = _wrapped(report, grid, width, color=color)
    else:
        body = _blocks(report, grid)
    return "\n".join([*head, *body, *([""] if warnings else []), *warnings]) + "\n"


def _paint(text: str, style: str, color: bool) -> str:
    return f"{style}{text}{_END}" if color else text


def _widths(report: Report, grid: list[list[str]]) -> list[int]:
    """Return how many columns of a terminal each column needs."""
    from rich.cells import cell_len  # noqa: PLC0415 - start-up

    names = [visible(column.name) for column in report.columns]
    return [
        max(cell_len(text) if not text.isascii() else len(text) for text in [name, *cells])
        for name, cells in zip(names, grid, strict=True)
    ]


def _lines(report: Report, grid: list[list[str]], *, color: bool, rule: str) -> list[str]:
    """Return the table with every column as wide as its widest cell."""
    from rich.cells import cell_len  # noqa: PLC0415 - start-up

    widths = _widths(report, grid)
    to_the_right = [column.kind in RIGHT_ALIGNED for column in report.columns]

    def line(row: tuple[str, ...]) -> str:
        padded = []
        for text, width, right in zip(row, widths, to_the_right, strict=True):
            space = " " * (width - (len(text) if text.isascii() else cell_len(text)))
            padded.append(space + text if right else text + space)
        return _GAP.join(padded).rstrip()

    ruler = rule * (sum(widths) + len(_GAP) * (len(widths) - 1))
    header = line(tuple(visible(column.name) for column in report.columns))
    body = [line(row) for row in zip(*grid, strict=True)]
    if totals_are_shown(report):
        body[-1:] = [ruler, _paint(body[-1], _BOLD, color)]
    return [_paint(header, _BOLD, color), ruler, *body]


def _wrapped(report: Report, grid: list[list[str]], width: int, *, color: bool) -> list[str]:
    """Return the table with its text wrapped so that it fits the width."""
    from rich.console import Console  # noqa: PLC0415 - start-up

    console = Console(width=width, force_terminal=color, color_system="standard" if color else None, no_color=not color)
    with console.capture() as captured:
        console.print(_rich_table(report, grid))
    return [line.rstrip() for line in captured.get().splitlines()]


def _rich_table(report: Report, grid: list[list[str]]) -> "Table":
    from rich.box import SIMPLE  # noqa: PLC0415 - start-up
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=SIMPLE, padding=(0, len(_GAP) - 1, 0, 0), pad_edge=False, show_edge=False)
    for column, least in zip(report.columns, _least_widths(report, grid), strict=True):
        table.add_column(
            Text(visible(column.name), style="bold"),
            justify="right" if column.kind in RIGHT_ALIGNED else "left",
            no_wrap=column.kind in _WHOLE,
            overflow="fold",
            min_width=least,
        )
    rows = list(zip(*grid, strict=True))
    with_totals = totals_are_shown(report)
    for number, row in enumerate(rows, start=1):
        style = "bold" if with_totals and number == len(rows) else ""
        table.add_row(*(Text(cell, style=style) for cell in row), end_section=with_totals and number == len(rows) - 1)
    return table


def _least_widths(report: Report, grid: list[list[str]]) -> list[int]:
    def least(column: Column, width: int) -> int:
        return width if column.kind in _WHOLE else min(width, _NARROWEST)

    return [least(column, width) for column, width in zip(report.columns, _widths(report, grid), strict=True)]


def _narrowest(report: Report, grid: list[list[str]]) -> int:
    """Return the columns that the wrapped table needs; Rich pads the last one too."""
    return sum(_least_widths(report, grid)) + len(_GAP) * len(grid)


def _blocks(report: Report, grid: list[list[str]]) -> list[str]:
    """Return one block of `name: value` lines for each row, an empty line between them."""
    lines: list[str] = []
    for row in zip(*grid, strict=True):
        if lines:
            lines.append("")
        cells = zip(report.columns, row, strict=True)
        lines += [f"{visible(column.name)}: {cell}" for column, cell in cells if cell]
    return lines
