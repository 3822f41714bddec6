"""The first records of a batch: what the others are taken to be like, until each is looked at."""

import json
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tollbook.ingest.prefixes import without_prefix
from tollbook.ingest.shape import holds

if TYPE_CHECKING:
    from tollbook.ingest.formats import Format
    from tollbook.ingest.judge import Formats
    from tollbook.ingest.lines import Block

SAMPLE_LINES = 256
_TOLD = 16  # records whose format is told
_LONG_LINE = 1 << 16  # bytes; to look into it takes a while


class Sample:
    """The first records of a block.

    Args:
        block: The block.
        formats: The formats that its records can be of.
    """

    def __init__(self, block: "Block", formats: "Formats") -> None:
        self._block = block
        self._formats = formats

    def records(self) -> list[dict[str, Any]]:
        """Return the records, as JSON says them."""
        return objects(map(without_prefix, _first_lines(self._block)))

    def has_prefixes(self) -> bool:
        """Tell whether their carrier wrote something before the lines."""
        return any(without_prefix(line) != line for line in _first_lines(self._block))

    @property
    def format(self) -> "Format":
        """The format that the records are of."""
        return self._told[0]

    def is_like(self, block: "Block") -> bool:
        """Tell whether a block's first record seems to be of the same kind; if there is none, it does.

        A wrong answer costs time or memory: each record is told and judged for itself.
        """
        format_, keys = self._told
        line, is_whole, _ = block.data[:_LONG_LINE].partition(b"\n")
        record = next(iter(objects([without_prefix(line.decode("utf-8", errors="replace"))])), {}) if is_whole else {}
        unknown = record.keys() - keys
        if not unknown or not keys:
            return True
        if format_of([record], self._formats) is not format_:
            return False
        return not format_.is_open or 2 * len(unknown) <= len(record)

    @cached_property
    def _told(self) -> "tuple[Format, frozenset[str]]":
        """The format of the records and their keys: all that is kept of them, for they may be long."""
        records = self.records()
        return format_of(records, self._formats), frozenset(key for record in records for key in record)


def objects(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Return the records that lines are, where they are plain JSON objects."""
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            records.append(record)
    return records


def format_of(records: list[dict[str, Any]], formats: "Formats") -> "Format":
    """Return the format that the first records are of; the statement itself tells each record's for certain."""
    if formats.forced:
        return formats.forced
    for record in records[:_TOLD]:
        for other in formats.others:
            for conditions in other.when:
                if all(holds(condition, record, is_open=other.is_open) for condition in conditions):
                    return other
    return formats.native


def _first_lines(block: "Block") -> list[str]:
    lines = []
    position = 0
    for _ in range(SAMPLE_LINES):
        end = block.data.find(b"\n", position)
        lines.append(block.data[position : end if end >= 0 else len(block.data)].decode("utf-8", errors="replace"))
        position = end + 1
        if end < 0:
            break
    return lines
