"""The command `prune`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.confirm import Yes, confirm
from tollbook.cli.options import Format, Output

if TYPE_CHECKING:
    from tollbook.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("prune", epilog="Examples: tollbook prune --before 2026-01-01; tollbook prune --before 400d --yes")(
        prune
    )


def prune(
    context: typer.Context,
    *,
    before: Annotated[
        str, typer.Option("--before", help="What is older goes: an ISO date or time, or a span back from now (400d).")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and change nothing.")] = False,
    yes: Yes = False,
    format: Format = None,  # noqa: A002 - named as the option
    output: Output = None,
) -> None:
    """Delete requests and events that are older than a moment, and keep them from coming back.

    Whatever is older is from then on counted as a duplicate when it is read, from whichever file. Sources and runs
    go on counting what they read. Refused lines have no time and stay.
    """
    from tollbook.cli.emit import choose_format, emit, note  # noqa: PLC0415 - start-up
    from tollbook.errors import UsageError  # noqa: PLC0415
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.render.cells import in_zone  # noqa: PLC0415
    from tollbook.report.prune import prune_report  # noqa: PLC0415
    from tollbook.report.window import resolve  # noqa: PLC0415
    from tollbook.store.prune import prune as prune_store  # noqa: PLC0415

    session: Session = context.obj
    chosen = choose_format(format, output)
    moment = resolve(until=before, now=session.now, zone=session.zone).until
    assert moment is not None  # noqa: S101 - it was given
    if moment > session.now:
        raise UsageError(f"--before {before} is in the future: nothing would be left. Give a moment that is past.")
    if not (dry_run or yes):
        question = f"Delete everything before {in_zone(moment, session.zone)} ({session.zone}) from the store?"
        if not confirm(question):
            note(session, "Nothing was changed.")
            raise typer.Exit(Exit.FAILED)
    moment, pruned = prune_store(
        session.store_path, before=moment, now=session.now, dry=dry_run, lock_timeout_s=session.lock_timeout_s
    )
    if dry_run:
        note(session, "A dry run: nothing was deleted.")
    report = prune_report(pruned, before=moment, now=session.now, zone=session.zone)
    emit(session, report, format=chosen, output=output)
