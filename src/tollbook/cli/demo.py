"""The command `demo`."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tollbook.errors import TollbookError, UsageError
from tollbook.exits import Check, Exit

if TYPE_CHECKING:
    from tollbook.cli.session import Session

_WHEEL = Path(__file__).parents[1] / "sample_logs"
_CHECKOUT = Path(__file__).parents[3] / "sample_logs"

# What is said, and what a user would type. The sample logs tell of October 2026; `sample_logs/README.md` says what
# is hidden in them.
_STEPS = (
    ("Read a month of logs: rotated, compressed, copied, damaged in places.", "ingest sample_logs"),
    ("How fast was each model?", "latency --month 2026-10 --by model"),
    ("Who spent what?", "chargeback --month 2026-10 --by team,project"),
    ("Did we keep our promise? (at the end of the month)", "--at 2026-11-01 slo check"),
    ("Who needs to know? On the 14th, in the middle of an outage:", "--at 2026-10-14T14:30 alerts check"),
    ("And on the 23rd, with an agent that ran away:", "--at 2026-10-23T03:00 alerts check"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("demo", epilog="Example: tollbook demo --keep /tmp/tollbook-demo")(demo)


def demo(
    context: typer.Context,
    *,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", readable=False, help="Keep the store there, to look around in it."),
    ] = None,
) -> None:
    """Show the main jobs on bundled sample logs, in a throw-away store; nothing to prepare."""
    with _folder(keep) as folder:
        store, configuration = folder / "tollbook.duckdb", folder / "tollbook.toml"
        if store.exists() or configuration.exists():
            raise UsageError(f"{folder} holds a store or a configuration already. Choose another folder.")
        configuration.write_text('store = "tollbook.duckdb"\n', encoding="utf-8")
        always = ["--config", str(configuration), "--store", str(store), *_passed_on(context.obj)]
        with contextlib.chdir(_sample_logs().parent):
            for sentence, command in _STEPS:
                _step(sentence, command, always)
    if keep:
        import shlex  # noqa: PLC0415 - start-up

        _say(f"The store is kept. Look around: cd {shlex.quote(str(keep))}; tollbook status; tollbook --help")


def _step(sentence: str, command: str, always: list[str]) -> None:
    """Print a command and run it as if it had been typed.

    Raises:
        TollbookError: It failed; a check that finds something wrong does not.
    """
    from tollbook.cli.app import run  # noqa: PLC0415 - it imports this module

    _say(f"# {sentence}\n$ tollbook {command}")
    code = run([*always, *command.split()])
    if command.endswith("check") and code != Check.UNKNOWN:
        _say(f"(exit code {code}: {Check(code).name})\n")
    elif code == Exit.OK:
        _say("")
    else:
        raise TollbookError("The demo stops here, because this command failed.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        import tempfile  # noqa: PLC0415 - start-up

        with tempfile.TemporaryDirectory(prefix="tollbook-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {keep} cannot be made: {error.strerror}.") from error
    yield keep.resolve()


def _sample_logs() -> Path:
    folder = _WHEEL if _WHEEL.is_dir() else _CHECKOUT
    if not folder.is_dir():
        raise TollbookError("The sample logs are missing from this installation. Install tollbook again.")
    return folder


def _passed_on(session: "Session") -> list[str]:
    options = ["--color", session.color]
    if session.verbosity > 0:
        options.append("--verbose")
    return options
