"""The command `formats`: which logs tollbook reads, and how."""

from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.options import Format, Limit, Output, Sort

if TYPE_CHECKING:
    from tollbook.cli.session import Session
    from tollbook.ingest.judge import Formats


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("formats", epilog="Examples: tollbook formats; tollbook formats claude_code")(_formats)


def _formats(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show which keys this format reads.")] = None,
    *,
    output_format: Format = None,
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """List the log formats that are recognised by themselves, your own included; or show what one of them reads."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up
    from tollbook.report.formats import list_report, show_report  # noqa: PLC0415

    session: Session = context.obj
    formats = known_formats(session)
    known = (*formats.others, formats.native)
    report = show_report(known, name, session.now) if name else list_report(known, session.now)
    emit(session, report, format=output_format, output=output, sort=sort, limit=limit)


def known_formats(session: "Session") -> "Formats":
    """Return the formats to tell records by: the configuration's, then the built-in ones that it does not redefine."""
    from tollbook.ingest.formats import configured, native, shipped  # noqa: PLC0415 - start-up
    from tollbook.ingest.judge import Formats  # noqa: PLC0415

    own = configured(session.settings.config.formats)
    names = {format_.name for format_ in own}
    return Formats(native(), (*own, *(format_ for format_ in shipped() if format_.name not in names)))
