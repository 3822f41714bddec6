"""Markdown tables of what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from benchmarks.measure import Measured


@dataclass(frozen=True)
class Section:
    """A heading, what was done, and a table: column names and rows."""

    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the section as Markdown; every column but the first is set to the right."""
        rule = ["---"] + ["---:"] * (len(self.columns) - 1)
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([f"## {self.title}", "", fill(self.text, 120, break_on_hyphens=False), "", *lines, ""])


COMPARED = ("", "tollbook", "plain DuckDB", "ratio", "tollbook, peak", "plain DuckDB, peak")


def compared(label: str, tollbook: Measured, plain: Measured) -> list[str]:
    """Return a row of `COMPARED`: median seconds, their ratio, peak memory."""
    return [
        label,
        f"{tollbook.median_s:.2f} s",
        f"{plain.median_s:.2f} s",
        f"{tollbook.median_s / plain.median_s:.2f}",
        f"{tollbook.peak_mb:,.0f} MB",
        f"{plain.peak_mb:,.0f} MB",
    ]
