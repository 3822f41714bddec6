"""What the first records of a batch look like, and what can be read faster for it.

Logs repeat themselves: what no record of the sample has is not read, which costs nothing, and whoever reads by a shape
looks whether a record has it all the same; such a record is read again by the statement that reads everything. So the
sample decides how fast a record is read and never how it is judged.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tollbook.ingest.formats import Condition, split_pattern

_MOST_KEYS = 200
_MOST_ORDERS = 4


@dataclass(frozen=True)
class Shape:
    """The sample.

    Args:
        records: Its records, as JSON says them.
    """

    records: Sequence[Mapping[str, Any]]

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every top-level key."""
        return frozenset(key for record in self.records for key in record)

    @cached_property
    def orders(self) -> tuple[tuple[str, ...], ...]:
        """Key lists of records that have null values (in those, keys cannot be counted by their values)."""
        orders = dict.fromkeys(tuple(record) for record in self.records if None in record.values())
        return tuple(orders)[:_MOST_ORDERS]

    @property
    def is_readable(self) -> bool:
        """Whether one structure can hold all the keys."""
        if not self.keys or len(self.keys) > _MOST_KEYS or not all(map(_is_readable, self.keys)):
            return False
        return len({key.lower() for key in self.keys}) == len(self.keys)  # DuckDB cannot tell them apart

    def has(self, pointer: str) -> bool:
        """Tell whether a record has a value at a pointer: keys joined by slashes, one within the other."""
        return any(_has(record, pointer.split("/")) for record in self.records)

    def within(self, paths: Sequence[str], *, is_open: bool) -> "Shape":
        """Return the shape of the objects at paths of a format, or of those that are written there as texts."""
        values = (_as_object(value_at(path, record, is_open=is_open)) for path in paths for record in self.records)
        return Shape([value for value in values if value is not None])


def holds(condition: Condition, record: Mapping[str, Any], *, is_open: bool) -> bool:
    """Tell whether a condition of an open or a closed format holds of a record."""
    values = (value_at(path, record, is_open=is_open) for path in condition.paths)
    value = next((value for value in values if value is not None), None)
    fulfilled = value in condition.values if condition.values else value is not None
    return fulfilled is not condition.negated


def value_at(path: str, record: Mapping[str, Any], *, is_open: bool) -> Any:
    """Return the value at a path of an open or a closed format; with a pattern, what it finds; None for nothing."""
    value: Any = record
    pattern = ""
    if is_open:
        keys = [path] if path in record else path.split(".")
    else:
        path, pattern = split_pattern(path)
        keys = path.split("/")
    for key in keys:
        value = value.get(key.removesuffix("#")) if isinstance(value, Mapping) else None
        if key.endswith("#"):
            value = _as_object(value)
    if pattern and value is not None:
        value = re.search(pattern, value if isinstance(value, str) else json.dumps(value))
    return value


def _as_object(value: object) -> Mapping[str, Any] | None:
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _has(value: Any, keys: Sequence[str]) -> bool:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value is not None


def _is_readable(key: str) -> bool:
    """Tell whether SQL can name a key: it is not empty, and without NUL and halves of surrogate pairs."""
    return key != "" and "\0" not in key and key.encode("utf-8", errors="replace").decode("utf-8") == key
