"""The commands `config init`, `config show` and `config validate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tollbook.cli.group import Group
from tollbook.cli.options import Format, Limit, Output, Sort
from tollbook.errors import TollbookError

if TYPE_CHECKING:
    from tollbook.cli.session import Session
    from tollbook.report.model import Report

_group = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(_group, name="config", help="The configuration: make one, show what is in force, check it.")


@_group.command(epilog="Example: tollbook config init")
def init(context: typer.Context) -> None:
    """Write a commented tollbook.toml into the current folder; never over another file."""
    from tollbook.config import load  # noqa: PLC0415 - start-up

    session: Session = context.obj
    target = session.config_file or Path(load.FILE_NAME)
    template = Path(load.__file__).with_name("template.toml").read_text(encoding="utf-8")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError as error:
        raise TollbookError(f"{target} is there already and stays as it is. Move it away first.") from error
    except OSError as error:
        raise TollbookError(f"{target} cannot be written: {error.strerror}.") from error
    typer.echo(f"Wrote {target}.", err=True)


@_group.command(epilog="Example: tollbook config show --format json")
def show(
    context: typer.Context,
    format: Format = None,  # noqa: A002 - the option is --format
    output: Output = None,
    sort: Sort = None,
    limit: Limit = None,
) -> None:
    """Show every value that is in force, and which file, variable or option it came from."""
    from tollbook.cli.emit import emit  # noqa: PLC0415 - start-up

    session: Session = context.obj
    emit(session, _settings_report(session), format=format, output=output, sort=sort, limit=limit)


@_group.command(epilog="Example: tollbook --config tollbook.toml config validate")
def validate(context: typer.Context) -> None:
    """Check the configuration: one line when it is good, else which key is wrong and what is allowed (exit 2)."""
    from tollbook.cli.emit import note  # noqa: PLC0415 - start-up
    from tollbook.prices.explain import doubts_about_aliases  # noqa: PLC0415
    from tollbook.prices.resolve import Catalogue  # noqa: PLC0415

    session: Session = context.obj
    settings = session.settings
    for sentence in doubts_about_aliases(Catalogue.load(), settings.config.models.aliases):
        note(session, f"Warning: {sentence}")
    typer.echo(f"OK: {settings.file}" if settings.file else "OK: there is no configuration file; the defaults hold.")


def _settings_report(session: "Session") -> "Report":
    from tollbook.config.keys import flatten  # noqa: PLC0415 - start-up
    from tollbook.report.model import Column, Kind, Report  # noqa: PLC0415

    settings = session.settings
    options = {"store": ("--store", session.store_file), "timezone": ("--tz", session.timezone)}
    rows = []
    for key, value in flatten(settings.config):
        option, given = options.get(key, ("", None))
        shown = session.store_file or settings.store_path if key == "store" else given or value
        if shown is not None:  # keys that mean nothing unless they are given
            rows.append((key, _as_text(shown), option if given else settings.origins[key]))
    return Report(
        name="config-show",
        title=f"Configuration: {settings.file or 'no file, the defaults hold'}",
        columns=(Column("key", Kind.TEXT), Column("value", Kind.TEXT, missing=""), Column("origin", Kind.TEXT)),
        rows=tuple(rows),
        generated_at=session.now,
        details={"file": str(settings.file) if settings.file else None},
    )


def _as_text(value: Any) -> str:
    """Return a value about as it would be written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {part}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
