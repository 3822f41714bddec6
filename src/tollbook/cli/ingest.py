"""The command `ingest`."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.options import Format, LogFormat, Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tollbook.cli.session import Session
    from tollbook.ingest.commit import Run
    from tollbook.ingest.judge import Formats
    from tollbook.ingest.run import Watch

_SLOW_BYTES = 32 << 20  # from here on a person wants to see progress


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        "ingest",
        epilog="Examples: tollbook ingest /var/log/llm; tollbook ingest 'logs/*.gz'; cat app.log | tollbook ingest -",
    )(ingest)


def ingest(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, or - for stdin.")],
    *,
    log_format: LogFormat = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge, but change nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 when anything was rejected.")] = False,
    format: Format = None,  # noqa: A002 - named as the option
    output: Output = None,
) -> None:
    """Read log files into the store, each from where it was read up to.

    Every record read is a request, an event, a duplicate or rejected, and the sum is checked. Files that were
    read before, renamed, rotated or compressed add nothing. Exits with 1 when a source could not be read.
    """
    from tollbook.cli.emit import choose_format, emit, note  # noqa: PLC0415 - start-up
    from tollbook.errors import SourceError  # noqa: PLC0415
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.ingest.run import ingest as run_ingest  # noqa: PLC0415
    from tollbook.ingest.sources import find_sources  # noqa: PLC0415
    from tollbook.report.ingest import ingest_report  # noqa: PLC0415

    session: Session = context.obj
    chosen = choose_format(format, output)
    config = session.settings.config
    formats = choose_formats(session, log_format)
    sources, missing = find_sources(paths)
    if not sources:
        raise SourceError(" ".join(str(error) for error in missing))
    run = make_run(session, dry=dry_run)
    with _progress(session, sources) as watch:
        outcomes = run_ingest(sources, run, formats, assume_timezone=config.ingest.assume_timezone, watch=watch)
    warnings = [*(str(error) for error in missing), *(outcome.error for outcome in outcomes if outcome.error)]
    if dry_run:
        note(session, "A dry run: nothing was stored.")
    emit(
        session,
        # A table has the errors in its rows; here they go to stderr, once.
        ingest_report(outcomes, run.account, now=session.now, warnings=[] if chosen == "table" else warnings),
        format=chosen,
        output=output,
    )
    if warnings:
        for warning in warnings if chosen in {"table", "json"} else ():
            typer.echo(f"tollbook: {warning}", err=True)
        raise typer.Exit(Exit.FAILED)
    if strict and run.account.rejected:
        raise typer.Exit(Exit.REJECTED)


def make_run(session: "Session", *, dry: bool) -> "Run":
    """Return a run on the store of a session, with the prices and the clock."""
    from tollbook.ingest.commit import Run  # noqa: PLC0415 - start-up
    from tollbook.prices.resolve import Catalogue  # noqa: PLC0415

    config = session.settings.config
    return Run(
        store=session.store_path,
        lock_timeout_s=session.lock_timeout_s,
        started_at=session.now,
        catalogue=Catalogue.load(),
        aliases=config.models.aliases,
        keep_excerpts=config.ingest.keep_excerpts,
        dry=dry,
    )


def choose_formats(session: "Session", name: str) -> "Formats":
    """Return the formats to read by; `--log-format` names one, or `auto`.

    Raises:
        UsageError: There is no such format.
    """
    import difflib  # noqa: PLC0415 - start-up

    from tollbook.errors import UsageError  # noqa: PLC0415
    from tollbook.ingest.formats import NATIVE, configured, native  # noqa: PLC0415
    from tollbook.ingest.judge import Formats  # noqa: PLC0415

    others = tuple(configured(session.settings.config.formats))
    formats = Formats(native(), others)
    if name == "auto":
        return formats
    known = {NATIVE: formats.native, **{other.name: other for other in others}}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known are: auto, {', '.join(known)}."
        raise UsageError(f"There is no log format {name!r}. {hint}")
    return Formats(formats.native, others, forced=known[name])


@contextmanager
def _progress(session: "Session", sources: list[str]) -> "Iterator[Watch]":
    """Show people how far a long read is: a bar on a terminal, nothing elsewhere."""
    import sys  # noqa: PLC0415 - start-up

    total = sum(Path(source).stat().st_size for source in sources if Path(source).is_file())
    if session.verbosity < 0 or not sys.stderr.isatty() or total < _SLOW_BYTES:
        yield lambda consumed: None  # noqa: ARG005
        return
    from rich.console import Console  # noqa: PLC0415 - start-up
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda consumed: bar.advance(task, consumed)
