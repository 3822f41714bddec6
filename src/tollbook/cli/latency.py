"""The command `latency`."""

from typing import Annotated

import typer

from tollbook.cli import options


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("latency", epilog="Example: tollbook latency --since 24h --by model --sort -p99_ms")(latency)


def latency(
    context: typer.Context,
    *,
    since: options.Since = None,
    until: options.Until = None,
    month: options.Month = None,
    day: options.Day = None,
    by: options.By = None,
    where: options.Where = None,
    everything: Annotated[bool, typer.Option("--all", help="Measure the requests that failed, too.")] = False,
    format: options.Format = None,  # noqa: A002 - named as the option
    output: options.Output = None,
    sort: options.Sort = None,
    limit: options.Limit = None,
) -> None:
    """How long requests take: p50, p90, p95, p99, max and mean in milliseconds.

    Percentiles are exact, over the requests that did not fail and whose latency the log states.
    """
    from tollbook.cli.emit import choose_format, emit  # noqa: PLC0415 - start-up
    from tollbook.cli.scope import scope_of  # noqa: PLC0415
    from tollbook.report.latency import latency_report  # noqa: PLC0415

    session = context.obj
    choose_format(format, output)
    scope = scope_of(session, since=since, until=until, month=month, day=day, by=by, where=where)
    with session.reader() as con:
        report = latency_report(con, scope, now=session.now, include_failures=everything)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)
