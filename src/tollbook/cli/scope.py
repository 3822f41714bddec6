"""From the options that every report shares to what the report is asked about."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollbook.cli.session import Session
    from tollbook.report.scope import Scope


def scope_of(
    session: "Session",
    *,
    since: str | None = None,
    until: str | None = None,
    month: str | None = None,
    day: str | None = None,
    by: Sequence[str] | None = None,
    where: Sequence[str] | None = None,
) -> "Scope":
    """Return the window, grouping and conditions that the options ask for, in the session's zone and at its now.

    Raises:
        UsageError: An option is malformed, names what does not exist, or contradicts another.
    """
    from tollbook.report.scope import Scope, parse_by, parse_where  # noqa: PLC0415 - start-up
    from tollbook.report.window import resolve  # noqa: PLC0415

    return Scope(
        window=resolve(since, until, month, day, now=session.now, zone=session.zone),
        by=parse_by(by or (), session.dimensions),
        where=parse_where(where or (), session.dimensions),
    )
