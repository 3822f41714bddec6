"""Where reports go: formats, files, order, limits, and what is said on stderr."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from tollbook.cli.emit import emit
from tollbook.cli.session import Session
from tollbook.errors import TollbookError, UsageError
from tollbook.report.model import Column, Kind, Report

REPORT = Report(
    name="chargeback",
    title="Chargeback",
    columns=(Column("team", Kind.TEXT), Column("cost", Kind.MONEY), Column("p50_ms", Kind.MS)),
    rows=(("a", Decimal(2), float("nan")), ("b", None, 2.0), ("c", Decimal(10), 1.0), ("d", Decimal(-1), None)),
    totals=(None, Decimal(11), None),
    generated_at=datetime(2026, 10, 17),
    warnings=("The total is at least that.",),
)


def teams(capfd: pytest.CaptureFixture[str], **options: object) -> str:
    emit(Session(), REPORT, format="csv", **options)
    return "".join(line[0] for line in capfd.readouterr().out.splitlines()[1:])


def test_rows_are_sorted_by_a_column_and_what_is_missing_comes_last(capfd: pytest.CaptureFixture[str]):
    assert teams(capfd) == "abcd"
    assert teams(capfd, sort="cost") == "dacb"
    assert teams(capfd, sort="-cost") == "cadb"
    assert teams(capfd, sort="-p50_ms") == "bcad"
    assert teams(capfd, sort="-team", limit=2) == "dc"


def test_a_limit_says_what_it_leaves_out_and_keeps_the_totals(capfd: pytest.CaptureFixture[str]):
    emit(Session(), REPORT, format="json", limit=1)
    shown = capfd.readouterr()
    assert [row["team"] for row in json.loads(shown.out)["rows"]] == ["a"]
    assert json.loads(shown.out)["totals"]["cost"] == "11.00"
    assert shown.err == "3 more rows are not shown; totals are those of all.\n"
    emit(Session(), REPORT, format="json", limit=3)
    assert capfd.readouterr().err == "1 more row is not shown; totals are those of all.\n"


def test_an_unknown_column_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"no column 'cots' to sort by\. Did you mean 'cost'"):
        emit(Session(), REPORT, sort="-cots")


def test_warnings_are_in_the_table_and_in_json_and_on_stderr_for_other_formats(capfd: pytest.CaptureFixture[str]):
    for chosen, on_stderr in (("table", False), ("json", False), ("csv", True), ("markdown", True)):
        emit(Session(), REPORT, format=chosen)
        shown = capfd.readouterr()
        assert ("at least" in shown.err) is on_stderr, chosen
        assert ("at least" in shown.out) is not on_stderr, chosen


def test_quiet_says_nothing_on_stderr(capfd: pytest.CaptureFixture[str]):
    emit(Session(verbosity=-1), replace(REPORT, rows=()), format="csv")
    assert capfd.readouterr().err == ""


def test_nothing_found_is_said_and_still_valid(capfd: pytest.CaptureFixture[str]):
    emit(Session(), replace(REPORT, rows=(), warnings=()), format="csv")
    shown = capfd.readouterr()
    assert shown.out == "team,cost,p50_ms\n"
    assert shown.err == "Nothing to show.\n"


@pytest.mark.parametrize(
    ("name", "starts"),
    [("r.json", b"{"), ("r.CSV", b"team,"), ("r.md", b"**Charge"), ("r.txt", b"Chargeback\n"), ("r.parquet", b"PAR1")],
)
def test_the_suffix_of_a_file_chooses_the_format(tmp_path: Path, name: str, starts: bytes):
    emit(Session(), REPORT, output=tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(starts)


def test_the_format_asked_for_wins_over_the_suffix(tmp_path: Path):
    emit(Session(), REPORT, format="parquet", output=tmp_path / "r.csv")
    assert pl.read_parquet(tmp_path / "r.csv").height == 4


def test_a_suffix_that_names_no_format_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="add --format"):
        emit(Session(), REPORT, output=tmp_path / "report.xlsx")


def test_parquet_does_not_go_to_stdout():
    with pytest.raises(UsageError, match=r"--output FILE\.parquet"):
        emit(Session(), REPORT, format="parquet")


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path):
    target = tmp_path / "r.csv"
    target.write_text("old")
    emit(Session(), REPORT, output=target)
    assert target.read_text().startswith("team,cost")
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    with pytest.raises(TollbookError, match="cannot be written: No such file or directory"):
        emit(Session(), REPORT, output=tmp_path / "missing" / "r.csv")


SCRIPT = "from test_emit import *; emit(Session(color={color!r}), REPORT)"


def on_terminal(columns: int, *, color: str = "auto", **environment: str) -> str:
    """Return what a terminal of so many columns shows."""
    main, terminal = pty.openpty()
    env = {"PATH": "/usr/bin:/bin", "COLUMNS": str(columns), "PYTHONPATH": str(Path(__file__).parent), **environment}
    script = SCRIPT.format(color=color)
    subprocess.run([sys.executable, "-c", script], stdout=terminal, env={"TERM": "xterm", **env}, check=True)
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(main, 4096):
            shown += chunk
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(main)
    return shown.decode()


def test_a_terminal_gets_colours_unless_told_otherwise():
    assert "\x1b[1m" in on_terminal(80)
    assert "\x1b" not in on_terminal(80, NO_COLOR="1")
    assert "\x1b" not in on_terminal(80, color="never")
    assert "\x1b" not in on_terminal(80, TERM="dumb")
    assert "\x1b[1m" in on_terminal(80, color="always", NO_COLOR="1")


def test_a_narrow_terminal_gets_blocks_and_a_pipe_never_does(capfd: pytest.CaptureFixture[str]):
    assert "team: a" in on_terminal(10)
    emit(Session(), REPORT)
    assert "team: a" not in capfd.readouterr().out
