"""Markdown: the heading and a table of what people see, for tickets and wikis."""

import re

from tollbook.render.cells import RIGHT_ALIGNED, visible
from tollbook.render.people import columns, heading, totals_are_shown
from tollbook.report.model import Report

# What Markdown would take as its own; an underscore inside a word is none
_SPECIAL = re.compile(r"[\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_])")


def render(report: Report) -> str:
    """Return the report as a table with its totals in bold; warnings are not part of it."""
    title, *more = [_escape(visible(line)) for line in heading(report)]
    names = [_escape(visible(column.name)) for column in report.columns]
    rules = ["---:" if column.kind in RIGHT_ALIGNED else "---" for column in report.columns]
    grid = [[_escape(cell) for cell in cells] for cells in columns(report)]
    rows = [list(row) for row in zip(*grid, strict=True)]
    if totals_are_shown(report):
        rows[-1] = [f"**{cell}**" if cell else "" for cell in rows[-1]]
    lines = [f"**{title}**", *more, "", *(f"| {' | '.join(row)} |" for row in [names, rules, *rows])]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)
