"""The usage object of a provider: its counts, by whatever names, and what else of it bears on the price."""

from collections.abc import Iterable

from tollbook.ingest.expressions import NULL, coalesce, in_usd, list_literal, literal, member, struct
from tollbook.ingest.fields import NOT_TOLD, USAGE, USAGE_COSTS, USAGE_EXCLUSIVE, USAGE_TEXTS
from tollbook.ingest.shape import Shape

_POINTERS = [key for keys in (*USAGE.values(), *USAGE_TEXTS.values(), USAGE_COSTS) for key in keys]
_KEYS = "json_keys(CASE WHEN u IS NOT NULL THEN raw_usage END)"
# The columns of records that have no such object.
NO_USAGE = ", ".join(
    [
        *(f"CAST(NULL AS BIGINT) AS u_{name}" for name in USAGE),
        *(f"{NULL} AS u_{field}" for field in USAGE_TEXTS),
        "CAST(NULL AS DECIMAL(28, 15)) AS u_cost",
        "false AS u_is_exclusive",
    ]
)


class Usage:
    """How `raw_usage` is read, a text.

    Args:
        shape: What the usage objects of a sample look like, for what others have more to be misshapen; None reads all.
    """

    def __init__(self, shape: Shape | None) -> None:
        is_plain = shape is not None and shape.is_readable and not any("/" in key for key in shape.keys)
        self._shape = shape if is_plain else None

    def opened(self) -> str:
        """Return the structure `u`; NULL where the text is no object."""
        # A text that begins like an object need not be JSON.
        shape = literal(struct(self._pointers()))
        return f"try(from_json(CASE WHEN starts_with(raw_usage, '{{') THEN raw_usage END, {shape})) AS u"

    def columns(self) -> str:
        """Return the columns that stand on `u`."""
        columns = [f"CAST(count_of({self._first(pointers)}) AS BIGINT) AS u_{name}" for name, pointers in USAGE.items()]
        columns += [
            f"nullif({self._first(pointers)}, {literal(NOT_TOLD)}) AS u_{field}"
            for field, pointers in USAGE_TEXTS.items()
        ]
        costs = [in_usd(f"cost_of({self._first([key])})", factor) for key, factor in USAGE_COSTS.items()]
        exclusive = f"{self._first(USAGE_EXCLUSIVE)} IS NOT NULL"
        return ",\n        ".join([*columns, f"{coalesce(costs)} AS u_cost", f"{exclusive} AS u_is_exclusive"])

    def unseen(self) -> list[str]:
        """Return SQL for the values of `u` that no record of the sample has."""
        shape = self._shape
        return [member("u", pointer) for pointer in self._pointers() if not shape.has(pointer)] if shape else []

    def rules_out(self, pointer: str) -> bool:
        """Tell whether an object with a value at a pointer is misshapen for having its first key."""
        return self._shape is not None and pointer.split("/", 1)[0].removesuffix("#") not in self._shape.keys

    def misshapen(self) -> str:
        """Return an arm for objects with keys that no record of the sample has, or with one that stands twice."""
        if not self._shape:
            return ""
        # Where every key has a value that is read, no other is there, and none stands twice.
        tops = sorted(self._shape.keys)
        counted = " + ".join(f"CAST({member('u', top)} IS NOT NULL AS TINYINT)" for top in tops)
        orders = "".join(f" AND {_KEYS} <> {list_literal(order)}" for order in self._shape.orders)
        return f"WHEN len({_KEYS}) <> {counted}{orders} THEN 'misshapen'"

    def reasons(self) -> list[str]:
        """Return arms for objects that cannot be billed, each with why."""
        arms = [
            f"WHEN u_{name} IS NULL AND {self._first(pointers)} IS NOT NULL "
            f"THEN 'a token count must be a whole number >= 0: usage, {name.replace('_', ' ')}'"
            for name, pointers in USAGE.items()
            if self._first(pointers) != NULL
        ]
        if not self._shape:
            arms.insert(
                0,
                f"WHEN len(list_distinct({_KEYS})) <> len({_KEYS}) "
                "THEN 'a key stands twice in the usage object: which count is billed is ambiguous'",
            )
        return arms

    def _first(self, pointers: Iterable[str]) -> str:
        shape = self._shape
        return coalesce([member("u", pointer) for pointer in pointers if not shape or shape.has(pointer)])

    def _pointers(self) -> list[str]:
        """Return the pointers to the values that are read, or looked for."""
        if not self._shape:
            return _POINTERS
        tops = self._shape.keys
        read = [pointer for pointer in _POINTERS if pointer.split("/", 1)[0] in tops]
        return read + sorted(tops - {pointer.split("/", 1)[0] for pointer in read})
