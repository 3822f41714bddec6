"""The commands `rejects` and `rejects retry`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.group import Group
from tollbook.cli.options import Format, Limit, LogFormat, Output, Sort
from tollbook.errors import UsageError

if TYPE_CHECKING:
    from tollbook.cli.session import Session

_group = typer.Typer(cls=Group, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(_group, name="rejects")


@_group.callback(
    invoke_without_command=True,
    epilog="Examples: tollbook rejects --show-lines --limit 20; tollbook rejects --summary; tollbook rejects retry",
)
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
    if context.invoked_subcommand:
        return
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


@_group.command(epilog="Examples: tollbook rejects retry; tollbook rejects retry /var/log/llm/archive --dry-run")
def retry(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Where files are now that are not where they were read."),
    ] = None,
    *,
    log_format: LogFormat = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge, but change nothing.")] = False,
    format: Format = None,  # noqa: A002 - named as the option
    output: Output = None,
) -> None:
    """Read the refused lines again, after a new version, a new [formats.NAME] or a repaired line.

    What is understood now is stored; what is not stays refused, for the reason that holds now. Files are known by
    their content, also renamed or compressed. Exits with 1 when the file of a refused line is not at hand.
    """
    from tollbook.cli.emit import choose_format, emit, note  # noqa: PLC0415 - start-up
    from tollbook.cli.ingest import choose_formats, make_run  # noqa: PLC0415
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.ingest.retry import retry as retry_lines  # noqa: PLC0415
    from tollbook.report.ingest import retry_report  # noqa: PLC0415

    session: Session = context.obj
    chosen = choose_format(format, output)
    retried = retry_lines(
        paths or [],
        make_run(session, dry=dry_run),
        choose_formats(session, log_format),
        assume_timezone=session.settings.config.ingest.assume_timezone,
    )
    if dry_run:
        note(session, "A dry run: nothing was stored.")
    emit(session, retry_report(retried, now=session.now), format=chosen, output=output)
    if missing := [one.source for one in retried if one.error]:
        typer.echo(f"tollbook: Not at hand: {', '.join(missing)}. Say where: tollbook rejects retry PATH...", err=True)
        raise typer.Exit(Exit.FAILED)
