"""The commands `alerts list` and `alerts check`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.checks import CheckFormat, ExitZero, NoData, choose_rules, finish
from tollbook.cli.group import Group
from tollbook.cli.options import By, Format, Limit, Output, Sort, Where

if TYPE_CHECKING:
    from tollbook.cli.session import Session

_group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
_Names = Annotated[list[str] | None, typer.Argument(metavar="[RULE]...", help="Alert rules; all when none is named.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(_group, name="alerts", help="Alerts: who needs to know now?")


@_group.command("list", epilog="Example: tollbook alerts list")
def list_alerts(
    context: typer.Context,
    format: Format = None,  # noqa: A002 - the option is --format
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """List the alert rules: the configuration's, or the default ones where it has none."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.config.defaults import alerts  # noqa: PLC0415
    from tollbook.report.alerts import alerts_list  # noqa: PLC0415

    session: Session = context.obj
    report = alerts_list(alerts(session.settings.config), now=session.now)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)


@_group.command(epilog="Example: tollbook --at 2026-10-17T14:30Z alerts check --format nagios")
def check(
    context: typer.Context,
    *,
    names: _Names = None,
    by: By = None,
    where: Where = None,
    format: CheckFormat = None,  # noqa: A002 - the option is --format
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
    no_data: NoData = "unknown",
    exit_zero: ExitZero = False,
) -> None:
    """Judge the alert rules at one moment: now, or --at.

    Exit: 0 nothing fires, 1 a warning does, 2 a critical one does, 3 no data, wrong usage or an error.
    """
    from tollbook.config.defaults import alerts  # noqa: PLC0415 - start-up
    from tollbook.exits import Check  # noqa: PLC0415
    from tollbook.render.alerts_text import nagios_line  # noqa: PLC0415
    from tollbook.report.alerts import alerts_report, check_alerts, outcome  # noqa: PLC0415
    from tollbook.report.scope import parse_where  # noqa: PLC0415

    session: Session = context.obj
    rules = choose_rules(session, alerts(session.settings.config), names, by, "alert rule")
    conditions = parse_where(where or (), session.dimensions)
    with session.reader() as con:
        evaluated, warnings = check_alerts(
            con, rules, session.dimensions, now=session.now, zone=session.zone, conditions=conditions
        )
    state = outcome(evaluated, no_data=Check[no_data.upper()])
    finish(
        session,
        alerts_report(evaluated, now=session.now, conditions=conditions, warnings=warnings),
        state,
        lambda: nagios_line(state, evaluated),
        format=format,
        output=output,
        sort=sort,
        limit=limit,
        exit_zero=exit_zero,
    )
