"""The command `usage`."""

import typer

from tollbook.cli import options


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("usage", epilog="Example: tollbook usage --month 2026-10 --by day --where team=noc")(usage)


def usage(
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
    """What was used: requests, errors, tokens by class, cost; over time and by dimension.

    Cached and written tokens are parts of the input tokens, reasoning tokens of the output tokens.
    """
    from tollbook.cli.emit import choose_format, emit  # noqa: PLC0415 - start-up
    from tollbook.cli.scope import scope_of  # noqa: PLC0415
    from tollbook.report.usage import usage_report  # noqa: PLC0415

    session = context.obj
    choose_format(format, output)
    scope = scope_of(session, since=since, until=until, month=month, day=day, by=by, where=where)
    with session.reader() as con:
        report = usage_report(con, scope, now=session.now, currency=session.settings.config.currency)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
