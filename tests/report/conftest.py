"""Reports over stores made of a few rows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tollbook.config.model import Config
from tollbook.report.relations import create_relations
from tollbook.store.connection import reader

if TYPE_CHECKING:
    import duckdb


@pytest.fixture
def open_with(store_with: Callable[..., Path]) -> "Iterator[Callable[..., duckdb.DuckDBPyConnection]]":
    """Make a store of the given requests and open it with the relations of reports."""
    with ExitStack() as stack:

        def open_(requests: Sequence[dict[str, object]], zone: str = "UTC") -> "duckdb.DuckDBPyConnection":
            con = stack.enter_context(reader(store_with(requests)))
            create_relations(con, Config(), zone)
            return con

        yield open_
