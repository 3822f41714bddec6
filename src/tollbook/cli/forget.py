"""The command `forget`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.confirm import Yes, confirm
from tollbook.cli.options import Format, LogFormat, Output

if TYPE_CHECKING:
    from tollbook.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "forget", epilog="Examples: tollbook forget /var/log/llm/test.jsonl --dry-run; tollbook forget 7 --yes"
    )(forget)


def forget(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Its path, or its source_id in `sources`.")],
    *,
    look_in: Annotated[
        list[str] | None,
        typer.Option("--look-in", metavar="PATH", help="Where files are now that share records with it; repeatable."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Lose records shared with files that are not at hand.")
    ] = False,
    log_format: LogFormat = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: Yes = False,
    format: Format = None,  # noqa: A002 - named as the option
    output: Output = None,
) -> None:
    """Take a source out of the store, as if it had never been read.

    Records that other sources hold too are kept, under those; where that takes their files, they are read again.
    """
    from tollbook.cli.emit import choose_format, emit, note  # noqa: PLC0415 - start-up
    from tollbook.cli.ingest import choose_formats, make_run  # noqa: PLC0415
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.ingest.forget import find_source  # noqa: PLC0415
    from tollbook.ingest.forget import forget as forget_source  # noqa: PLC0415
    from tollbook.report.ingest import forget_report  # noqa: PLC0415

    session: Session = context.obj
    chosen = choose_format(format, output)
    if not (dry_run or yes):
        with session.reader() as con:
            _, name = find_source(con, source)
        if not confirm(f"Take everything that was read from {name} out of the store?"):
            note(session, "Nothing was changed.")
            raise typer.Exit(Exit.FAILED)
    forgotten = forget_source(
        source,
        look_in or [],
        make_run(session, dry=dry_run),
        choose_formats(session, log_format),
        assume_timezone=session.settings.config.ingest.assume_timezone,
        force=force,
    )
    if dry_run:
        note(session, "A dry run: nothing was forgotten.")
    if forgotten.lost:
        note(session, f"Warning: {forgotten.lost:,} records are lost that files that are not at hand hold too.")
    emit(session, forget_report(forgotten, now=session.now), format=chosen, output=output)
