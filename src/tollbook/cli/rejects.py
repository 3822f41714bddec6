"""The command `rejects`."""

from typing import Annotated

import typer

from tollbook.cli.options import Format, Limit, Output, Sort
from tollbook.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("rejects", epilog="Example: tollbook rejects --show-lines --limit 20")(rejects)


def rejects(
    context: typer.Context,
    *,
    show_lines: Annotated[
        bool, typer.Option("--show-lines", help="Show the lines too (they can hold prompts).")
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Count by reason and source instead.")] = False,
    format: Format = None,  # noqa: A002 - the name is the contract
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """List the refused lines: source, line, byte offset, reason."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.report.rejects import rejects_report, rejects_summary  # noqa: PLC0415

    if show_lines and summary:
        raise UsageError("--show-lines and --summary cannot both be given.")
    session = context.obj
    with session.reader() as con:
        if summary:
            report = rejects_summary(con, now=session.now)
        else:
            report = rejects_report(con, now=session.now, show_lines=show_lines)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
