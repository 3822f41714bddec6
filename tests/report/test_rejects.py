"""The refused lines."""

import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

from tollbook.config.model import Config
from tollbook.ingest.sources import digest
from tollbook.report.model import Report
from tollbook.report.rejects import LONGEST_LINE, rejects_report, rejects_summary
from tollbook.report.relations import create_relations
from tollbook.store.connection import reader, writer

NOW = datetime(2026, 10, 17)
FIRST = b'{"ok": 1}'
LINES = [FIRST, b"not \x1b[31mjson", b"{\xff}", b"y" * 2000]
WHOLE = b"\n".join(LINES) + b"\n"


@pytest.fixture
def store(store_with: Callable[..., Path], tmp_path: Path) -> Path:
    def reject(line: int, reason: str) -> dict[str, object]:
        return {"line": line, "byte_offset": sum(len(text) + 1 for text in LINES[: line - 1]), "reason": reason}

    path = store_with(rejects=[reject(2, "not JSON"), reject(3, "not JSON"), reject(4, "too long")])
    name_source(path, str(tmp_path / "app.log"))
    return path


def name_source(store: Path, name: str) -> None:
    with writer(store) as con:
        con.execute("DELETE FROM store.sources")
        con.execute(
            "INSERT INTO store.sources VALUES (1, ?, ?, ?, ?, 4, NULL, NULL, 4, 1, 0, 0, 3, ?, ?)",
            [name, digest(FIRST), digest(WHOLE), len(WHOLE), NOW, NOW],
        )


def rejects(store: Path, *, show_lines: bool = False) -> Report:
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        return rejects_report(con, now=NOW, show_lines=show_lines)


def test_every_refused_line_has_its_place_and_reason(store: Path, tmp_path: Path):
    name = str(tmp_path / "app.log")
    assert rejects(store).rows == (
        (name, 2, 10, "not JSON"),
        (name, 3, 24, "not JSON"),
        (name, 4, 28, "too long"),
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gz", "zst"])
def test_the_lines_are_read_from_their_file_with_control_characters_escaped(
    store: Path, tmp_path: Path, pack: Callable[[bytes], bytes]
):
    (tmp_path / "app.log").write_bytes(pack(WHOLE + b"more lines\n"))
    texts = [row[-1] for row in rejects(store, show_lines=True).rows]
    assert texts == [r"not \x1b[31mjson", r"{\xff}", "y" * LONGEST_LINE + "…"]


def test_a_file_that_is_gone_or_another_one_shows_no_lines(store: Path, tmp_path: Path):
    assert [row[-1] for row in rejects(store, show_lines=True).rows] == [None, None, None]
    for other in (b"something else\n" * 100, FIRST + b"\nthe same beginning\n" * 200):
        (tmp_path / "app.log").write_bytes(other)
        assert [row[-1] for row in rejects(store, show_lines=True).rows] == [None, None, None]


def test_an_excerpt_that_the_store_keeps_is_shown_without_the_file(store: Path):
    with writer(store) as con:
        con.execute("UPDATE store.rejects SET excerpt = 'kept' WHERE line = 3")
    assert [row[-1] for row in rejects(store, show_lines=True).rows] == [None, "kept", None]


def test_the_summary_counts_by_reason_and_source(store: Path, tmp_path: Path):
    with reader(store) as con:
        create_relations(con, Config(), "UTC")
        report = rejects_summary(con, now=NOW)
    name = str(tmp_path / "app.log")
    assert report.rows == (("not JSON", name, 2, 2), ("too long", name, 1, 4))
    assert report.totals == (None, None, 3, None)
