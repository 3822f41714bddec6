"""The columns of requests: the view `requests` shows all, the table `request_rows` has those that ever had a value."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def columns(con: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    """Return name -> type of every column that a request can have, in order."""
    return _described(con, "store.requests")


def absent_columns(con: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the columns that no stored request has a value for: the table lacks them."""
    present = _described(con, "store.request_rows")
    return [name for name in columns(con) if name not in present]


def add_columns(con: "duckdb.DuckDBPyConnection", names: Collection[str]) -> None:
    """Add columns to the table; to be called in the transaction that fills them."""
    if not names:
        return
    for name, type_ in columns(con).items():
        if name in names:
            con.execute(f"ALTER TABLE store.request_rows ADD COLUMN {name} {type_}")
    con.execute("USE store")  # the view is to find its table whatever name the database is attached by
    try:
        con.execute(f"CREATE OR REPLACE VIEW requests AS SELECT {_selected(con)} FROM request_rows")
    finally:
        con.execute("USE memory")


def view_stored(con: "duckdb.DuckDBPyConnection") -> None:
    """Make the temporary view `stored`: requests with all columns and, as `stored_row`, the rowid in the table."""
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW stored AS SELECT {_selected(con)}, rowid AS stored_row FROM store.request_rows"
    )


def _selected(con: "duckdb.DuckDBPyConnection") -> str:
    present = _described(con, "store.request_rows")
    return ", ".join(
        name if name in present else f"CAST(NULL AS {type_}) AS {name}" for name, type_ in columns(con).items()
    )


def _described(con: "duckdb.DuckDBPyConnection", relation: str) -> dict[str, str]:
    return {name: type_ for name, type_, *_ in con.execute(f"DESCRIBE {relation}").fetchall()}
