"""The command `chargeback`."""

import typer

from tollbook.cli import options

DEFAULT_BY = ("team", "project")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("chargeback", epilog="Example: tollbook chargeback --month 2026-10 --by team --output october.csv")(
        chargeback
    )


def chargeback(
    context: typer.Context,
    *,
    since: options.Since = None,
    until: options.Until = None,
    month: options.Month = None,
    day: options.Day = None,
    by: options.By = None,
    where: options.Where = None,
    format: options.Format = None,  # noqa: A002 - named as the option
    output: options.Output = None,
    sort: options.Sort = None,
    limit: options.Limit = None,
) -> None:
    """Who spent what: cost by team and project (or --by), shares, amounts in cents that add up to the total's.

    What is not attributed or not priced is shown, never left out; with anything unpriced the total is "at least".
    """
    from tollbook.cli.emit import choose_format, emit  # noqa: PLC0415 - start-up
    from tollbook.cli.scope import scope_of  # noqa: PLC0415
    from tollbook.report.chargeback import chargeback_report  # noqa: PLC0415

    session = context.obj
    choose_format(format, output)
    scope = scope_of(session, since=since, until=until, month=month, day=day, by=by or DEFAULT_BY, where=where)
    with session.reader() as con:
        report = chargeback_report(con, scope, now=session.now, currency=session.settings.config.currency)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
