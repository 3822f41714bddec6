"""Windows: what users write, and the moments that it means."""

from datetime import datetime, timedelta

import pytest

from tollbook.errors import UsageError
from tollbook.report.model import Window
from tollbook.report.window import check_zone, parse_duration, parse_moment, resolve

NOW = datetime(2026, 10, 17, 12, 30)
BERLIN = "Europe/Berlin"


def window(zone: str = "UTC", **options: str) -> Window:
    return resolve(**options, now=NOW, zone=zone)


def test_nothing_asked_for_is_the_whole_store():
    assert window(BERLIN) == Window(None, None, BERLIN)


def test_a_span_counts_back_from_now_and_ends_now():
    assert window(since="24h") == Window(datetime(2026, 10, 16, 12, 30), NOW)
    assert window(since="7d", until="1d") == Window(datetime(2026, 10, 10, 12, 30), datetime(2026, 10, 16, 12, 30))


def test_a_date_is_its_first_moment_in_the_zone_and_has_no_end():
    assert window(BERLIN, since="2026-10-01") == Window(datetime(2026, 9, 30, 22), None, BERLIN)


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-10-17", "UTC", datetime(2026, 10, 17)),
        ("2026-10-17T14:30", BERLIN, datetime(2026, 10, 17, 12, 30)),
        ("2026-10-17 14:30:05.25Z", BERLIN, datetime(2026, 10, 17, 14, 30, 5, 250000)),
        ("2026-10-17T14:30+05:30", BERLIN, datetime(2026, 10, 17, 9)),
        ("2026-03-29T02:30", BERLIN, datetime(2026, 3, 29, 1, 30)),  # skipped: as if the clocks had not changed
        ("2026-10-25T02:30", BERLIN, datetime(2026, 10, 25, 0, 30)),  # happens twice: the first
    ],
)
def test_moments_are_read_in_the_zone_unless_they_state_one(text: str, zone: str, moment: datetime):
    assert parse_moment(text, zone) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-10-17T25:00", "24h", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(UsageError, match="not a moment"):
        parse_moment(text, "UTC")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, "2026-03-29", 23), (BERLIN, "2026-10-25", 25), (BERLIN, "2026-10-17", 24), ("UTC", "2026-10-25", 24)],
)
def test_a_day_is_as_long_as_the_clocks_make_it(zone: str, day: str, hours: int):
    found = window(zone, day=day)
    assert found.until - found.since == timedelta(hours=hours)


def test_a_day_without_a_midnight_begins_with_the_change():
    # in Cairo the clocks went from 24:00 on 27 April 2023 to 01:00 on the 28th
    found = window("Africa/Cairo", day="2023-04-28")
    assert (found.since, found.until) == (datetime(2023, 4, 27, 22), datetime(2023, 4, 28, 21))


def test_a_day_that_the_zone_skipped_is_refused():
    with pytest.raises(UsageError, match="never happened in Pacific/Apia"):
        window("Pacific/Apia", day="2011-12-30")


def test_months_follow_the_calendar_of_the_zone():
    assert window(BERLIN, month="2026-10") == Window(datetime(2026, 9, 30, 22), datetime(2026, 10, 31, 23), BERLIN)
    assert window(month="2024-02") == Window(datetime(2024, 2, 1), datetime(2024, 3, 1))
    assert window(month="2026-12") == Window(datetime(2026, 12, 1), datetime(2027, 1, 1))


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "2026", "2026-10-01"])
def test_what_is_no_month_is_refused(month: str):
    with pytest.raises(UsageError, match="not a month"):
        window(month=month)


@pytest.mark.parametrize("day", ["2026-02-29", "2026-10", "20261017", "today"])
def test_what_is_no_day_is_refused(day: str):
    with pytest.raises(UsageError, match="not a day"):
        window(day=day)


@pytest.mark.parametrize("options", [{"day": "9999-12-31"}, {"month": "9999-12"}])
def test_the_end_of_the_calendar_is_too_far_away(options: dict[str, str]):
    with pytest.raises(UsageError, match="too far away"):
        window(**options)


@pytest.mark.parametrize("options", [{"since": "7"}, {"until": "-7d"}, {"since": "yesterday"}])
def test_what_is_neither_a_moment_nor_a_span_is_shown_both(options: dict[str, str]):
    with pytest.raises(UsageError, match=r"neither a moment nor a span back from now.* 2026-10-17T14:30, 24h or 7d\.$"):
        window(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"month": "2026-10", "day": "2026-10-17"},
        {"month": "2026-10", "since": "7d"},
        {"day": "2026-10-17", "until": "2026-10-18"},
    ],
)
def test_whole_windows_exclude_each_other_and_since_and_until(options: dict[str, str]):
    with pytest.raises(UsageError, match="--month and --day"):
        window(**options)


@pytest.mark.parametrize("options", [{"since": "2026-10-02", "until": "2026-10-01"}, {"since": "1h", "until": "1h"}])
def test_a_window_without_a_moment_is_refused(options: dict[str, str]):
    with pytest.raises(UsageError, match="window is empty"):
        window(**options)


def test_durations_have_a_number_and_a_unit():
    expected = {
        "30m": timedelta(minutes=30),
        "24h": timedelta(hours=24),
        "7d": timedelta(days=7),
        "4w": timedelta(days=28),
        "2s": timedelta(seconds=2),
        "1.5s": timedelta(milliseconds=1500),
        "800ms": timedelta(milliseconds=800),
        "0m": timedelta(),
    }
    assert {text: parse_duration(text) for text in expected} == expected


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7 days", "7y", "1e3s", "999999999999w"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(UsageError, match="not a length of time"):
        parse_duration(text)


def test_an_unknown_zone_is_refused_with_the_nearest():
    assert check_zone(BERLIN) == BERLIN
    with pytest.raises(UsageError, match="Did you mean 'Europe/Berlin'"):
        check_zone("europe/berlim")
    with pytest.raises(UsageError, match="There is no time zone"):
        check_zone("../../etc/passwd")
