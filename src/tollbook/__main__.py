"""The entry point: `tollbook` and `python -m tollbook`."""

import sys


def main() -> None:
    """Run the command line and exit with its code; `--version` answers before anything heavy is imported."""
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


if __name__ == "__main__":
    main()
