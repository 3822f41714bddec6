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

    @property
    def has_prefixes(self) -> bool:
        """Whether their carrier wrote something before the lines."""
        return self._bare != self._lines

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The records, as JSON says them."""
        return objects(self._bare)

    @cached_property
    def format(self) -> "Format":
        """The format that they are of."""
        return format_of(self.records, self._formats)

    def is_like(self, block: "Block") -> bool:
        """Tell whether a block's first record seems to be of the same kind; if there is none, it does.

        A wrong answer costs time or memory: each record is told and judged for itself.
        """
        line, is_whole, _ = block.data[:_LONG_LINE].partition(b"\n")
        record = next(iter(objects([without_prefix(line.decode("utf-8", errors="replace"))])), {}) if is_whole else {}
        unknown = record.keys() - self._keys
        if not unknown or not self._keys:
            return True
        if format_of([record], self._formats) is not self.format:
            return False
        return not self.format.is_open or 2 * len(unknown) <= len(record)

    @cached_property
    def _lines(self) -> list[str]:
        return _first_lines(self._block)

    @cached_property
    def _bare(self) -> list[str]:
        return [without_prefix(line) for line in self._lines]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(key for record in self.records for key in record)


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
