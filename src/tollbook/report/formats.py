"""The report of the command `formats`: which logs tollbook reads, by which keys, into what."""

import difflib
from collections.abc import Sequence
from datetime import datetime

from tollbook.errors import UsageError
from tollbook.ingest.formats import NATIVE, Condition, Format
from tollbook.report.model import Column, Kind, Report

_LIST = (
    Column("format", Kind.TEXT),
    Column("title", Kind.TEXT, missing=""),
    Column("kind", Kind.TEXT),
    Column("told_by", Kind.TEXT, missing="every other record"),
)
_SHOW = (Column("field", Kind.TEXT), Column("read_from", Kind.TEXT))


def list_report(formats: Sequence[Format], now: datetime) -> Report:
    """Return one row per format, in the order in which a record is asked for being of one.

    Args:
        formats: The native format last.
        now: Naive UTC.
    """
    rows = tuple((each.name, each.title or None, kind(each), " or ".join(told_by(each)) or None) for each in formats)
    return Report(name="formats", title="Log formats", columns=_LIST, rows=rows, generated_at=now)


def show_report(formats: Sequence[Format], name: str, now: datetime) -> Report:
    """Return which keys a format's fields are read from.

    Args:
        formats: All that are known.
        name: The format's.
        now: Naive UTC.

    Raises:
        UsageError: There is no such format.
    """
    found = named(formats, name)
    return Report(
        name="formats-show",
        title=f"{found.name}: {found.title or kind(found)}",
        columns=_SHOW,
        rows=tuple(mapping(found)),
        generated_at=now,
        details={"kind": kind(found), "told_by": told_by(found), "source": found.source or None},
    )


def named(formats: Sequence[Format], name: str) -> Format:
    """Return the format of a name.

    Raises:
        UsageError: There is none.
    """
    known = {each.name: each for each in formats}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "List them with: tollbook formats"
        raise UsageError(f"There is no log format {name!r}. {hint}")
    return known[name]


def kind(format_: Format) -> str:
    """Return what a format is to its users."""
    if format_.is_envelope:
        return "envelope"
    if format_.name == NATIVE:
        return "native"
    return "configured" if format_.is_open else "built in"


def told_by(format_: Format) -> list[str]:
    """Return the ways a record of the format is told, each as a person would say it."""
    return [", ".join(map(_said, conditions)) for conditions in format_.when]


def mapping(format_: Format) -> list[tuple[str, str]]:
    """Return each field with what it is read from, first match first; what is kept comes last."""
    names = dict.fromkeys([*format_.fields, *format_.constants])
    rows = []
    for name in names:
        sources = list(format_.fields.get(name, ()))
        for value, when in format_.constants.get(name, {}).items():
            where = " or ".join(", ".join(map(_said, conditions)) for conditions in when)
            sources.append(f'"{value}" where {where}' if when else f'"{value}"')
        rows.append((name, ", ".join(sources)))
    rows += [(f"attributes: {name}", path) for name, path in format_.keep.items()]
    if format_.is_open:
        rows.append(("attributes", "everything else"))
    return rows


def _said(condition: Condition) -> str:
    text = f"{condition.path} = {' | '.join(condition.values)}" if condition.values else condition.path
    return f"not {text}" if condition.negated else text
