"""Read-only SQL."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tollbook.config.model import Config
from tollbook.errors import TollbookError, UsageError
from tollbook.report.model import Kind, Report
from tollbook.report.relations import create_relations
from tollbook.report.sql import sql_report
from tollbook.store.connection import reader

NOW = datetime(2026, 10, 17)


@pytest.fixture
def ask(store_with: Callable[..., Path]) -> Callable[[str], Report]:
    path = store_with(requests=[{"time": NOW, "request_id": "it's secret", "model": "gpt-4o"}])

    def run(statement: str) -> Report:
        with reader(path) as con:
            create_relations(con, Config(), "UTC")
            return sql_report(con, statement, now=NOW)

    return run


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("42", Kind.NUMBER, 42),
        ("170141183460469231731687303715884105727", Kind.NUMBER, 2**127 - 1),
        ("CAST(1.50 AS DECIMAL(9, 3))", Kind.NUMBER, Decimal("1.5")),
        ("CAST(0.1 AS DOUBLE)", Kind.FLOAT, 0.1),
        ("CAST('nan' AS DOUBLE)", Kind.FLOAT, None),
        ("true", Kind.FLAG, True),
        ("TIMESTAMP '2026-10-17 10:00:00'", Kind.TIME, datetime(2026, 10, 17, 10)),
        ("TIMESTAMPTZ '2026-10-17 10:00:00+02'", Kind.TIME, datetime(2026, 10, 17, 8)),
        ("DATE '2026-10-17'", Kind.TEXT, "2026-10-17"),
        ("INTERVAL 1 DAY", Kind.TEXT, "1 day"),
        ("NULL", Kind.TEXT, None),
        ("'x'", Kind.TEXT, "x"),
        ("[1, 2]", Kind.LIST, [1, 2]),
        ("{'a': DATE '2026-10-17', 'b': 1.5}", Kind.LIST, {"a": "2026-10-17", "b": Decimal("1.5")}),
        ("MAP {'k': TIMESTAMPTZ '2026-10-17 10:00:00+02'}", Kind.LIST, {"k": "2026-10-17 08:00:00+00"}),
    ],
)
def test_every_type_has_a_kind(ask: Callable[[str], Report], expression: str, kind: Kind, value: object):
    report = ask(f"SELECT {expression} AS x")
    assert (report.columns[0].name, report.columns[0].kind, report.rows) == ("x", kind, ((value,),))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1", "FROM requests", "WITH a AS (SELECT 1) FROM a", "VALUES (1)", "DESCRIBE requests", "SHOW TABLES",
        "SUMMARIZE requests", "EXPLAIN SELECT 1", "PIVOT (SELECT model, team FROM requests) ON model USING count(*)",
        "SELECT 1;", "TABLE sources",
    ],
)  # fmt: skip
def test_every_way_of_reading_works(ask: Callable[[str], Report], statement: str):
    assert ask(statement).columns


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM store.requests", "CREATE TABLE x (a INT)", "DROP VIEW requests", "SET threads = 1", "BEGIN",
        "COPY requests TO 'x.csv'", "ATTACH 'x.duckdb'", "INSTALL httpfs", "CHECKPOINT", "CALL pragma_version()",
        "EXPORT DATABASE 'x'", "EXPLAIN ANALYZE DELETE FROM store.requests", "PRAGMA enable_external_access=true",
    ],
)  # fmt: skip
def test_what_does_not_read_is_refused(ask: Callable[[str], Report], statement: str):
    with pytest.raises(TollbookError):
        ask(statement)
    assert ask("SELECT count(*) FROM requests").rows == ((1,),)


@pytest.mark.parametrize("call", ["read_csv", "read_text", "read_blob", "glob", "read_parquet", "read_ndjson_objects"])
def test_no_file_can_be_read(ask: Callable[[str], Report], tmp_path: Path, call: str):
    (tmp_path / "secret.txt").write_text("secret")
    with pytest.raises(UsageError, match="may only read the store"):
        ask(f"FROM {call}('{tmp_path / 'secret.txt'}')")


def test_variables_of_the_program_are_no_tables(ask: Callable[[str], Report]):
    with pytest.raises(UsageError, match="kinds"):
        ask("FROM kinds")


@pytest.mark.parametrize("statement", ["", "-- nothing", "SELECT 1; SELECT 2"])
def test_one_statement_is_asked_for(ask: Callable[[str], Report], statement: str):
    with pytest.raises(UsageError, match="exactly one"):
        ask(statement)


def test_a_mistake_is_told_with_what_is_near(ask: Callable[[str], Report]):
    with pytest.raises(UsageError, match=r'"modl".*Candidate bindings: .*"model"'):
        ask("SELECT modl FROM requests")


def test_a_failure_does_not_repeat_data(ask: Callable[[str], Report]):
    with pytest.raises(TollbookError, match="TRY_CAST") as caught:
        ask("SELECT CAST(request_id AS INT) FROM requests")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("shift", range(3))
def test_a_failure_with_characters_cut_amid_does_not_either(ask: Callable[[str], Report], shift: int):
    with pytest.raises(TollbookError, match=r"The statement failed") as caught:
        ask(f"SELECT json_extract('{{' || repeat('x', {shift}) || repeat('字', 200), '$.a')")
    assert "字" not in str(caught.value)


def test_a_failure_without_a_message_is_told_all_the_same():
    """Python 3.11.2 leaves a message out that it cannot read; others make an error of that."""

    class Silent:
        def execute(self, _statement: str) -> None:
            raise duckdb.InvalidInputException

    with pytest.raises(TollbookError, match=r"^The statement failed on a value"):
        sql_report(Silent(), "SELECT 1", now=NOW)  # type: ignore[arg-type]


def test_two_columns_of_one_name_stay_two(ask: Callable[[str], Report]):
    assert [column.name for column in ask("SELECT 1 AS a, 2 AS a, 3 AS a_1").columns] == ["a", "a_1", "a_1_1"]
