"""The command `export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tollbook.cli import options

What = Literal["requests", "events", "rejects", "chargeback"]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("export", epilog="Example: tollbook export chargeback --month 2026-10 --to october/")(export)


def export(
    context: typer.Context,
    what: Annotated[What, typer.Argument(metavar="WHAT", help="requests, events, rejects or chargeback.")],
    *,
    to: Annotated[Path, typer.Option("--to", readable=False, help="The folder to make.")],
    since: options.Since = None,
    until: options.Until = None,
    month: options.Month = None,
    day: options.Day = None,
    by: options.By = None,
    where: options.Where = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
) -> None:
    """Write CSV and Parquet side by side, with a manifest of rows, sums and checksums.

    The folder appears whole or not at all. Amounts are exact; in the CSV files, texts that a spreadsheet would
    run as a formula get a leading apostrophe.
    """
    from tollbook.cli.chargeback import DEFAULT_BY  # noqa: PLC0415 - start-up
    from tollbook.cli.emit import note  # noqa: PLC0415
    from tollbook.cli.scope import scope_of  # noqa: PLC0415
    from tollbook.errors import UsageError  # noqa: PLC0415
    from tollbook.export import export_report, export_table  # noqa: PLC0415
    from tollbook.report.chargeback import chargeback_report  # noqa: PLC0415

    session = context.obj
    if by and what != "chargeback":
        raise UsageError(f"--by groups a chargeback; {what} are exported one by one. Leave it out.")
    by = by or list(DEFAULT_BY if what == "chargeback" else ())
    scope = scope_of(session, since=since, until=until, month=month, day=day, by=by, where=where)
    with session.reader() as con:
        if what == "chargeback":
            report = chargeback_report(con, scope, now=session.now, currency=session.settings.config.currency)
            files = export_report(report, scope, to, overwrite=overwrite)
            for sentence in report.warnings:
                note(session, f"Warning: {sentence}")
        else:
            files = export_table(
                con,
                what,
                scope,
                to,
                now=session.now,
                dimensions=session.dimensions,
                currency=session.settings.config.currency,
                overwrite=overwrite,
            )
    note(session, f"Wrote {', '.join(file.name for file in files)} and manifest.json to {to}: {files[0].rows:,} rows.")
