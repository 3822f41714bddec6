"""The application: global options, the commands, and the one place where an error becomes a sentence and a code."""

import itertools
import math
import re
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from tollbook import __version__
from tollbook.cli import (
    alerts,
    chargeback,
    config,
    demo,
    doctor,
    export,
    forget,
    formats,
    ingest,
    latency,
    prices,
    prune,
    rejects,
    slo,
    sql,
    status,
    trace,
    usage,
)
from tollbook.cli.group import Group
from tollbook.cli.session import Session
from tollbook.errors import TollbookError, UsageError
from tollbook.exits import Check, Exit

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(
    name="tollbook",
    cls=Group,
    help="The ledger for LLM traffic: who spent what, was it fast enough, did we keep our promise, who needs to know.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (
    demo, ingest, formats, status, rejects, latency, usage, chargeback, trace, slo, alerts, prices, export, sql,
    prune, doctor, forget, config,
):  # fmt: skip
    module.register(app)

# Click's UsageError, which Typer vendors without a public name.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
_NOT_TEXT = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no text
_CHECKS = {("slo", "check"), ("alerts", "check"), ("budget", "check")}


def _print_version(asked: bool) -> None:
    """Print the version; `__main__` answers where it is asked for alone, sooner."""
    if asked:
        typer.echo(f"tollbook {__version__}")
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    *,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", readable=False, help="Configuration file (else TOLLBOOK_CONFIG, else tollbook.toml)."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", readable=False, help="The store (else TOLLBOOK_STORE).")
    ] = None,
    tz: Annotated[str | None, typer.Option("--tz", help="Zone of days and months, e.g. Europe/Berlin.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="The moment that is now: an ISO date or date-time.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on stderr but errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more, and show tracebacks.")] = False,
    color: Annotated[
        Literal["auto", "always", "never"], typer.Option("--color", help="Colours; NO_COLOR is honoured too.")
    ] = "auto",
    lock_timeout: Annotated[
        float, typer.Option("--lock-timeout", min=0, help="Seconds to wait for a store that is in use.")
    ] = 30.0,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    if quiet and verbose:
        raise UsageError("--quiet and --verbose cannot both be given.")
    if not math.isfinite(lock_timeout):
        raise UsageError("--lock-timeout must be a number of seconds, e.g. 30: nobody waits for ever.")
    session = Session(
        config_file=config_file,
        store_file=store,
        timezone=_checked_zone(tz),
        verbosity=verbose - quiet,
        color=color,
        lock_timeout_s=lock_timeout,
    )
    if at is not None:
        session.now, session.is_replay = _moment(at, session), True
    context.obj = session


def run(arguments: list[str]) -> int:  # noqa: PLR0911 - one for each way to end
    """Run a command line; return its exit code. Errors become one sentence on stderr."""
    words = [word for word in arguments if not word.startswith("-")]
    is_check = any(pair in _CHECKS for pair in itertools.combinations(words, 2))
    failed, misused = (Check.UNKNOWN, Check.UNKNOWN) if is_check else (Exit.FAILED, Exit.USAGE)
    for_monitoring = is_check and not {"nagios", "--format=nagios"}.isdisjoint(arguments)
    complain = _complain_to_monitoring if for_monitoring else _complain
    try:
        return int(app(args=arguments, standalone_mode=False, prog_name="tollbook") or 0)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except _UsageError as error:
        _explain_misuse(error, complain)
        return misused
    except (KeyboardInterrupt, typer.Abort):
        return Exit.INTERRUPTED
    except SystemExit:  # how typer ends when nobody reads its help; reports see to that themselves
        return Exit.OK
    except TollbookError as error:
        _maybe_raise(arguments)
        complain(str(error))
        return misused if isinstance(error, UsageError) else failed
    except OSError as error:
        _maybe_raise(arguments)
        complain(f"{error.filename or 'A file'} cannot be read or written: {error.strerror or error}.")
        return failed
    except Exception as error:  # noqa: BLE001 - the last resort: what nobody foresaw is still one sentence
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C while it works, a RuntimeError
            return Exit.INTERRUPTED
        if odd := [argument for argument in arguments if _NOT_TEXT.search(argument)]:
            complain(f"{odd[0]!r} is not text in UTF-8. Write it in UTF-8.")
            return misused
        _maybe_raise(arguments)
        complain(f"Something unforeseen happened ({type(error).__name__}). Run again with --verbose to see where.")
        return failed


def _maybe_raise(arguments: list[str]) -> None:
    if "--verbose" in arguments or "-v" in arguments:
        import traceback  # noqa: PLC0415 - start-up

        traceback.print_exc()


def _explain_misuse(error: Any, complain: "Callable[..., None]") -> None:
    """Say what is wrong with a command line; of one that only begins, how it goes on."""
    usage = error.format_message()
    message = " ".join(usage.split())
    everywhere = {name for option in typer.main.get_command(app).params for name in option.opts}
    if message.startswith("Usage:"):
        sys.stderr.write(usage + "\n")
    elif (option := getattr(error, "option_name", None)) in everywhere:
        command = error.ctx.command_path.partition(" ")[2]
        complain(f"{option} goes before the command: tollbook {option} ... {command}.")
    else:
        path = error.ctx.command_path if error.ctx else "tollbook"
        complain(message if message.endswith(("?", ".")) else f"{message}.", f"See: {path} --help")


def _complain(sentence: str, *more: str) -> None:
    from tollbook.render.cells import visible  # noqa: PLC0415 - start-up

    sys.stderr.write(visible(" ".join([f"tollbook: {sentence}", *more])) + "\n")


def _complain_to_monitoring(sentence: str, *more: str) -> None:
    """Say it on stdout too, as the line of `--format nagios`: monitoring shows nothing else."""
    from tollbook.cli.emit import print_bytes  # noqa: PLC0415 - start-up
    from tollbook.render.nagios import render  # noqa: PLC0415

    _complain(sentence, *more)
    with suppress(TollbookError):  # what went wrong can be stdout itself
        print_bytes(f"{render(Check.UNKNOWN, sentence)}\n".encode())


def _checked_zone(name: str | None) -> str | None:
    if name is None:
        return None
    from tollbook.report.window import check_zone  # noqa: PLC0415 - start-up

    return check_zone(name)


def _moment(text: str, session: Session) -> datetime:
    from tollbook.report.window import parse_moment  # noqa: PLC0415 - start-up

    return parse_moment(text, session.zone)
