"""October 2026 as the team lived it: the requests and events of each day, with its three incidents."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tollbook.sample.draw import STEADY, WIDE, Draw
from tollbook.sample.team import (
    ENVIRONMENTS,
    FAILURES,
    HOURS,
    OVERLOADED,
    REGIONS,
    SERVICES,
    SONNET,
    TEAMS,
    TOOLS,
    Failure,
    Model,
)

DAYS = 31
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_TASK_STARTS_MS = 3_480_000  # tasks start early enough in an hour to end within it
_WEEKDAY_TASKS, _WEEKEND_TASKS = 384, 176
_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Span:
    """A stretch `[since, until)` of the month, in ms after 2026-10-01T00:00:00Z."""

    since: int
    until: int

    @staticmethod
    def of(day: int, hour: int, hours: int) -> "Span":
        """Return the stretch that begins at an hour of a day of October."""
        since = (day - 1) * _DAY_MS + hour * _HOUR_MS
        return Span(since, since + hours * _HOUR_MS)

    def holds(self, moment: int) -> bool:
        """Say whether the moment lies in the stretch."""
        return self.since <= moment < self.until


OUTAGE_DAY = 14
OUTAGE = Span.of(OUTAGE_DAY, 13, 2)  # a provider refuses a third of the calls
OUTAGE_PROVIDER, OUTAGE_FAILS = "openai", 350  # of a thousand
SLOW = Span.of(21, 12, 5)  # everything takes this many tenths of its time:
SLOW_TENTHS = 26
LOOP = Span.of(23, 2, 1)  # an agent that calls itself, its whole history in every prompt
LOOP_CALLS, LOOP_TEAM, LOOP_USER = 140, "automation", "svc-remediator"
LOOP_PROMPT, _LOOP_GROWTH = 60_000, 960  # tokens of the first prompt, and what every step adds


class Kind(Enum):
    """What a line is to the account."""

    REQUEST = "request"
    PARTIAL = "partial"  # an earlier state of a streamed request; the line with the final one follows
    EVENT = "event"


@dataclass(frozen=True)
class Entry:
    """A line: when it starts (ms after the month's beginning), what it is, its native record."""

    moment: int
    kind: Kind
    record: dict[str, object]


@dataclass(frozen=True)
class _Caller:
    """Who asks: what every line of a task has in common."""

    team: str | None
    user: str | None
    project: str
    environment: str
    region: str
    trace_id: str
    session_id: str | None

    @property
    def service(self) -> str:
        return SERVICES[self.project]


def stamp(moment: int) -> str:
    """Return a moment of the month as RFC 3339, to the millisecond."""
    day, rest = divmod(moment, _DAY_MS)
    seconds, ms = divmod(rest, 1000)
    return f"2026-10-{day + 1:02d}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}Z"


def is_weekend(day: int) -> bool:
    """Say whether a day of October 2026 (1 to 31) is a Saturday or a Sunday."""
    return day % 7 in {3, 4}


def entries(seed: int) -> Iterator[list[Entry]]:
    """Yield the lines of each day of the month, in order of time."""
    for day in range(1, DAYS + 1):
        yield sorted(_day(Draw(seed, day), day), key=lambda entry: entry.moment)


def _day(draw: Draw, day: int) -> Iterator[Entry]:
    tasks = _WEEKEND_TASKS if is_weekend(day) else _WEEKDAY_TASKS
    for hour, part in enumerate(HOURS):
        count, rest = divmod(tasks * part, sum(HOURS))
        count += draw.below(sum(HOURS)) < rest
        for _ in range(count):
            yield from _task(draw, (day - 1) * _DAY_MS + hour * _HOUR_MS + draw.below(_TASK_STARTS_MS))
    if LOOP.since // _DAY_MS == day - 1:
        yield from _loop(draw)


def _task(draw: Draw, moment: int) -> Iterator[Entry]:
    """Yield one task: one to three calls, each tried again when it fails, some with the events around them."""
    team = draw.pick(TEAMS)
    user = team.users[draw.below(len(team.users))]
    known = not draw.chance(20)
    caller = _Caller(
        team=team.name if known else None,
        user=user if known else None,
        project=draw.pick(team.projects),
        environment=draw.pick(ENVIRONMENTS),
        region=draw.pick(REGIONS),
        trace_id=draw.hex(32),
        session_id=f"s-{draw.hex(8)}" if draw.chance(150) else None,
    )
    model = draw.pick(team.models)
    tells = draw.chance(220)
    steps = 1 + draw.chance(180) + draw.chance(40)
    if tells:
        yield _event(draw, caller, moment, "INFO", "request received")
        moment += 4 + draw.below(30)
    for step in range(1, steps + 1):
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            failure = _failure(draw, model, moment)
            yield from _call(draw, caller, model, moment, failure)
            moment += draw.below(40) + (failure.latency_ms + 500 * attempt if failure else 2 * model.latency_ms)
            if failure is None or attempt == _MOST_ATTEMPTS:
                break
            yield _event(draw, caller, moment, "WARNING", "retry", attempt=attempt, reason=failure.error_type)
            moment += 20 + draw.below(100)
        if tells and step < steps:
            tool = TOOLS[caller.project][draw.below(3)]
            yield _event(draw, caller, moment, "INFO", "tool called", tool=tool, duration_ms=12 + draw.below(400))
            moment += 420
    if tells or failure:
        level, message = ("ERROR", "gave up") if failure else ("INFO", "answer sent")
        yield _event(draw, caller, moment, level, message)


def _failure(draw: Draw, model: Model, moment: int) -> Failure | None:
    if model.provider == OUTAGE_PROVIDER and OUTAGE.holds(moment) and draw.chance(OUTAGE_FAILS):
        return OVERLOADED
    return draw.pick(FAILURES) if draw.chance(6) else None


def _call(draw: Draw, caller: _Caller, model: Model, moment: int, failure: Failure | None) -> Iterator[Entry]:
    """Yield a call's line; a streamed one sometimes has an earlier line of its own, before the answer was complete."""
    record: dict[str, object] = {"timestamp": stamp(moment), "request_id": f"req_{draw.hex(20)}"}
    record |= {"trace_id": caller.trace_id, "span_id": draw.hex(16)}
    if caller.session_id:
        record["session_id"] = caller.session_id
    record |= {"provider": model.provider, "model": model.name}
    if failure:
        record |= {"input_tokens": 0, "output_tokens": 0}
        record["latency_ms"] = draw.around(failure.latency_ms, STEADY)
        record |= {"success": False, "status_code": failure.status_code}
        record |= {"error_type": failure.error_type, "error": failure.error}
        yield Entry(moment, Kind.REQUEST, record | _dimensions(caller))
        return
    tokens = _tokens(draw, model)
    if draw.chance(15):
        so_far = tokens | {"output_tokens": 1 + tokens["output_tokens"] // 3}
        so_far.pop("reasoning_tokens", None)
        yield Entry(moment, Kind.PARTIAL, record | so_far | {"stream": "open"} | _dimensions(caller))
    latency_ms = draw.around(model.latency_ms, STEADY) * (SLOW_TENTHS if SLOW.holds(moment) else 10) // 10
    if draw.chance(4):
        latency_ms *= 3
    record |= tokens | {"latency_ms": latency_ms, "ttft_ms": latency_ms * (25 + draw.below(20)) // 100}
    record |= {"success": True, "status_code": 200} | _dimensions(caller)
    if model.rates and draw.chance(600):
        record["cost_usd"] = _reported(tokens, model.rates)
    yield Entry(moment, Kind.REQUEST, record)


def _tokens(draw: Draw, model: Model) -> dict[str, int]:
    """Return the counts of a call: parts of the prompt are part of `input_tokens`, reasoning of `output_tokens`."""
    whole = min(draw.around(model.input_tokens, WIDE), LOOP_PROMPT)
    tokens = {"input_tokens": whole}
    if draw.chance(model.cached):
        tokens["cached_input_tokens"] = whole * (30 + draw.below(60)) // 100
    elif draw.chance(model.writes):
        tokens["cache_write_tokens"] = whole * (40 + draw.below(50)) // 100
    answer = draw.around(model.output_tokens, WIDE)
    thought = draw.around(model.output_tokens * 2, WIDE) if model.reasons else 0
    tokens["output_tokens"] = answer + thought
    if model.reasons:
        tokens["reasoning_tokens"] = thought
    return tokens


def _reported(tokens: dict[str, int], rates: tuple[int, int, int, int]) -> float:
    """Return what the client says the call cost, USD: a float, as clients write it."""
    cached, written = tokens.get("cached_input_tokens", 0), tokens.get("cache_write_tokens", 0)
    parts = (tokens["input_tokens"] - cached - written, cached, written, tokens["output_tokens"])
    return sum(count * rate for count, rate in zip(parts, rates, strict=True)) / 100_000_000


def _dimensions(caller: _Caller) -> dict[str, object]:
    who: dict[str, object] = {"team": caller.team, "user": caller.user} if caller.team else {}
    where = {"project": caller.project, "environment": caller.environment, "service": caller.service}
    return who | where | {"labels": {"region": caller.region}}


def _event(draw: Draw, caller: _Caller, moment: int, level: str, message: str, **more: object) -> Entry:
    record: dict[str, object] = {"timestamp": stamp(moment), "level": level, "message": message}
    record |= {"trace_id": caller.trace_id, "span_id": draw.hex(16), "service": caller.service, **more}
    return Entry(moment, Kind.EVENT, record)


def _loop(draw: Draw) -> Iterator[Entry]:
    """Yield the agent that ran away: every call sends all that came before, until a guard stops it."""
    caller = _Caller(
        LOOP_TEAM, LOOP_USER, "config-gen", "production", "eu-central", draw.hex(32), f"s-{draw.hex(8)}"
    )  # fmt: skip
    moment = LOOP.since + 5 * 60_000
    yield _event(draw, caller, moment, "INFO", "request received")
    for number in range(1, LOOP_CALLS + 1):
        moment += 2_000
        whole = LOOP_PROMPT + number * _LOOP_GROWTH
        tokens = {"input_tokens": whole, "output_tokens": draw.around(3_400, STEADY)}
        latency_ms = draw.around(2_300, STEADY)
        record: dict[str, object] = {"timestamp": stamp(moment), "request_id": f"req_{draw.hex(20)}"}
        record |= {"trace_id": caller.trace_id, "span_id": draw.hex(16), "session_id": caller.session_id}
        record |= {"provider": SONNET.provider, "model": SONNET.name, **tokens}
        record |= {"latency_ms": latency_ms, "ttft_ms": latency_ms * 2 // 5, "success": True, "status_code": 200}
        yield Entry(moment, Kind.REQUEST, record | _dimensions(caller))
        moment += 15_000 + draw.below(4_000)
        yield _event(draw, caller, moment, "INFO", "tool called", tool="dry_run", duration_ms=300 + draw.below(900))
    yield _event(draw, caller, moment + 500, "ERROR", "step limit reached, agent stopped", steps=LOOP_CALLS)
