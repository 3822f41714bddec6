"""The command `ingest`."""

import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.cli.options import Format, LogFormat, Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tollbook.cli.session import Session
    from tollbook.ingest.account import Account
    from tollbook.ingest.batches import Outcome
    from tollbook.ingest.commit import Run
    from tollbook.ingest.follow import Rounds
    from tollbook.ingest.judge import Formats
    from tollbook.ingest.listing import Listing

_EXAMPLES = """Examples: tollbook ingest /var/log/llm; tollbook ingest --pattern '*.log*' /var/log/app;
tollbook ingest 'logs/**/*.gz'; cat app.log | tollbook ingest -; tollbook ingest s3://bucket/logs;
tollbook ingest --follow /var/log/llm."""
_MOST_NAMES = 3


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("ingest", epilog=_EXAMPLES)(ingest)


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, globs, s3://BUCKET/KEY, or - for stdin."),
    ],
    *,
    pattern: Annotated[
        list[str] | None,
        typer.Option("--pattern", help="Which names to read in folders, e.g. '*.log*'; repeatable."),
    ] = None,
    log_format: LogFormat = "auto",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep up with what is written, until SIGTERM or Ctrl-C.")
    ] = False,
    every: Annotated[str, typer.Option("--every", help="How often --follow looks for more, e.g. 500ms or 5s.")] = "2s",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and judge, but change nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 when anything was rejected.")] = False,
    format: Format = None,  # noqa: A002 - named as the option
    output: Output = None,
) -> None:
    """Read logs into the store, each from where it was read up to.

    Every record read is a request, an event, a duplicate or rejected, and the sum is checked. Files that were
    read before, renamed, rotated or compressed add nothing. Folders are read with all below them, but for hidden
    files and what is not named as logs are. Exits with 1 when a source could not be read.
    """
    from tollbook.cli.emit import choose_format, emit, note  # noqa: PLC0415 - start-up
    from tollbook.errors import SourceError, UsageError  # noqa: PLC0415
    from tollbook.exits import Exit  # noqa: PLC0415
    from tollbook.report.ingest import ingest_report  # noqa: PLC0415

    session: Session = context.obj
    chosen = choose_format(format, output)
    every_s = _every_s(every)
    if not all([*paths, *(pattern or ())]):
        raise UsageError("A path or pattern is empty, as of a variable that is not set. Say what to read.")
    _check_follow(paths, follow=follow, dry_run=dry_run)
    formats = choose_formats(session, log_format)
    run = make_run(session, dry=dry_run)
    stopped_by = None
    if follow:
        rounds, stopped_by = _follow(session, run, formats, paths, pattern or (), every_s=every_s)
    else:
        rounds = _read(session, run, formats, paths, pattern or ())
        if not rounds.outcomes:
            raise SourceError(" ".join(rounds.missing))
    if dry_run:
        note(session, "A dry run: nothing was stored.")
    errors = rounds.errors
    emit(
        session,
        # A table has the errors in its rows; here they go to stderr, once.
        ingest_report(
            list(rounds.outcomes.values()),
            run.account,
            now=session.clock(),
            warnings=[] if chosen == "table" else errors,
        ),
        format=chosen,
        output=output,
    )
    if stopped_by == signal.SIGINT:
        raise typer.Exit(Exit.INTERRUPTED)
    if errors:
        for error in errors if chosen in {"table", "json"} else ():
            typer.echo(f"tollbook: {error}", err=True)
        raise typer.Exit(Exit.FAILED)
    if strict and run.account.rejected:
        raise typer.Exit(Exit.REJECTED)


def _read(session: "Session", run: "Run", formats: "Formats", paths: list[str], patterns: "Sequence[str]") -> "Rounds":
    """Read everything once, and show how far it is."""
    from tollbook.cli.progress import progress  # noqa: PLC0415 - start-up
    from tollbook.ingest.follow import read_once  # noqa: PLC0415
    from tollbook.ingest.listing import find_sources  # noqa: PLC0415
    from tollbook.ingest.run import ingest as run_ingest  # noqa: PLC0415

    zone = session.settings.config.ingest.assume_timezone
    listings: list[Listing] = []

    def find() -> "Listing":
        listings.append(find_sources(paths, patterns))
        return listings[-1]

    def read(names: "Sequence[str]") -> "list[Outcome]":
        sizes = [source.size for source in listings[-1].sources if source.name in set(names)]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        if not names:
            return []
        with progress(session, total) as watch:
            return run_ingest(names, run, formats, assume_timezone=zone, watch=watch)

    rounds = read_once(find, read)
    if not patterns:
        _say_left_out(session, listings[-1])
    return rounds


