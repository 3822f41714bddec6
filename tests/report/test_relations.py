"""Dimensions of the configuration, over a few rows."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tollbook.config.model import Config
from tollbook.report.model import Window
from tollbook.report.relations import create_relations
from tollbook.report.scope import Scope, dimensions, parse_by, parse_where
from tollbook.report.usage import usage_report
from tollbook.store.connection import reader

T = datetime(2026, 10, 17, 12)


def grouped(store: Path, *names: str) -> list[tuple[object, ...]]:
    known = dimensions(names)
    with reader(store) as con:
        create_relations(con, Config(dimensions=names), "UTC")
        scope = Scope(Window(None, None), by=parse_by([",".join(names)], known))
        return [row[: len(names) + 1] for row in usage_report(con, scope, now=T).rows]


def test_a_dimension_is_found_where_its_key_was_read_into_a_field(store_with: Callable[..., Path]):
    rows = [
        {"time": T, "status": "429", "environment": "test", "request_id": "r1"},
        {"time": T, "status": "200", "attributes": '{"status_code":"from elsewhere"}'},
    ]
    assert grouped(store_with(rows), "status_code", "env", "request_id") == [
        ("429", "test", "r1", 1),
        ("from elsewhere", None, None, 1),
    ]


def test_a_dimension_with_a_dot_is_a_key_of_that_name_or_a_path(store_with: Callable[..., Path]):
    rows = [
        {"time": T, "attributes": '{"k8s.pod":"flat"}'},
        {"time": T, "attributes": '{"k8s":{"pod":"nested"}}'},
        {"time": T, "attributes": '{"k8s":"pod"}'},
        {"time": T, "attributes": '{"k8s":{"pod":""}}'},
    ]
    assert grouped(store_with(rows), "k8s.pod") == [("flat", 1), ("nested", 1), (None, 2)]


@pytest.mark.parametrize("name", ["it's", 'a"b', "a~/b", "$since", "/*where*/", ";--", "x) FROM y", "✓"])
def test_no_name_of_a_dimension_reaches_the_sql(store_with: Callable[..., Path], name: str):
    rows = [{"time": T, "attributes": json.dumps({name: "here"})}]
    with reader(store_with(rows)) as con:
        create_relations(con, Config(dimensions=(name,)), "UTC")
        known = dimensions([name])
        scope = Scope(Window(None, None), (known[name],), parse_where([f"{name}=here"], known))
        assert usage_report(con, scope, now=T).rows[0][:2] == ("here", 1)
