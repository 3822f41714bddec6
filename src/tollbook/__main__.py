"""The entry point: `tollbook` and `python -m tollbook`."""

import sys


def main() -> None:
    """Run the command line and exit with its code; `--version` answers before anything heavy is imported."""
    if sys.argv[1:] == ["--version"]:
        from tollbook import __version__  # noqa: PLC0415 - start-up

        sys.stdout.write(f"tollbook {__version__}\n")
        return
    from tollbook.cli.app import run  # noqa: PLC0415 - start-up

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
