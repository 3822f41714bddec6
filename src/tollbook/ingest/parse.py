"""Which statement reads a text: see `statement`."""

from collections.abc import Sequence

from tollbook.ingest.closed_records import ClosedStatement
from tollbook.ingest.formats import Format
from tollbook.ingest.open_records import OpenStatement, Shape


def parse_sql(
    format_: Format,
    others: Sequence[Format],
    relation: str,
    *,
    rest: str | None = None,
    shape: Shape | None = None,
    trusting: bool = False,
) -> str:
    """Return the SELECT that judges texts as records of one format.

    Args:
        format_: The format to read them as.
        others: The formats to tell records by, in order; a record of another than `format_` is left for later.
            Empty: every record is taken for one of `format_`.
        relation: Relation or query with the columns source_no, line, part, text and outer_time (TIMESTAMP: when a
            record was that does not say it, as what it was wrapped in says).
        rest: The format of records that are of none of the others; None: `format_`.
        shape: Read records of these keys only, and leave others for later; None reads all. Open formats only.
        trusting: Take every text for sound JSON: faster, but DuckDB raises an error where one is not.

    Returns:
        SQL whose rows are those of the table `staged`.
    """
    if format_.is_open:
        return OpenStatement(format_, others, rest or format_.name, shape=shape, trusting=trusting).sql(relation)
    return ClosedStatement(format_, tells=bool(others), trusting=trusting).sql(relation)
