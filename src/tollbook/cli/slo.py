"""The commands `slo list`, `slo check`, `slo explain` and `slo validate`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.checks import CheckFormat, ExitZero, NoData, choose_rules, finish
from tollbook.cli.group import Group
from tollbook.cli.options import By, Format, Limit, Output, Sort, Where

if TYPE_CHECKING:
    from tollbook.cli.session import Session
    from tollbook.config.model import Slo

_group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
_Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Objectives; all when none is named.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(_group, name="slo", help="Service level objectives: did we keep our promises?")


@_group.command("list", epilog="Example: tollbook slo list")
def list_slos(
    context: typer.Context,
    format: Format = None,  # noqa: A002 - the option is --format
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """List the objectives: the configuration's, or the default ones where it has none."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.config.defaults import slos  # noqa: PLC0415
    from tollbook.report.slo import slo_list  # noqa: PLC0415

    session: Session = context.obj
    report = slo_list(slos(session.settings.config), now=session.now)
    emit(session, report, format=format, output=output, sort=sort, limit=limit)


@_group.command(epilog="Example: tollbook slo check --by team --format nagios")
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
    """Judge the objectives over their windows, up to now (--at for another moment).

    Exit: 0 all kept, 2 one missed, 3 no data, wrong usage or an error.
    """
    from tollbook.exits import Check  # noqa: PLC0415 - start-up
    from tollbook.render.slo_text import nagios_line  # noqa: PLC0415
    from tollbook.report.scope import parse_where  # noqa: PLC0415
    from tollbook.report.slo import check_slos, outcome, slo_report  # noqa: PLC0415

    session: Session = context.obj
    chosen = _choose(session, names, by)
    conditions = parse_where(where or (), session.dimensions)
    with session.reader() as con:
        judged, warnings = check_slos(
            con, chosen, session.dimensions, now=session.now, zone=session.zone, conditions=conditions
        )
    state = outcome(judged, no_data=Check[no_data.upper()])
    finish(
        session,
        slo_report(judged, now=session.now, conditions=conditions, warnings=warnings),
        state,
        lambda: nagios_line(state, judged),
        format=format,
        output=output,
        sort=sort,
        limit=limit,
        exit_zero=exit_zero,
    )


@_group.command(epilog='Example: tollbook slo explain "Success rate"')
def explain(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The objective.")],
    by: By = None,
    where: Where = None,
) -> None:
    """Show how an objective is judged: its window, counts and formula, and the SQL with its parameters."""
    from tollbook.cli.emit import print_bytes  # noqa: PLC0415 - start-up
    from tollbook.render.slo_text import explanation  # noqa: PLC0415
    from tollbook.report.scope import parse_where  # noqa: PLC0415
    from tollbook.report.slo import check_slos, plan  # noqa: PLC0415

    session: Session = context.obj
    chosen = _choose(session, [name], by)
    conditions = parse_where(where or (), session.dimensions)
    scan = plan(chosen, session.dimensions, now=session.now, zone=session.zone, conditions=conditions)[0]
    with session.reader() as con:
        judged, warnings = check_slos(
            con, chosen, session.dimensions, now=session.now, zone=session.zone, conditions=conditions
        )
    text = explanation(scan, judged, warnings, now=session.now, zone=session.zone)
    print_bytes(f"{text}\n".encode())


@_group.command(epilog="Example: tollbook slo validate")
def validate(context: typer.Context) -> None:
    """Check the objectives of the configuration without looking at data (exit 2 when one is wrong)."""
    from tollbook.config.defaults import slos  # noqa: PLC0415 - start-up

    session: Session = context.obj
    found = slos(session.settings.config)
    objectives = "objective" if len(found) == 1 else "objectives"
    typer.echo(f"OK: {len(found)} {objectives} in {session.settings.file or 'the defaults'}")


def _choose(session: "Session", names: list[str] | None, by: list[str] | None) -> list["Slo"]:
    from tollbook.config.defaults import slos  # noqa: PLC0415 - start-up

    return choose_rules(session, slos(session.settings.config), names, by, "objective")
