"""Where every report leaves the program: sorted, limited, in the chosen format, to stdout or whole into a file."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tollbook.errors import TollbookError, UsageError

if TYPE_CHECKING:
    from tollbook.cli.options import ReportFormat
    from tollbook.cli.session import Session
    from tollbook.report.model import Report, Value

_SUFFIXES: "Final[dict[str, ReportFormat]]" = {
    ".txt": "table",
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
    ".md": "markdown",
    ".markdown": "markdown",
}


def emit(
    session: "Session",
    report: "Report",
    *,
    format: "ReportFormat | None" = None,  # noqa: A002 - named as the option
    output: Path | None = None,
    sort: str | None = None,
    limit: int | None = None,
) -> None:
    """Print a report, or write it to a file.

    Args:
        session: Says whether to be quiet and whether to use colours.
        report: What to print; totals stay those of all rows, whatever the limit.
        format: The format; by default the one that the file's suffix names, else the table for people.
        output: A file that appears whole or not at all; None is stdout.
        sort: A column to sort by, `-column` for descending; what is missing comes last either way.
        limit: Only so many rows; how many were left out is said on stderr.

    Raises:
        UsageError: There is no such column, the suffix names no format, or Parquet was to go to stdout.
        TollbookError: The file cannot be written.
    """
    chosen = choose_format(format, output)
    if sort is not None:
        report = _sorted(report, sort)
    if limit is not None and limit < len(report.rows):
        more = len(report.rows) - limit
        note(session, f"{more:,} more row{' is' if more == 1 else 's are'} not shown; totals are those of all.")
        report = replace(report, rows=report.rows[:limit])
    if not report.rows:
        hint = " matches. See what the store covers with: tollbook status" if report.window else " to show."
        note(session, f"Nothing{hint}")
    if chosen in {"csv", "parquet", "markdown"}:
        for sentence in report.warnings:
            note(session, f"Warning: {sentence}")
    content = _render(session, report, chosen, output)
    if output is not None:
        write_whole(output, content)
    else:
        print_bytes(content)


def choose_format(format: "ReportFormat | None", output: Path | None) -> "ReportFormat":  # noqa: A002
    """Return the format asked for, or the one that the file's suffix names, or the table.

    Raises:
        UsageError: The suffix names no format, or Parquet was to go to stdout.
    """
    if format == "parquet" and output is None:
        raise UsageError("Parquet is not for reading on a terminal. Give it a file with --output FILE.parquet.")
    if format is not None:
        return format
    if output is None:
        return "table"
    try:
        return _SUFFIXES[output.suffix.lower()]
    except KeyError as error:
        known = ", ".join(_SUFFIXES)
        raise UsageError(
            f"The name {output.name} does not say a format. End it in {known}, or add --format."
        ) from error


def note(session: "Session", sentence: str) -> None:
    """Say something to people on stderr, unless they asked for quiet."""
    from tollbook.render.cells import visible  # noqa: PLC0415 - start-up

    if session.verbosity >= 0:
        sys.stderr.write(f"{visible(sentence)}\n")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it, so that nobody sees half of it.

    Raises:
        TollbookError: It cannot be written; the message says why.
    """
    special = path.exists() and not path.is_file()  # /dev/stdout, a named pipe: nothing to rename over
    part = path if special else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        if not special:
            part.replace(path)
    except OSError as error:
        if not special:
            part.unlink(missing_ok=True)
        raise TollbookError(f"{path} cannot be written: {error.strerror}. Choose another place.") from error


def _sorted(report: "Report", sort: str) -> "Report":
    descending = sort.startswith("-")
    name = sort.removeprefix("-")
    names = [column.name for column in report.columns]
    if name not in names:
        import difflib  # noqa: PLC0415 - start-up: needed for a mistake only

        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Columns are: {', '.join(names)}."
        raise UsageError(f"There is no column {name!r} to sort by. {hint}")
    position = names.index(name)
    known = [row for row in report.rows if _comparable(row[position]) is not None]
    unknown = [row for row in report.rows if _comparable(row[position]) is None]
    known.sort(key=lambda row: _comparable(row[position]), reverse=descending)  # type: ignore[arg-type, return-value]
    return replace(report, rows=(*known, *unknown))


def _comparable(value: "Value") -> "Value":
    """Return a cell as something that its column can be sorted by, None if it is missing."""
    if isinstance(value, list | dict):
        return str(value)
    return None if value != value else value  # noqa: PLR0124 - NaN is not itself, and has no place in an order


def _render(session: "Session", report: "Report", chosen: "ReportFormat", output: Path | None) -> bytes:
    # Each format is imported only where it is asked for: start-up.
    match chosen:
        case "json":
            from tollbook.render import json  # noqa: PLC0415

            text = json.render(report)
        case "csv":
            from tollbook.render import csv  # noqa: PLC0415

            text = csv.render(report)
        case "markdown":
            from tollbook.render import markdown  # noqa: PLC0415

            text = markdown.render(report)
        case "parquet":
            from tollbook.render import parquet  # noqa: PLC0415

            return parquet.render(report)
        case "table":
            from tollbook.render import table  # noqa: PLC0415

            terminal = output is None and sys.stdout.isatty()
            text = table.render(report, width=_width() if terminal else None, color=_color(session, terminal=terminal))
    return text.encode()


def _width() -> int:
    import shutil  # noqa: PLC0415 - start-up

    return shutil.get_terminal_size().columns


def _color(session: "Session", *, terminal: bool) -> bool:
    """Return whether to use colours: as asked, else on a terminal unless `NO_COLOR` is set (no-color.org)."""
    if session.color != "auto":
        return session.color == "always"
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_bytes(content: bytes) -> None:
    """Write to stdout as it is, UTF-8 whatever the locale says: files of one command are the same everywhere.

    A reader of a pipe that has seen enough (`| head`) changes nothing of what a command finds, or exits with.

    Raises:
        TollbookError: It cannot be written: the disk is full, say.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _forget_stdout()
    except OSError as error:
        _forget_stdout()
        raise TollbookError(f"The output cannot be written: {error.strerror}.") from error


def _forget_stdout() -> None:
    """Send what is left in the buffers nowhere; else the interpreter complains when it flushes them at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
