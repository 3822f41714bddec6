"""Asking before something is taken out of the store."""

import sys
from typing import Annotated

import typer

from tollbook.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def confirm(question: str) -> bool:
    """Ask on the terminal, on stderr; no is the default.

    Raises:
        UsageError: There is nobody to ask.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("There is no terminal to ask on. Say --yes if it is meant, or --dry-run to see what would go.")
    return typer.confirm(question, err=True)
