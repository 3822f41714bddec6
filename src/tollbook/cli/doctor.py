"""The command `doctor`."""

import typer

from tollbook.cli.options import Format, Output


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor", epilog="Example: tollbook doctor --format json")(doctor)


def doctor(context: typer.Context, *, format: Format = None, output: Output = None) -> None:  # noqa: A002 - the option
    """Check the store's invariants, and say what to do where one does not hold. Changes nothing.

    Exit: 0 the store is sound (warnings do not count), 1 a problem was found.
    """
    from tollbook.cli.emit import choose_format, emit  # noqa: PLC0415 - start-up
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.report.doctor import doctor_report  # noqa: PLC0415

    session = context.obj
    chosen = choose_format(format, output)
    with session.reader() as con:
        report = doctor_report(con, now=session.now)
    emit(session, report, format=chosen, output=output)
    if not report.details["healthy"]:
        raise typer.Exit(Exit.FAILED)
