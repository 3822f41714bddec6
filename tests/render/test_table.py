"""The table on terminals: fitted by wrapping text, never by cutting numbers."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from rich.cells import cell_len

from tollbook.render.table import render
from tollbook.report.model import Column, Kind, Report, Window

REPORT = Report(
    name="chargeback",
    title="Chargeback by team",
    columns=(
        Column("team", Kind.TEXT, missing="unattributed"),
        Column("requests", Kind.COUNT),
        Column("cost", Kind.MONEY),
        Column("share", Kind.RATIO),
    ),
    rows=(
        ("network operations of the northern region", 1234567, Decimal("1234.567891"), Decimal("0.9")),
        (None, 12, Decimal("137.1742101"), Decimal("0.1")),
    ),
    totals=(None, 1234579, Decimal("1371.7421011"), Decimal(1)),
    generated_at=datetime(2026, 10, 17),
    window=Window(datetime(2026, 10, 1), None),
    currency="USD",
    warnings=("The total is at least that.",),
)
NUMBERS = ["1,234,567", "1,234.5678910", "90.0 %", "12", "137.1742101", "10.0 %", "1,234,579", "1,371.7421011"]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def test_where_it_fits_it_is_one_line_a_row():
    lines = render(REPORT, width=100).splitlines()
    assert lines[4:] == [
        "team                                        requests           cost    share",
        "────────────────────────────────────────────────────────────────────────────",
        "network operations of the northern region  1,234,567  1,234.5678910   90.0 %",
        "unattributed                                      12    137.1742101   10.0 %",
        "────────────────────────────────────────────────────────────────────────────",
        "total                                      1,234,579  1,371.7421011  100.0 %",
        "",
        "Warning: The total is at least that.",
    ]


def test_where_it_is_too_wide_text_wraps_and_numbers_do_not():
    text = render(REPORT, width=60)
    table = text.split("\n\n")[1:]
    assert all(cell_len(line) <= 60 for line in table[0].splitlines())
    assert all(number in text for number in NUMBERS)
    assert "operations" in text
    assert "…" not in text


def test_on_forty_columns_every_row_is_a_block():
    assert render(REPORT, width=40).splitlines()[4:] == [
        "team: network operations of the northern region",
        "requests: 1,234,567",
        "cost: 1,234.5678910",
        "share: 90.0 %",
        "",
        "team: unattributed",
        "requests: 12",
        "cost: 137.1742101",
        "share: 10.0 %",
        "",
        "team: total",
        "requests: 1,234,579",
        "cost: 1,371.7421011",
        "share: 100.0 %",
        "",
        "Warning: The total is at least that.",
    ]


@pytest.mark.parametrize("width", range(1, 130, 3))
def test_no_width_cuts_a_number(width: int):
    text = render(REPORT, width=width)
    assert all(number in text for number in NUMBERS)


@pytest.mark.parametrize("width", [None, 40, 60, 100])
def test_colours_change_no_character(width: int | None):
    colored = render(REPORT, width=width, color=True)
    assert colored != render(REPORT, width=width)
    plain = [line.rstrip() for line in ANSI.sub("", colored).splitlines()]
    assert plain == render(REPORT, width=width).splitlines()


def test_without_colours_there_is_no_escape_character():
    assert all("\x1b" not in render(REPORT, width=width) for width in (None, 40, 60, 100))


def test_markup_in_logs_stays_text_when_wrapped():
    text = "[bold red]alert[/bold red] :smile: [link=http://x]y[/link] " * 2
    report = replace(REPORT, rows=((text, 1, Decimal(1), Decimal(1)),), totals=None)
    assert "[boldred]alert[/boldred]:smile:" in re.sub(r"\s+|1\.00|100\.0 %|\b1\b", "", render(report, width=60))


def test_a_total_that_repeats_the_only_row_is_left_out():
    once = replace(REPORT, rows=REPORT.rows[:1], totals=(None, *REPORT.rows[0][1:]))
    assert "\ntotal " not in render(once)
    assert "\ntotal " in render(replace(once, totals=REPORT.totals))


def test_a_ratio_just_below_one_is_not_shown_as_a_hundred_percent():
    report = replace(REPORT, rows=(("a", 1, Decimal(1), Decimal("0.99999999999")),), totals=None)
    assert "99.999999 %" in render(report)


def test_the_window_is_said_in_its_zone():
    said = {
        Window(None, None): "All of the store, in UTC",
        Window(None, datetime(2026, 10, 1)): "Until 2026-10-01 00:00 (excluded), in UTC",
        Window(datetime(2026, 10, 1, 0, 0, 1), None, "Asia/Kolkata"): "From 2026-10-01 05:30:01, in Asia/Kolkata",
    }
    for window, line in said.items():
        assert render(replace(REPORT, window=window)).splitlines()[1] == line
