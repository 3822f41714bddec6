"""The entry point: `tollbook` and `python -m tollbook`."""

import os
import sys


def main() -> None:
    """Run the command line and exit with its code; `--version` answers before anything heavy is imported."""
    _open_closed_streams()
    if sys.argv[1:] == ["--version"]:
        from tollbook import __version__  # noqa: PLC0415 - start-up

        sys.stdout.write(f"tollbook {__version__}\n")
        return
    try:
        from tollbook.cli.app import run  # noqa: PLC0415 - start-up

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # Ctrl-C before `run` was there to see it, or while it ended
        from tollbook.exits import Exit  # noqa: PLC0415

        code = Exit.INTERRUPTED
    sys.exit(code)


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
