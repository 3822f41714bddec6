"""Is the store sound? Its invariants, one by one, and what to do where one does not hold."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from tollbook import queries
from tollbook.report.model import Column, Kind, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

Status = Literal["ok", "problem", "warning"]

_SHOWN = 3  # findings that a check names; the rest it counts
_COLUMNS = (
    Column("check", Kind.TEXT),
    Column("status", Kind.TEXT),
    Column("found", Kind.TEXT),
    Column("what_to_do", Kind.TEXT, missing=""),
)
_REPORT_IT = "Please report this."
_ANEW = "Make a new store from the logs: tollbook --store NEW ingest PATH..."
_FORGET = "Take the source out with tollbook forget, and ingest its file again."


@dataclass(frozen=True)
class _Check:
    """An invariant: the rows of `sql/doctor/<name>.sql` break it."""

    name: str
    holds: str
    advice: str
    otherwise: Status = "problem"


_CHECKS = (
    _Check("tables", "only tollbook's tables", "tollbook reads none of them: drop them if nobody does.", "warning"),
    _Check("accounts", "read = requests + events + duplicates + rejected, for every source and run", _FORGET),
    _Check("totals", "the runs read what the sources hold", _ANEW),
    _Check("rows", "the tables hold the rows that every source counts", _FORGET),
    _Check("references", "every row is of a source and a run that are known", _ANEW),
    _Check("identities", "no id and no text stands twice", _FORGET),
    _Check("ids", "every id is found by its hash", _ANEW),
    _Check("duplicates", "every duplicate repeats something that is here", _FORGET),
    _Check("positions", "every line lies before the position that its source was read up to", _FORGET),
    _Check("times", "every time is between 2000 and 2199, and none of what was pruned", _ANEW),
    _Check("prices", "every price that a request refers to is here", _ANEW),
    _Check("costs", "every cost is its tokens times its price, to the last digit", _ANEW),
    _Check("hashes", "ids are hashed as DuckDB hashes now", "The next ingest hashes them anew.", "warning"),
)  # fmt: skip


def doctor_report(con: "duckdb.DuckDBPyConnection", *, now: datetime) -> Report:
    """Answer whether the store's invariants hold.

    Args:
        con: A connection with the relations of `report.relations`.
        now: The report's moment, naive UTC.

    Returns:
        A row per check: `check`, `status` (`ok`, `problem`, or `warning` for what need not be wrong), `found`,
        `what_to_do` (None where the check holds). `details` has `healthy`, false when there is a problem.
    """
    con.execute(queries.text("cost_of_tokens"))
    rows = tuple(_rows(con))
    return Report(
        name="doctor",
        title="Is the store sound?",
        columns=_COLUMNS,
        rows=rows,
        generated_at=now,
        details={"healthy": all(status != "problem" for _, status, *_ in rows)},
    )


def _rows(con: "duckdb.DuckDBPyConnection") -> "Iterator[tuple[str, Status, str, str | None]]":
    from tollbook.store.connection import tables_of_migrations  # noqa: PLC0415 - start-up

    params: Mapping[str, Mapping[str, object]] = {"tables": {"known": tables_of_migrations()}}
    slots = {"rows": {"rows": queries.text("keep/count_rows")}}
    for check in _CHECKS:
        name = f"doctor/{check.name}"
        found = [
            str(what) for (what,) in queries.run(con, name, params.get(check.name, {}), **slots.get(check.name, {}))
        ]
        yield _row(check, found)
    yield _row(_FILES, list(_changed_files(con)))


def _row(check: _Check, found: "Sequence[str]") -> "tuple[str, Status, str, str | None]":
    if not found:
        return check.name, "ok", check.holds, None
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return check.name, check.otherwise, ", ".join(found[:_SHOWN]) + more, check.advice


_FILES = _Check(
    "files",
    "files that are still where they were read hold what was read",
    "Nothing, if the logs were rotated; the next ingest reads them.",
    "warning",
)


def _changed_files(con: "duckdb.DuckDBPyConnection") -> "Iterator[str]":
    """Find the files at whose place another one stands now; one that is gone is as good as rotated."""
    from tollbook.errors import SourceError, SourceGoneError  # noqa: PLC0415 - start-up
    from tollbook.ingest.objects import is_address  # noqa: PLC0415
    from tollbook.ingest.sources import STDIN, Known, is_pipe, recognise  # noqa: PLC0415

    rows = con.execute("SELECT name, source_id, head, tail, position, lines FROM sources ORDER BY name, source_id")
    held: dict[str, list[Known]] = {}
    for name, *known in rows.fetchall():
        held.setdefault(name, []).append(Known(*known))
    for name, sources in held.items():
        if name == STDIN or is_address(name) or is_pipe(name):
            continue
        try:
            # Of several that were read from that place, the file is one at most.
            found = recognise(
                name, {head: [one for one in sources if one.head == head] for head in {one.head for one in sources}}
            )
        except SourceGoneError:
            continue
        except SourceError:
            yield name
            continue
        found.stream.close()
        if found.known is None:
            yield name
