"""Changing stores from tests as `rejects retry` and `forget` do, and seeing that they stay sound."""

from pathlib import Path
from typing import Any

from reading import NOW, NoPrices, check_accounts
from tollbook.config.model import Config
from tollbook.ingest.commit import Run
from tollbook.ingest.forget import Forgotten, forget
from tollbook.ingest.formats import native
from tollbook.ingest.judge import Formats
from tollbook.ingest.retry import Retried, retry
from tollbook.report.doctor import doctor_report
from tollbook.report.relations import create_relations
from tollbook.store.connection import reader


def check_sound(store: Path) -> None:
    """See that no invariant of a store is broken."""
    check_accounts(store)
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        report = doctor_report(con, now=NOW)
    assert [row for row in report.rows if row[1] == "problem"] == []


def take_out(store: Path, name: Path | str, *look_in: Path, dry: bool = False, **options: Any) -> Forgotten:
    """Forget a source."""
    return forget(str(name), [str(path) for path in look_in], _run(store, dry=dry), Formats(native()), **options)


def read_refused(store: Path, *paths: Path | str, formats: Formats | None = None, dry: bool = False) -> list[Retried]:
    """Read refused lines again and see that the account of each source adds up."""
    retried = retry([str(path) for path in paths], _run(store, dry=dry), formats or Formats(native()))
    for one in retried:
        one.account.check(one.source)
    return retried


def _run(store: Path, *, dry: bool) -> Run:
    catalogue: Any = NoPrices()
    return Run(store, 30, NOW, catalogue, {}, keep_excerpts=True, dry=dry)
