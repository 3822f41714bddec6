"""`python -m tollbook.sample`: write the bundled sample, or a volume of lines for measurements."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tollbook.sample.bundle import SEED, write_bundle
from tollbook.sample.volume import Volume, write_volume


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    if options.command == "bundle":
        account = write_bundle(options.folder, options.seed)
        done = f"{account.totals['requests']:,} requests and {account.totals['events']:,} events"
        sys.stderr.write(f"Wrote {done} into {options.folder}.\n")
    else:
        volume = Volume(
            requests=options.requests,
            per_day=options.per_day,
            start=options.start,
            seed=options.seed,
            skip_days=options.skip_days,
            ids=not options.no_ids,
            bad_every=options.bad_every,
        )
        sys.stderr.write(f"Wrote {write_volume(options.file, volume):,} lines to {options.file}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tollbook.sample", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    bundle = commands.add_parser("bundle", help="a month of logs, 2026-10, with what happens to logs")
    bundle.add_argument("folder", type=Path, help="where to write them, e.g. sample_logs")
    bundle.add_argument(
        "--seed", type=int, default=SEED, help="the same seed gives the same lines (default: %(default)s)"
    )

    write = commands.add_parser("write", help="plain native request lines of about 300 bytes")
    write.add_argument("file", type=Path, help="where to write them; .gz and .zst are compressed")
    write.add_argument("--requests", type=_positive, required=True, metavar="N", help="how many")
    write.add_argument("--per-day", type=_positive, default=50_000, metavar="N", help="a day (default: %(default)s)")
    write.add_argument(
        "--start", type=date.fromisoformat, default=date(2026, 1, 1), help="first day (default: %(default)s)"
    )
    write.add_argument("--skip-days", type=int, default=0, metavar="N", help="leave out the first N days")
    write.add_argument("--seed", type=int, default=1, help="the same seed gives the same lines (default: %(default)s)")
    write.add_argument("--no-ids", action="store_true", help="leave request ids out")
    write.add_argument("--bad-every", type=int, default=0, metavar="N", help="add a damaged line after every N")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    main()
