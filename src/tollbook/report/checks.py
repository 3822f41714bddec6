"""What objectives and alert rules share: the scope that a rule of the configuration is judged in, and its labels."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tollbook.report.model import Window
from tollbook.report.scope import Condition, Dimension, Scope, choose_dimension

Labels = Mapping[str, str | None]  # dimension -> value; None is unattributed


def make_scope(
    window: Window,
    by: Iterable[str],
    where: Mapping[str, str],
    known: dict[str, Dimension],
    conditions: Sequence[Condition] = (),
) -> Scope:
    """Return the scope of a rule.

    Args:
        window: What it is judged over.
        by: Names of the dimensions that it is judged for each value of.
        where: Dimension -> value that its requests have; an empty value means "not set".
        known: Every dimension by name.
        conditions: Further conditions, from the command line.
    """
    own = tuple(Condition(choose_dimension(name, known), True, value) for name, value in where.items())
    return Scope(window, tuple(choose_dimension(name, known) for name in by), own + tuple(conditions))


def make_labels(by: Sequence[Dimension], values: Sequence[object]) -> dict[str, str | None]:
    """Return the values of the dimensions that a row of counts is about, as text."""
    return {dimension.name: _text(dimension.show(value)) for dimension, value in zip(by, values, strict=True)}


def show_labels(labels: Labels) -> str:
    """Return labels for a line of text: ` (team=noc, project=unattributed)`, or nothing where there are none."""
    parts = [f"{name}={'unattributed' if value is None else value}" for name, value in labels.items()]
    return f" ({', '.join(parts)})" if parts else ""


def show_percent(ratio: object) -> str:
    """Return an exact ratio as a percentage with as many digits as it has: 0.985 as `98.5%`."""
    from decimal import Decimal  # noqa: PLC0415

    return f"{(Decimal(str(ratio)) * 100).normalize():f}%"


def _text(value: object) -> str | None:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return None if value is None else str(value)
