"""One awkward report in every format, byte for byte."""

import csv as standard_csv
import io
import json as standard_json
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from tollbook.render import csv, json, markdown, parquet, table
from tollbook.report.model import Column, Kind, Report, Window

D = Decimal
COLUMNS = (
    Column("team", Kind.TEXT, missing="unattributed"),
    Column("hour", Kind.TIME),
    Column("requests", Kind.COUNT),
    Column("cost", Kind.MONEY),
    Column("share", Kind.RATIO),
    Column("p50_ms", Kind.MS),
    Column("ok", Kind.FLAG),
    Column("burn", Kind.LIST),
)
AWKWARD = Report(
    name="slo-check",
    title="Awkward | values",
    columns=COLUMNS,
    rows=(
        ("=1+1", datetime(2026, 10, 25, 0, 30), 1234567, D("1234567.890000000000000"), D("0.123457"), 12.345, True, []),
        ("[red]x[/red]", datetime(2026, 10, 25, 1, 30), 0, D(0), D(0), 0.04, False, [{"rate": D("1.50")}]),
        (
            'a|b "c", d',
            datetime(2026, 10, 25, 2, 0, 1),
            10**20,
            D("-0.000001"),
            D("0.876543"),
            float("nan"),
            None,
            None,
        ),
        ("日本\x1b[31m\u202e\n", None, 7, D("12345678901234567890123.000000000000001"), None, 1e9, None, None),
        (None, None, None, None, None, None, None, None),
    ),
    totals=(None, None, 10**20 + 1234574, D("12345678901234569124690.889999000000001"), D(1), None, None, None),
    generated_at=datetime(2026, 11, 1, 12, 0, 0, 5),
    window=Window(datetime(2026, 9, 30, 22), datetime(2026, 10, 31, 23), "Europe/Berlin"),
    by=("team", "hour"),
    filters=("environment=[b]prod",),
    currency="USD",
    warnings=("Look out: [bold]\x07",),
    details={"transitions": []},
    total_details={"complete": False},
)

PLAIN = """\
Awkward | values
From 2026-10-01 00:00 until 2026-11-01 00:00 (excluded), in Europe/Berlin
Where environment=[b]prod
Amounts in USD

team                  hour                                       requests                                            cost       share           p50_ms  ok   burn
------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
=1+1                  2026-10-25 02:30 +0200                    1,234,567                       1,234,567.890000000000000   12.3457 %             12.3  yes  -
[red]x[/red]          2026-10-25 02:30 +0100                            0                               0.000000000000000    0.0000 %              0.0  no   [{"rate": "1.5"}]
a|b "c", d            2026-10-25 03:00:01     100,000,000,000,000,000,000                              -0.000001000000000   87.6543 %                -  -    -
日本\\x1b[31m\\u202e\\n  -                                                 7  12,345,678,901,234,567,890,123.000000000000001           -  1,000,000,000.0  -    -
unattributed          -                                                 -                                               -           -                -  -    -
------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
total                                         100,000,000,000,001,234,574  12,345,678,901,234,569,124,690.889999000000001  100.0000 %                -

Warning: Look out: [bold]\\x07
"""  # noqa: E501

CSV = """\
team,hour,requests,cost,share,p50_ms,ok,burn
'=1+1,2026-10-25T00:30:00Z,1234567,1234567.89,0.123457,12.345,true,[]
[red]x[/red],2026-10-25T01:30:00Z,0,0.00,0,0.04,false,"[{""rate"": ""1.5""}]"
"a|b ""c"", d",2026-10-25T02:00:01Z,100000000000000000000,-0.000001,0.876543,,,
"日本\\x1b[31m\\u202e
",,7,12345678901234567890123.000000000000001,,1000000000.0,,
,,,,,,,
"""

MARKDOWN = r"""**Awkward \| values**
From 2026-10-01 00:00 until 2026-11-01 00:00 (excluded), in Europe/Berlin
Where environment=\[b\]prod
Amounts in USD

| team | hour | requests | cost | share | p50_ms | ok | burn |
| --- | --- | ---: | ---: | ---: | ---: | --- | --- |
| =1+1 | 2026-10-25 02:30 +0200 | 1,234,567 | 1,234,567.890000000000000 | 12.3457 % | 12.3 | yes | - |
| \[red\]x\[/red\] | 2026-10-25 02:30 +0100 | 0 | 0.000000000000000 | 0.0000 % | 0.0 | no | \[{"rate": "1.5"}\] |
| a\|b "c", d | 2026-10-25 03:00:01 | 100,000,000,000,000,000,000 | -0.000001000000000 | 87.6543 % | - | - | - |
| 日本\\x1b\[31m\\u202e\\n | - | 7 | 12,345,678,901,234,567,890,123.000000000000001 | - | 1,000,000,000.0 | - | - |
| unattributed | - | - | - | - | - | - | - |
| **total** |  | **100,000,000,000,001,234,574** | **12,345,678,901,234,569,124,690.889999000000001** | **100.0000 %** | **-** |  |  |
"""  # noqa: E501

