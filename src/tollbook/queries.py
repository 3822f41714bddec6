"""The queries of `sql/`: found by name, their slots filled, their parameters bound."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_WHEEL = Path(__file__).parent / "sql"
_CHECKOUT = Path(__file__).parents[2] / "sql"


@cache
def text(name: str) -> str:
    """Return the text of the query `sql/<name>.sql`."""
    folder = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def fill(query: str, slots: Mapping[str, str]) -> str:
    """Put SQL into the query's slots, the comments `/*name*/`.

    A file is a complete query as it stands; a slot is where checked identifiers (`/*by*/`) or conditions
    with bound parameters (`/*where*/`) are added. Never put a value there.

    Raises:
        KeyError: The query has no such slot.
    """
    for name, sql in slots.items():
        slot = f"/*{name}*/"
        if slot not in query:
            raise KeyError(slot)
        query = query.replace(slot, sql)
    return query


def run(
    con: "duckdb.DuckDBPyConnection", name: str, params: Mapping[str, object], **slots: str
) -> list[tuple[object, ...]]:
    """Run the query `sql/<name>.sql` and return all of its rows (reports are small).

    Args:
        con: A connection of `store.reader`.
        name: The file's name without `.sql`.
        params: Values of its named parameters, exactly those that it has.
        slots: SQL for its slots.
    """
    return con.execute(fill(text(name), slots), dict(params)).fetchall()
