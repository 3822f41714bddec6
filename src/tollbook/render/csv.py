"""CSV (RFC 4180, UTF-8, a line feed after every record): exact values, an empty cell for what is missing."""

import csv
import re

from tollbook.render.cells import exact, known, visible
from tollbook.report.model import Kind, Report, Value

# A text that begins like this runs as a formula when a spreadsheet opens the file (CWE-1236); the last four are
# the full-width forms of the first four.
FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_KEPT = re.compile("([\t\r\n])")  # control characters that CSV can hold


def render(report: Report) -> str:
    """Return the rows of the report under a header; totals and warnings are not rows and stay out."""
    lines = _Lines()
    writer = csv.writer(lines)  # ends records in CR LF: only then does it quote a lone CR
    writer.writerow([_text(column.name) for column in report.columns])
    for row in report.rows:
        writer.writerow(_cell(value, column.kind) for column, value in zip(report.columns, row, strict=True))
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


class _Lines(list[str]):
    def write(self, line: str) -> None:
        self.append(line)


def _cell(value: Value, kind: Kind) -> str:
    if not known(value):
        return ""
    text = exact(value, kind)
    return _text(text) if kind in {Kind.TEXT, Kind.LIST} else text


def _text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula and no terminal for a command."""
    shown = "".join(part if _KEPT.fullmatch(part) else visible(part) for part in _KEPT.split(text))
    return f"'{shown}" if shown.startswith(tuple(FORMULA_STARTS)) else shown
