"""The entry point: `tollbook` and `python -m tollbook`."""

import gc
import os
import sys
from contextlib import suppress

_OBJECTS_A_COLLECTION = 100_000


def main() -> None:
    """Run the command line and end the process with its exit code.

    The process ends as it is: to take Python down in order would take a tenth of a small command, and change nothing.
    """
    gc.set_threshold(_OBJECTS_A_COLLECTION)  # imports make many objects, and no garbage
    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # Python has its way to say that
    os._exit(code)


def run() -> int:
    """Run the command line and return its exit code; `--version` answers before anything heavy is imported."""
    _open_closed_streams()
    if sys.argv[1:] == ["--version"]:
        from tollbook import __version__  # noqa: PLC0415 - start-up

        with suppress(OSError):  # who cannot write that is told so in the usual way
            sys.stdout.write(f"tollbook {__version__}\n")
            sys.stdout.flush()
            return 0
    try:
        from tollbook.cli import app  # noqa: PLC0415 - start-up

        return app.run(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl-C before `app.run` was there to see it, or while it ended
        from tollbook.exits import Exit  # noqa: PLC0415

        return Exit.INTERRUPTED


def _open_closed_streams() -> None:
    """Put nothing in the place of standard streams that are closed, before the store gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


if __name__ == "__main__":
    main()
