"""Which statement reads a text: see `statement`."""

from collections.abc import Sequence

from tollbook.ingest.closed_records import ClosedStatement
from tollbook.ingest.formats import Format
from tollbook.ingest.open_records import OpenStatement
from tollbook.ingest.shape import Shape
from tollbook.ingest.statement import Statement


def statement_of(
    format_: Format,
    others: Sequence[Format],
    *,
    rest: str | None = None,
    shape: Shape | None = None,
    trusting: bool = False,
) -> Statement:
    """Return the statement that judges texts as records of one format.

    Args:
        format_: The format to read them as.
        others: The formats to tell records by, in order; a record of another than `format_` is left for later.
            Empty: every record is taken for one of `format_`.
        rest: The format of records that are of none of the others; None: `format_`.
        shape: Read what the records of a sample have, and leave records that have more for later; None reads all.
        trusting: Take every text for sound JSON: faster, but DuckDB raises an error where one is not.
    """
    if format_.is_open:
        readable = shape if shape and shape.is_readable else None
        return OpenStatement(format_, others, rest or format_.name, shape=readable, trusting=trusting)
    return ClosedStatement(format_, tells=bool(others), trusting=trusting, shape=shape)
