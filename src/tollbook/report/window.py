"""The stretch of time that a report covers: what users write, resolved to naive UTC moments."""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tollbook.errors import UsageError
from tollbook.report.model import Window

_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d|w)")
_MICROSECONDS: Final = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def check_zone(name: str) -> str:
    """Return the name of a time zone of the IANA database.

    Raises:
        UsageError: There is no such zone; the message names the nearest.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"There is no time zone {name!r}. {_nearest_zone(name)}") from error
    return name


def parse_moment(text: str, zone: str) -> datetime:
    """Return the moment that an ISO date or date-time names, naive UTC.

    Args:
        text: `2026-10-17`, `2026-10-17T14:30`, `2026-10-17 14:30:00Z`, `2026-10-17T14:30+02:00`. A date is its
            first moment.
        zone: The zone of times that state none. A local time that the clocks skip is as long after the change
            as it would have been without it; one that they repeat is the first of the two.

    Raises:
        UsageError: The text names no moment.
    """
    try:
        return _to_utc(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is not a moment. Write an ISO date or date-time: 2026-10-17, 2026-10-17T14:30 or "
            "2026-10-17T14:30:00Z."
        ) from error


def parse_duration(text: str) -> timedelta:
    """Return the length of `30m`, `24h`, `7d`, `4w`, `2s`, `1.5s` or `800ms`; a day is 24 hours.

    Raises:
        UsageError: The text names no length of time.
    """
    found = _DURATION.fullmatch(text.strip())
    try:
        if found:
            return timedelta(microseconds=int(Decimal(found[1]) * _MICROSECONDS[found[2]]))
    except OverflowError:
        pass
    raise UsageError(f"{text!r} is not a length of time. Write a number and its unit: 800ms, 2s, 30m, 24h, 7d or 4w.")


def resolve(
    since: str | None = None,
    until: str | None = None,
    month: str | None = None,
    day: str | None = None,
    *,
    now: datetime,
    zone: str,
) -> Window:
    """Return the window that the options ask for; the whole store when none is given.

    Args:
        since: First moment: an ISO date or date-time, or a span back from now (`7d`); a span ends now unless
            `until` says otherwise.
        until: First moment after the window, written likewise.
        month: A whole calendar month of the zone, `2026-10`.
        day: A whole calendar day of the zone, `2026-10-17`.
        now: What spans count back from, naive UTC.
        zone: IANA name of the zone of days, months and times that state none.

    Raises:
        UsageError: An option is malformed, two exclude each other, or the window would hold no moment.
    """
    whole = [option for option, value in (("--month", month), ("--day", day)) if value is not None]
    if len(whole) > 1 or (whole and (since is not None or until is not None)):
        raise UsageError("--month and --day each name a whole window. Give one of them alone, or --since and --until.")
    if month is not None:
        return _calendar_window(*month_days(month), zone)
    if day is not None:
        return _calendar_window(*_from_day(parse_day(day), 1), zone)
    start = None if since is None else _moment_or_span(since, now, zone)
    end = None if until is None else _moment_or_span(until, now, zone)
    if end is None and since is not None and _is_span(since):
        end = now
    if start is not None and end is not None and start >= end:
        raise UsageError(
            f"The window is empty: it would begin at {start:%Y-%m-%dT%H:%M:%SZ} and end at {end:%Y-%m-%dT%H:%M:%SZ}. "
            "Give --since a moment before --until."
        )
    return Window(start, end, zone)


def _is_span(text: str) -> bool:
    return _DURATION.fullmatch(text.strip()) is not None


def _moment_or_span(text: str, now: datetime, zone: str) -> datetime:
    if not _is_span(text):
        try:
            return parse_moment(text, zone)
        except UsageError as error:
            raise UsageError(
                f"{text!r} is neither a moment nor a span back from now. "
                "Write an ISO date or date-time, or a span: 2026-10-17, 2026-10-17T14:30, 24h or 7d."
            ) from error
    try:
        return now - parse_duration(text)
    except OverflowError as error:
        raise UsageError(f"{text!r} reaches back before the year 1. Give a shorter span.") from error


def _to_utc(moment: datetime, zone: str) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return moment.astimezone(UTC).replace(tzinfo=None)


def month_days(text: str) -> tuple[date, date]:
    """Return the first day of the month `2026-10` and the first day after it.

    Raises:
        UsageError: The text names no month.
    """
    found = _MONTH.fullmatch(text.strip())
    try:
        if found:
            first = date(int(found[1]), int(found[2]), 1)
            return _from_day(first, calendar.monthrange(first.year, first.month)[1])
    except ValueError:
        pass
    raise UsageError(f"{text!r} is not a month. Write year and month: 2026-10.")


def parse_day(text: str) -> date:
    """Return the day `2026-10-17`.

    Raises:
        UsageError: The text names no day.
    """
    text = text.strip()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{text!r} is not a day. Write year, month and day: 2026-10-17.")


def _from_day(first: date, days: int) -> tuple[date, date]:
    try:
        return first, first + timedelta(days=days)
    except OverflowError as error:
        raise _too_far(first) from error


def _too_far(day: date) -> UsageError:
    return UsageError(f"{day} is too far away to be reported on.")


def _calendar_window(first: date, after: date, zone: str) -> Window:
    try:
        start, end = (_to_utc(datetime.combine(day, time()), zone) for day in (first, after))
    except OverflowError as error:
        raise _too_far(first) from error
    if start >= end:
        raise UsageError(f"{first} never happened in {zone}: its clocks skipped that day. Give another day.")
    return Window(start, end, zone)


def _nearest_zone(name: str) -> str:
    import difflib  # noqa: PLC0415 - start-up: needed for a mistake only
    from zoneinfo import available_timezones  # noqa: PLC0415

    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    near = difflib.get_close_matches(name.lower(), zones, n=1)
    return f"Did you mean {zones[near[0]]!r}?" if near else "Write an IANA name: UTC, Europe/Berlin."
