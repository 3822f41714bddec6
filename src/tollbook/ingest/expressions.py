"""How statements are spelled: SQL as texts, made of texts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tollbook.ingest.formats import Condition

NULL = "CAST(NULL AS VARCHAR)"


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def list_literal(values: Iterable[str]) -> str:
    """Return an SQL list of texts."""
    return "CAST([" + ", ".join(literal(value) for value in values) + "] AS VARCHAR[])"


def coalesce(values: Sequence[str]) -> str:
    """Return SQL for the first of some values that is not NULL."""
    if not values:
        return NULL
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def pointer_literal(keys: Iterable[str]) -> str:
    """Return a JSON pointer to nested keys as an SQL literal."""
    return literal("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))


def struct(pointers: Iterable[str], types: Mapping[str, str] | None = None) -> str:
    """Return the structure, as `from_json` takes it, that holds the values at pointers as text, or as JSON.

    Args:
        pointers: Keys joined by slashes; none goes into the value of another.
        types: Pointer -> `JSON`, where the value is not wanted as text.
    """
    tree: dict[str, Any] = {}
    for pointer in pointers:
        branch = tree
        *above, last = pointer.split("/")
        for key in above:
            branch = branch.setdefault(key, {})
        branch[last] = (types or {}).get(pointer, "VARCHAR")
    return json.dumps(tree or {"": "VARCHAR"}, ensure_ascii=False)


def member(struct_: str, pointer: str) -> str:
    """Return SQL for the value at a pointer in a structure that `struct` described."""
    return struct_ + "".join("." + quoted(key) for key in pointer.split("/"))


def members_joined(values: Mapping[str, str]) -> str:
    """Return SQL for the JSON object of the values that are there; NULL where none is.

    Args:
        values: Key -> SQL for its value as JSON.
    """
    parts = ", ".join(
        f"CASE WHEN {value} IS NOT NULL THEN {literal(',' + json.dumps(key, ensure_ascii=False) + ':')} || {value} END"
        for key, value in values.items()
    )
    return f"nullif(concat('{{', substr(concat({parts}), 2), '}}'), '{{}}')"


def found_in(value: str, pattern: str) -> str:
    """Return SQL for what a regular expression finds in a text; the whole text without one."""
    return f"nullif(regexp_extract({value}, {literal(pattern)}), '')" if pattern and value != NULL else value


def all_hold(conditions: Iterable[tuple[Condition, str]]) -> str:
    """Return SQL for whether conditions hold of values, each given as SQL."""
    tests = []
    for condition, value in conditions:
        test = f"{value} IS NOT NULL" if value != NULL else "false"
        if condition.values and value != NULL:
            test = "(" + " OR ".join(f"{value} = {literal(one)}" for one in condition.values) + ")"
        tests.append(f"NOT coalesce({test}, false)" if condition.negated else test)
    return "false" if "false" in tests else " AND ".join(tests) or "true"


def sum_of(values: Sequence[str]) -> str:
    """Return SQL for the sum of the counts that are there, as text; for the first that is none, where one is none."""
    values = [value for value in values if value != NULL]
    if len(values) < 2:  # noqa: PLR2004 - nothing to add
        return coalesce(values)
    wrong = "".join(f" WHEN {value} IS NOT NULL AND count_of({value}) IS NULL THEN {value}" for value in values)
    total = " + ".join(f"coalesce(count_of({value}), 0)" for value in values)
    return f"CASE{wrong} WHEN {coalesce(values)} IS NOT NULL THEN CAST({total} AS VARCHAR) END"


def in_usd(value: str, factor: str) -> str:
    """Return SQL for a cost in USD: a decimal times the factor of its unit."""
    # The product of decimals has the digits of both, and may have 38.
    return value if factor == "1" else f"CAST({value} * CAST({factor} AS DECIMAL(10, 10)) AS DECIMAL(28, 15))"