JSON_ROWS = [
    ["=1+1", "2026-10-25T00:30:00Z", 1234567, "1234567.89", "0.123457", 12.345, True, []],
    ["[red]x[/red]", "2026-10-25T01:30:00Z", 0, "0.00", "0", 0.04, False, [{"rate": "1.5"}]],
    ['a|b "c", d', "2026-10-25T02:00:01Z", 10**20, "-0.000001", "0.876543", None, None, None],
    ["日本\x1b[31m\u202e\n", None, 7, "12345678901234567890123.000000000000001", None, 1e9, None, None],
    [None] * 8,
]


def test_the_plain_table_is_whole_and_inert():
    assert table.render(AWKWARD) == PLAIN


def test_csv_is_exact_and_runs_nothing():
    assert csv.render(AWKWARD) == CSV


def test_markdown_shows_what_the_table_shows():
    assert markdown.render(AWKWARD) == MARKDOWN


def test_json_keeps_every_value_and_says_what_it_is_about():
    text = json.render(AWKWARD)
    names = [column.name for column in COLUMNS]
    assert standard_json.loads(text) == {
        "schema": "tollbook.slo-check/1",
        "generated_at": "2026-11-01T12:00:00.000005Z",
        "window": {"since": "2026-09-30T22:00:00Z", "until": "2026-10-31T23:00:00Z", "timezone": "Europe/Berlin"},
        "currency": "USD",
        "filters": ["environment=[b]prod"],
        "by": ["team", "hour"],
        "rows": [dict(zip(names, row, strict=True)) for row in JSON_ROWS],
        "totals": {
            "team": None,
            "hour": None,
            "requests": 10**20 + 1234574,
            "cost": "12345678901234569124690.889999000000001",
            "share": "1",
            "p50_ms": None,
            "ok": None,
            "burn": None,
            "complete": False,
        },
        "warnings": ["Look out: [bold]\x07"],
        "transitions": [],
    }
    assert not set(text) & set("\x1b\x07\u202e"), "a control character would reach the terminal"


def test_parquet_holds_typed_columns():
    frame = pl.read_parquet(io.BytesIO(parquet.render(AWKWARD)))
    assert dict(frame.schema) == {
        "team": pl.String,
        "hour": pl.Datetime("us", "UTC"),
        "requests": pl.Decimal(38, 0),  # one of them is too large for Int64
        "cost": pl.Decimal(38, 15),
        "share": pl.Decimal(38, 6),
        "p50_ms": pl.Float64,
        "ok": pl.Boolean,
        "burn": pl.String,
    }
    assert frame["cost"].to_list() == [row[3] for row in AWKWARD.rows]
    assert frame["hour"][0] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert frame["team"].to_list() == [row[0] for row in AWKWARD.rows]
    assert frame["burn"].to_list() == ["[]", '[{"rate": "1.5"}]', None, None, None]


def test_counts_are_integers_in_parquet_where_they_fit():
    report = Report(
        name="x", title="x", columns=(Column("n", Kind.COUNT),), rows=((2**63 - 1,), (None,)), generated_at=datetime.min
    )
    frame = pl.read_parquet(io.BytesIO(parquet.render(report)))
    assert frame["n"].dtype == pl.Int64
    assert frame["n"].to_list() == [2**63 - 1, None]


@pytest.mark.parametrize("render", [table.render, csv.render, json.render, markdown.render, parquet.render])
def test_a_report_without_rows_is_still_valid(render):
    empty = Report(name="x", title="Nothing", columns=COLUMNS, rows=(), generated_at=datetime(2026, 10, 1))
    assert render(empty)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_texts_that_would_run_as_formulas_are_defused_in_csv_and_numbers_are_not(start: str):
    columns = (Column("team", Kind.TEXT), Column("cost", Kind.MONEY))
    report = Report(name="x", title="x", columns=columns, rows=((f"{start}1", D("-1")),), generated_at=datetime.min)
    (_, row) = standard_csv.reader(io.StringIO(csv.render(report), newline=""))
    assert row == [f"'{start}1", "-1.00"]


def test_csv_and_json_agree_cell_for_cell():
    rows = list(standard_csv.DictReader(io.StringIO(csv.render(AWKWARD), newline="")))
    for row, member in zip(rows, standard_json.loads(json.render(AWKWARD))["rows"], strict=True):
        for name in ("hour", "cost", "share"):
            assert row[name] == (member[name] or "")
        for name in ("requests", "p50_ms"):
            assert row[name] == ("" if member[name] is None else str(member[name]))
