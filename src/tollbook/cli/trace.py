"""The command `trace`."""

from typing import Annotated

import typer

from tollbook.cli.options import Format, Limit, Output, Sort


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("trace", epilog="Example: tollbook trace req_7d776d2c3bd70e185383 --details")(trace)


def trace(
    context: typer.Context,
    identifier: Annotated[str, typer.Argument(metavar="ID", help="A trace, request, span or session id.")],
    *,
    details: Annotated[
        bool, typer.Option("--details", help="Show the time, every id and the attributes of each record, too.")
    ] = False,
    format: Format = None,  # noqa: A002 - the name is the contract
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """Show the life of one request: its calls and events in order, with timings, outcome and cost."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.report.trace import trace_report  # noqa: PLC0415

    session = context.obj
    with session.reader() as con:
        report = trace_report(
            con,
            identifier,
            now=session.now,
            zone=session.zone,
            currency=session.settings.config.currency,
            details=details,
        )
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
