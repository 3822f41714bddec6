"""Native request lines in any number, at several hundred thousand a second: input for measurements.

A line is put together from a moment, ids that follow from its number, and two ready-made parts (who called what;
how it went) that a seeded draw chooses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from tollbook.sample.draw import STEADY, WIDE, Draw
from tollbook.sample.files import open_for_writing
from tollbook.sample.team import ENVIRONMENTS, FAILURES, HOURS, TEAMS

_CALLS, _OUTCOMES = 8192, 4096
_FAILS = 7  # of a thousand
_LINES_AT_ONCE = 10_000
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that numbers and ids correspond one to one
_ID_BITS, _LOW_BITS = (1 << 128) - 1, (1 << 64) - 1
_HOUR_MS = 3_600_000
_DAMAGED = ('{{"timestamp":"2026-01-01T00:00:00.000Z","request_id":"cut-{0}","model":"gpt-4', "worker {0} restarted")


@dataclass(frozen=True)
class Volume:
    """How much of what to write.

    Args:
        requests: Good lines.
        per_day: Requests of each full day.
        start: The first day, UTC.
        seed: The seed.
        skip_days: Leave out so many days from the start on: files of adjacent days join without a seam.
        ids: Whether lines have request ids.
        bad_every: Put a damaged line after every so many good ones; 0 for none.
    """

    requests: int
    per_day: int = 50_000
    start: date = date(2026, 1, 1)
    seed: int = 1
    skip_days: int = 0
    ids: bool = True
    bad_every: int = 0


def write_volume(path: Path, volume: Volume) -> int:
    """Write the lines into a file, compressed as its suffix says; return how many."""
    lines = volume_lines(volume)
    written = 0
    with open_for_writing(path) as file:
        while some := list(islice(lines, _LINES_AT_ONCE)):
            file.write(("\n".join(some) + "\n").encode())
            written += len(some)
    return written


def volume_lines(volume: Volume) -> Iterator[str]:
    """Yield the lines in order of time, without their ends."""
    calls, outcomes = _calls(Draw(volume.seed, -1)), _outcomes(Draw(volume.seed, -2))
    since_bad = 0
    for number, moment in islice(_moments(volume), volume.requests):
        if number % volume.per_day == 0:
            draw = Random(volume.seed * 1_000_003 + number // volume.per_day).random  # noqa: S311 - a sample
        spread = ((number + 1 + (volume.seed << 40)) * _SPREAD) & _ID_BITS
        request_id = f'"request_id":"req_{spread & _LOW_BITS:016x}",' if volume.ids else ""
        call, outcome = calls[int(draw() * _CALLS)], outcomes[int(draw() * _OUTCOMES)]
        yield f'{{"timestamp":"{moment}",{request_id}"trace_id":"{spread:032x}",{call}{outcome}'
        since_bad += 1
        if since_bad == volume.bad_every:
            since_bad = 0
            yield _DAMAGED[number // volume.bad_every % len(_DAMAGED)].format(number)


def _moments(volume: Volume) -> Iterator[tuple[int, str]]:
    """Yield each request's number and RFC 3339 time: evenly within an hour, by the hours' weights within a day."""
    minutes = [f"{second // 60:02d}:{second % 60:02d}" for second in range(3600)]
    thousandths = [f".{ms:03d}Z" for ms in range(1000)]
    edges = [volume.per_day * sum(HOURS[:hour]) // sum(HOURS) for hour in range(len(HOURS) + 1)]
    day = volume.skip_days
    while True:
        date_text = (volume.start + timedelta(days=day)).isoformat()
        for hour in range(24):
            prefix = f"{date_text}T{hour:02d}:"
            base, count = day * volume.per_day + edges[hour], edges[hour + 1] - edges[hour]
            for k in range(count):
                ms = k * _HOUR_MS // count
                yield base + k, f"{prefix}{minutes[ms // 1000]}{thousandths[ms % 1000]}"
        day += 1


def _calls(draw: Draw) -> list[str]:
    """Return who calls what with how many tokens, as the middle of a line."""
    parts = []
    for _ in range(_CALLS):
        team = draw.pick(TEAMS)
        model, project = draw.pick(team.models), draw.pick(team.projects)
        whole = min(draw.around(model.input_tokens // 2, WIDE), 60_000)
        cached = f'"cached_input_tokens":{whole * 6 // 10},' if draw.chance(model.cached) else ""
        who = f'"team":"{team.name}",' if not draw.chance(20) else ""
        parts.append(
            f'"provider":"{model.provider}","model":"{model.name}",{who}"project":"{project}",'
            f'"environment":"{draw.pick(ENVIRONMENTS)}",'
            f'"input_tokens":{whole},{cached}"output_tokens":{draw.around(model.output_tokens, WIDE)},'
        )
    return parts


def _outcomes(draw: Draw) -> list[str]:
    """Return how a call went, as the end of a line."""
    parts = []
    for _ in range(_OUTCOMES):
        if draw.chance(_FAILS):
            failure = draw.pick(FAILURES)
            parts.append(
                f'"latency_ms":{draw.around(failure.latency_ms, STEADY)},"success":false,'
                f'"status_code":{failure.status_code},"error_type":"{failure.error_type}"}}'
            )
        else:
            latency_ms = draw.around(640, STEADY) * (3 if draw.chance(8) else 1)
            parts.append(f'"latency_ms":{latency_ms},"success":true}}')
    return parts
