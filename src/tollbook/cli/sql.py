"""The command `sql`."""

import sys
from typing import Annotated

import typer

from tollbook.cli.options import Format, Limit, Output, Sort


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "sql",
        epilog="Example: tollbook sql 'SELECT model, count(*) FROM requests GROUP BY model'. "
        "Relations: requests, events, rejects, duplicates, sources, batches, prices.",
    )(sql)


def sql(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement; - reads it from stdin.")],
    *,
    format: Format = None,  # noqa: A002 - the name is the contract
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """Run read-only SQL over the store (DuckDB's dialect); no file, no network, no change."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.report.sql import sql_report  # noqa: PLC0415

    session = context.obj
    text = sys.stdin.read() if statement == "-" else statement
    with session.reader() as con:
        report = sql_report(con, text, now=session.now)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