def _follow(
    session: "Session", run: "Run", formats: "Formats", paths: list[str], patterns: "Sequence[str]", *, every_s: float
) -> "tuple[Rounds, int | None]":
    """Read until told to stop, or to the end of a pipe; return what was read, and the signal that told."""
    from tollbook.cli.emit import note  # noqa: PLC0415 - start-up
    from tollbook.cli.stop import stop_on_signals  # noqa: PLC0415
    from tollbook.errors import StoreLockedError  # noqa: PLC0415
    from tollbook.ingest.follow import Rounds  # noqa: PLC0415
    from tollbook.ingest.follow import follow as follow_sources  # noqa: PLC0415
    from tollbook.ingest.listing import find_sources  # noqa: PLC0415
    from tollbook.ingest.run import ingest as run_ingest  # noqa: PLC0415
    from tollbook.ingest.sources import is_pipe  # noqa: PLC0415
    from tollbook.ingest.stream import Live  # noqa: PLC0415

    zone = session.settings.config.ingest.assume_timezone

    def say_committed(account: "Account", sources: int) -> None:
        if account.read:
            note(session, _commit_line(session, account, sources))

    with stop_on_signals() as stop:

        def waits(error: StoreLockedError) -> bool:
            if not stop():
                note(session, f"Waiting: {error}")
            return not stop()

        def read(names: "Sequence[str]") -> "list[Outcome]":
            return run_ingest(names, run, formats, assume_timezone=zone, live=Live(every_s, stop))

        def wait() -> bool:
            stop.wait(every_s)
            return not stop()

        run.clock, run.committed, run.waits = session.clock, say_committed, waits
        if not patterns:
            _say_left_out(session, find_sources(paths))
        if any(map(is_pipe, paths)):
            rounds = Rounds({outcome.source: outcome for outcome in read(paths)})
        else:
            rounds = follow_sources(
                lambda: find_sources(paths, patterns), read, wait=wait, say=lambda error: note(session, error)
            )
        return rounds, stop.signal


def _commit_line(session: "Session", account: "Account", sources: int) -> str:
    return (
        f"{session.clock():%Y-%m-%dT%H:%M:%SZ} read {account.read:,} = {account.requests:,} requests"
        f" + {account.events:,} events + {account.duplicates:,} duplicates + {account.rejected:,} rejected"
        f", from {sources:,} source{'s' if sources > 1 else ''}"
    )


def _say_left_out(session: "Session", listing: "Listing") -> None:
    from tollbook.cli.emit import note  # noqa: PLC0415 - start-up

    if count := len(listing.left_out):
        names = ", ".join(Path(name).name for name in listing.left_out[:_MOST_NAMES])
        more = f" and {count - _MOST_NAMES:,} more" if count > _MOST_NAMES else ""
        files = "1 file was" if count == 1 else f"{count:,} files were"
        note(session, f"{files} left out by name: {names}{more}. Choose which to read with --pattern.")


def _every_s(text: str) -> float:
    from tollbook.errors import UsageError  # noqa: PLC0415 - start-up
    from tollbook.report.window import parse_duration  # noqa: PLC0415

    seconds = parse_duration(text) / timedelta(seconds=1)
    if seconds <= 0:
        raise UsageError("--every must be longer than nothing, e.g. 2s.")
    return seconds


def _check_follow(paths: list[str], *, follow: bool, dry_run: bool) -> None:
    from tollbook.errors import UsageError  # noqa: PLC0415 - start-up
    from tollbook.ingest.sources import is_pipe  # noqa: PLC0415

    if follow and dry_run:
        raise UsageError("--follow and --dry-run cannot both be given.")
    if follow and len(paths) > 1 and (pipe := next(filter(is_pipe, paths), None)):
        raise UsageError(
            f"--follow reads {pipe} to its end, so nothing beside it. Follow the others in a run of its own."
        )


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
    from dataclasses import replace  # noqa: PLC0415 - start-up

    from tollbook.cli.formats import known_formats  # noqa: PLC0415 - start-up
    from tollbook.report.formats import named  # noqa: PLC0415

    formats = known_formats(session)
    return formats if name == "auto" else replace(formats, forced=named((formats.native, *formats.others), name))
