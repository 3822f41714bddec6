"""`python -m benchmarks`: measure tollbook beside plain DuckDB and print the facts as Markdown."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.agents import measure_agents
from benchmarks.formats import measure_formats
from benchmarks.ingest import measure_ingest
from benchmarks.measure import surroundings
from benchmarks.reports import measure_reports
from benchmarks.scale import measure_scale
from benchmarks.startup import measure_startup

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
PARTS = ("ingest", "formats", "agents", "reports", "startup", "scale")
USUAL = PARTS[:-1]  # what takes minutes, not the better part of an hour


def main() -> None:
    options = _parser().parse_args()
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
        text = _measure(options.work.resolve(), options)
    else:
        with tempfile.TemporaryDirectory(prefix="tollbook-bench-") as folder:
            text = _measure(Path(folder), options)
    print(text, end="")
    if options.write:
        before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        README.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
        sys.stderr.write(f"Wrote the tables into {README.name}.\n")


def _measure(work: Path, options: argparse.Namespace) -> str:
    quick, repetitions = options.quick, options.repetitions
    measure = {
        "ingest": lambda: measure_ingest(work, requests=50_000 if quick else 1_000_000, repetitions=repetitions),
        "formats": lambda: measure_formats(work, lines=2_000 if quick else 200_000, repetitions=repetitions),
        "agents": lambda: measure_agents(work, megabytes=5 if quick else 200, repetitions=repetitions),
        "reports": lambda: measure_reports(work, per_day=1_000 if quick else 50_000, repetitions=repetitions),
        "startup": lambda: measure_startup(work, repetitions=repetitions * 3),
        "scale": lambda: measure_scale(work, millions=2 if quick else 100),
    }
    sections = [measure[part]().markdown() for part in PARTS if part in options.part]
    return "\n".join([surroundings(), "", *sections])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work, not how fast is it")
    parser.add_argument(
        "--part", choices=PARTS, nargs="+", default=USUAL, help="measure only these (default: all but scale)"
    )
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="runs of each (default: %(default)s)")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keep stores here (6 GB while measuring; default: a temporary folder)"
    )
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    return parser


if __name__ == "__main__":
    main()
