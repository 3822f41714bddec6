"""The refused lines: where they are, why, and on demand what they say."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from tollbook import queries
from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    import duckdb

LONGEST_LINE = 500  # characters shown of a refused line

_PLACE = (
    Column("source", Kind.TEXT, missing="unknown source"),
    Column("line", Kind.NUMBER),
    Column("byte_offset", Kind.NUMBER),
    Column("reason", Kind.TEXT),
)
_TEXT = Column("text", Kind.TEXT, missing="(not there any more)")
_SUMMARY = (
    Column("reason", Kind.TEXT),
    Column("source", Kind.TEXT, missing="unknown source"),
    Column("rejects", Kind.COUNT),
    Column("first_line", Kind.NUMBER),
)


@dataclass(frozen=True)
class _Reject:
    """A row of `sql/rejects.sql`."""

    source: str | None
    line: int
    byte_offset: int
    reason: str
    excerpt: str | None
    head: str | None
    tail: str | None
    position: int | None

    @property
    def file(self) -> tuple[str | None, str | None, str | None, int | None]:
        """Return its source as it was read: name and fingerprint."""
        return self.source, self.head, self.tail, self.position


def rejects_report(con: "duckdb.DuckDBPyConnection", *, now: datetime, show_lines: bool = False) -> Report:
    """Answer which lines were refused, and why.

    Args:
        con: A connection with the relations of `report.relations`.
        now: The report's moment, naive UTC.
        show_lines: Add the column `text`: the excerpt that the store keeps, else the line itself where its file
            is still there and still holds what was read. Control characters are escaped.

    Returns:
        A row per refused line: `source`, `line` (from 1), `byte_offset` (after decompression), `reason`.
    """
    rejects = [_Reject(*row) for row in queries.run(con, "rejects", {})]  # type: ignore[arg-type]
    rows: list[tuple[object, ...]] = [(r.source, r.line, r.byte_offset, r.reason) for r in rejects]
    if show_lines:
        rows = [(*row, text) for row, text in zip(rows, _texts(rejects), strict=True)]
    return Report(
        name="rejects",
        title="Refused lines",
        columns=(*_PLACE, _TEXT) if show_lines else _PLACE,
        rows=tuple(rows),
        generated_at=now,
    )


def rejects_summary(con: "duckdb.DuckDBPyConnection", *, now: datetime) -> Report:
    """Answer how many lines of which source were refused for which reason.

    Returns:
        A row per reason and source, the most frequent first: `reason`, `source`, `rejects`, `first_line`.
    """
    rows = tuple(queries.run(con, "rejects_summary", {}))
    total = sum(count for _, _, count, _ in rows)  # type: ignore[misc]
    return Report(
        name="rejects",
        title="Refused lines by reason",
        columns=_SUMMARY,
        rows=rows,
        totals=(None, None, total, None),
        generated_at=now,
    )


def _texts(rejects: Iterable[_Reject]) -> list[str | None]:
    """Return what each line says; the rejects of one source follow one another, by line."""
    texts: list[str | None] = []
    for _, group in groupby(rejects, key=lambda reject: reject.file):
        members = list(group)
        wanted = sorted({member.byte_offset for member in members if member.excerpt is None})
        lines = _lines_of(members[0], wanted) if wanted else {}
        for member in members:
            text = lines.get(member.byte_offset) if member.excerpt is None else member.excerpt
            texts.append(None if text is None else _shown(text))
    return texts


def _lines_of(reject: _Reject, offsets: list[int]) -> dict[int, str]:
    """Return the lines of a reject's file that begin at the offsets (ascending), or nothing if it is another now."""
    from tollbook.errors import SourceError  # noqa: PLC0415 - only for --show-lines
    from tollbook.ingest.sources import Known, recognise  # noqa: PLC0415
    from tollbook.ingest.stream import open_stream  # noqa: PLC0415

    source, head, tail, position = reject.file
    if source is None or source == "-" or head is None or tail is None or position is None:
        return {}
    lines: dict[int, str] = {}
    try:
        found = recognise(source, {head: [Known(0, head, tail, position, 0)]})
        found.stream.close()
        if found.known is None:
            return {}
        stream = open_stream(source)
    except SourceError:
        return {}
    try:
        for offset in offsets:
            if stream.skip_to(offset, 0) is None:
                break
            line = stream.peek(4 * LONGEST_LINE).split(b"\n", 1)[0]
            lines[offset] = line.decode("utf-8", errors="backslashreplace")
    finally:
        stream.close()
    return lines


def _shown(text: str) -> str:
    """Return a line safe to show: its beginning, with control characters escaped."""
    text = text.rstrip("\r\n")
    cut = text[:LONGEST_LINE] + ("…" if len(text) > LONGEST_LINE else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
