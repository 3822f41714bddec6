"""The line for monitoring keeps to the form that monitoring systems parse."""

import re

from tollbook.exits import Check
from tollbook.render.nagios import Metric, render, some

PERFDATA = re.compile(r"'(?:[^'=|]|'')+'=(?:U|-?[0-9.]+(?:%|ms)?)(?:;[0-9.:~@]*){0,4}")


def test_a_line_has_status_text_and_performance_data():
    metrics = [Metric("Success rate noc", "98.5%", critical="99:"), Metric("p99", "1250ms", warning="3000")]
    line = render(Check.CRITICAL, "1 of 2 objectives missed", metrics)
    assert line == "CRITICAL - 1 of 2 objectives missed | 'Success rate noc'=98.5%;;99: 'p99'=1250ms;3000"


def test_an_unknown_value_is_u():
    assert render(Check.UNKNOWN, "no data", [Metric("p99", None)]) == "UNKNOWN - no data | 'p99'=U"


def test_nothing_that_a_log_says_can_break_the_line():
    line = render(Check.OK, "team=a|b\nCRITICAL", [Metric("it's a|b = c\n", "1", warning="2")])
    text, _, data = line.partition(" | ")
    assert "|" not in text
    assert "\n" not in line
    assert PERFDATA.fullmatch(data)
    assert data == r"'it''s a/b : c\n'=1;2"


def test_only_the_first_findings_are_named():
    assert some(["a", "b"]) == "a, b"
    assert some(str(number) for number in range(8)) == "0, 1, 2, 3, 4 and 3 more"
