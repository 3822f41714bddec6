"""What the checks share: their options, and how they end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from tollbook.exits import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tollbook.cli.options import ReportFormat
    from tollbook.cli.session import Session
    from tollbook.config.model import Alert, Slo
    from tollbook.report.model import Report

Rule = TypeVar("Rule", "Alert", "Slo")
CheckFormat = Annotated[
    Literal["table", "json", "csv", "parquet", "markdown", "nagios"] | None,
    typer.Option("--format", help="Output format; nagios is one line with performance data.", show_default=False),
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit 0 whatever the check finds.")]
NoData = Annotated[
    Literal["ok", "unknown", "critical"],
    typer.Option("--no-data", help="What it comes to that something had no data to be judged by."),
]


def finish(
    session: "Session",
    report: "Report",
    state: Check,
    line: "Callable[[], str]",
    *,
    format: "ReportFormat | Literal['nagios'] | None",  # noqa: A002 - the option is --format
    output: Path | None,
    sort: str | None,
    limit: int | None,
    exit_zero: bool,
) -> None:
    """Print a check and exit with its state.

    Args:
        session: The run.
        report: What the check found.
        state: What that comes to.
        line: Makes the line of `--format nagios`.
        format: `--format`.
        output: `--output`.
        sort: `--sort`.
        limit: `--limit`.
        exit_zero: `--exit-zero`.

    Raises:
        typer.Exit: Always, with the exit code.
    """
    from tollbook.cli.emit import emit, print_bytes, write_whole  # noqa: PLC0415 - start-up

    if format == "nagios":
        if output is None:
            print_bytes(f"{line()}\n".encode())
        else:
            write_whole(output, f"{line()}\n".encode())
    else:
        emit(session, report, format=format, output=output, sort=sort, limit=limit)
    raise typer.Exit(Check.OK if exit_zero else state)


def choose_rules(
    session: "Session", rules: "Sequence[Rule]", names: list[str] | None, by: list[str] | None, what: str
) -> "list[Rule]":
    """Return the rules asked for by name, all when none is, split by other dimensions where those are given.

    Raises:
        UsageError: A name or a dimension is not known.
    """
    from dataclasses import replace  # noqa: PLC0415 - start-up

    from tollbook.report.scope import parse_by  # noqa: PLC0415

    chosen = _choose_names(names, [rule.name for rule in rules], what)
    split = tuple(dimension.name for dimension in parse_by(by or (), session.dimensions))
    return [replace(rule, by=split) if split else rule for rule in rules if rule.name in chosen]


def _choose_names(wanted: list[str] | None, known: list[str], what: str) -> set[str]:
    """Return the names asked for, all of them when none is.

    Raises:
        UsageError: One is not known; the message names the nearest.
    """
    import difflib  # noqa: PLC0415 - start-up

    from tollbook.errors import UsageError  # noqa: PLC0415

    folded = {name.casefold(): name for name in known}
    for name in wanted or ():
        if name.casefold() not in folded:
            near = difflib.get_close_matches(name.casefold(), folded, n=1)
            hint = f"Did you mean {folded[near[0]]!r}?" if near else f"Known are: {', '.join(known)}."
            raise UsageError(f"There is no {what} {name!r}. {hint}")
    return {folded[name.casefold()] for name in wanted} if wanted else set(known)
