"""One line for monitoring: `STATUS - text | 'label'=value;warning;critical;min;max ...`.

The line of the Monitoring Plugins guidelines: the status, what a person needs to know, and performance data.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tollbook.exits import Check
from tollbook.render.cells import visible

_NAMED = 5  # findings that a pager can show


@dataclass(frozen=True)
class Metric:
    """One value of the performance data.

    Args:
        label: What it is.
        value: The number with its unit (`98.5%`, `1250ms`), or None where it is unknown.
        warning: The range that is no warning (`5` is 0 to 5, `95:` is 95 or more), or nothing.
        critical: The range that is not critical.
    """

    label: str
    value: str | None
    warning: str = ""
    critical: str = ""


def render(state: Check, text: str, metrics: Iterable[Metric] = ()) -> str:
    """Return the line, without a line feed at its end."""
    line = f"{state.name} - {visible(text).replace('|', '/')}"
    data = " ".join(_metric(metric) for metric in metrics)
    return f"{line} | {data}" if data else line


def some(findings: Iterable[str]) -> str:
    """Return findings as a list for the line: the first few, and how many more there are."""
    named = list(findings)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def _metric(metric: Metric) -> str:
    label = visible(metric.label).replace("'", "''").replace("=", ":").replace("|", "/")
    value = "U" if metric.value is None else metric.value
    return f"'{label}'=" + ";".join([value, metric.warning, metric.critical]).rstrip(";")
