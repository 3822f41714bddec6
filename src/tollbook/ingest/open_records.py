"""Reading records of an open format: what no field is read from is kept, and no key may be missed.

By a shape, the keys of the sample are read and no others; a record with any other key is left for the statement that
knows all keys.
"""

import json
from collections.abc import Iterable, Sequence

from tollbook.ingest.expressions import (
    NULL,
    all_hold,
    coalesce,
    found_in,
    list_literal,
    literal,
    members_joined,
    pointer_literal,
    quoted,
)
from tollbook.ingest.fields import EVENTS_ONLY, FIELDS
from tollbook.ingest.formats import Format, first_key, split_pattern
from tollbook.ingest.shape import Shape
from tollbook.ingest.statement import Statement

# The record's keys without a value, as members of a merge patch: a null says nothing, whatever it is called.
_NULLS = """coalesce(list_aggregate(list_transform(
            list_filter(keys, lambda k: json_type(text, '/' || replace(replace(k, '~', '~0'), '/', '~1')) = 'NULL'),
            lambda k: ',' || CAST(to_json(k) AS VARCHAR) || ':null'), 'string_agg', ''), '')"""


class OpenStatement(Statement):
    """The statement of an open format, by a shape or for records of any keys.

    Args:
        format_: The format.
        others: The formats to tell records by, in order.
        rest: The format of records that are of none of the others.
        trusting, shape: As for every statement.
    """

    def __init__(
        self, format_: Format, others: Sequence[Format], rest: str, *, trusting: bool, shape: Shape | None
    ) -> None:
        super().__init__(format_, others, trusting=trusting, shape=shape)
        self.rest = rest
        self.field_keys = dict.fromkeys(
            key for paths in format_.fields.values() for path in paths for key in _possible_keys(path)
        )
        when_keys = (
            key
            for other in self.others
            for conditions in other.when
            for condition in conditions
            for path in condition.paths
            for key in (_possible_keys(path) if other.is_open else [first_key(path)])
        )
        self.read_keys = [
            key for key in dict.fromkeys([*self.field_keys, *when_keys]) if shape is None or key in shape.keys
        ]
        # Keys that differ from another in case only, which a struct cannot hold beside it.
        first = {key.lower(): key for key in reversed(self.read_keys)}
        self.aside = {key for key in self.read_keys if first[key.lower()] != key}
        self.rest_keys = sorted(shape.keys - set(self.read_keys)) if shape else []

    def opened(self) -> str:
        """Return the record's struct `x` and its `keys`."""
        members = {key: "VARCHAR" for key in self.read_keys if key not in self.aside}
        members |= dict.fromkeys(self.rest_keys, "JSON")
        shape = literal(json.dumps(members or {"": "VARCHAR"}, ensure_ascii=False))
        return f"from_json({self.sound}, {shape}) AS x, json_keys({self.sound}) AS keys"

    def counted(self) -> str:
        """Return how many keys the record has, and how many of them have a value that was read."""
        if self.shape:
            values = [self._member(key) for key in [*self.read_keys, *self.rest_keys]]
        else:
            values = [self.read(field) for field in FIELDS if field in self.format.fields]
        counted = " + ".join(f"CAST({value} IS NOT NULL AS TINYINT)" for value in values) or "0"
        return f"len(keys) AS key_count, {counted} AS counted,"

    def pending(self) -> str:
        """Return arms for records of another shape or format."""
        other = f"WHEN format <> {literal(self.format.name)} THEN 'other'"
        if not self.shape:
            return other
        orders = "".join(f" WHEN keys = {list_literal(order)} THEN NULL" for order in self.shape.orders)
        misshapen = f"CASE{orders} ELSE 'misshapen' END" if orders else "'misshapen'"
        # In a record with nulls nothing is missed either, but it may be of another format all the same.
        arm = f"WHEN key_count <> counted AND {misshapen} IS NOT NULL THEN 'misshapen'"
        return f"{arm} {other}"

    def named_format(self) -> str:
        """Return the first format whose conditions hold."""
        arms = []
        for other in self.others:
            for conditions in other.when:
                test = all_hold((condition, self._values_of(other, condition.paths)) for condition in conditions)
                if test != "false":
                    arms.append(f" WHEN {test} THEN {literal(other.name)}")
        return f"CASE{''.join(arms)} ELSE {literal(self.rest)} END" if arms else literal(self.rest)

    def ambiguous(self) -> str:
        """Return an arm for a key that stands twice; by a shape, such a record is misshapen."""
        if self.shape:
            return ""
        twice = "lambda key: len(list_filter(keys, lambda other: other = key)) > 1"
        return (
            f"WHEN key_count <> counted AND len(list_distinct(keys)) <> key_count "
            f"AND len(list_filter({list_literal(self.field_keys)}, {twice})) > 0 "
            "THEN 'a key stands twice in the record: which value counts is ambiguous'"
        )

    def value(self, path: str) -> str:
        """Return SQL for the text at a dotted path: the key of that very name, else the nested value."""
        first, _, rest = path.partition(".")
        options = [self._member(path)] if path in self.read_keys else []
        if rest and first in self.read_keys:
            options.append(self._nested(first, rest.split(".")))
        return coalesce(options)

    def _values_of(self, other: Format, paths: Iterable[str]) -> str:
        values = (self._value_of(other, path) for path in paths)
        return coalesce([value for value in values if value != NULL])

    def _value_of(self, other: Format, path: str) -> str:
        if other.is_open:
            return self.value(path)
        path, pattern = split_pattern(path)
        first, *rest = path.replace("#", "").split("/")
        if first not in self.read_keys:
            return NULL
        return found_in(self._nested(first, rest) if rest else self._member(first), pattern)

    def _member(self, key: str) -> str:
        """Return SQL for the text of a top-level key's value."""
        if key in self.aside:
            return f"CASE WHEN is_sound THEN json_extract_string(text, {pointer_literal([key])}) END"
        return "x." + quoted(key)

    def _nested(self, first: str, rest: Sequence[str]) -> str:
        value = self._member(first)
        # A text may begin like an object and be none.
        pointer = pointer_literal(rest)
        return f"CASE WHEN starts_with({value}, '{{') THEN try(json_extract_string({value}, {pointer})) END"

    def attributes(self) -> str:
        """Return the object of everything that no field was read from."""
        whole = self._attributes_of_any()
        is_uneven = self._is_uneven()
        if not self.shape:
            return f"CASE WHEN key_count <> counted OR {is_uneven} THEN {whole} END"
        joined = members_joined({key: self._member(key) for key in self.rest_keys}) if self.rest_keys else NULL
        return joined if is_uneven == "false" else f"CASE WHEN {is_uneven} THEN {whole} ELSE {joined} END"

    def _is_uneven(self) -> str:
        """Return SQL for whether a key that a field could be read from was not, or was read only in part."""
        conditions = []
        for field, paths in self.format.fields.items():
            members = [self.value(path) for path in paths if self.value(path) != NULL]
            conditions += [
                f"({later} IS NOT NULL AND {coalesce(members[:number])} IS NOT NULL)"
                for number, later in enumerate(members)
                if number
            ]
            conditions += [
                f"{self.value(path)} IS NOT NULL" for path in paths if "." in path and path not in self.read_keys
            ]
            if field in EVENTS_ONLY and members:
                conditions.append(f"(is_request AND raw_{field} IS NOT NULL)")
        used = {key for paths in self.format.fields.values() for path in paths for key in _possible_keys(path)}
        conditions += [f"{self._member(key)} IS NOT NULL" for key in self.read_keys if key not in used]
        conditions = [condition for condition in conditions if not condition.startswith(NULL)]
        return " OR ".join(conditions) or "false"

    def _attributes_of_any(self) -> str:
        return (
            "nullif(CAST(json_merge_patch(text, CASE WHEN is_request THEN "
            f"{self._patch(leave=EVENTS_ONLY)} ELSE {self._patch(leave=())} END) AS VARCHAR), '{{}}')"
        )

    def _patch(self, leave: Sequence[str]) -> str:
        """Return SQL for the merge patch (RFC 7396) that takes out the keys that fields were read from."""
        fields = [
            [path for path in paths if path in self.read_keys]
            for field, paths in self.format.fields.items()
            if field not in leave
        ]
        first = [paths[0] for paths in fields if paths]
        parts = [literal("{" + ",".join(f"{_json(key)}:null" for key in first))]
        for paths in fields:
            arms = "".join(
                f" WHEN {self._member(path)} IS NOT NULL"
                f" AND {coalesce([self._member(before) for before in paths[:number]])} IS NULL"
                f" THEN {literal(',' + _json(path) + ':null')}"
                for number, path in enumerate(paths)
                if number
            )
            if arms:
                parts.append(f"CASE{arms} ELSE '' END")
        parts.append(f"CASE WHEN key_count <> counted THEN {_NULLS} ELSE '' END")
        return "concat(" + ", ".join([*parts, "'}'"]) + ")"


def _possible_keys(path: str) -> list[str]:
    """Return the top-level keys that a dotted path can begin with: the whole of it, or its first part."""
    first = path.split(".", 1)[0]
    return [path] if first == path else [path, first]


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
