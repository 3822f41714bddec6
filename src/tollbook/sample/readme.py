"""The README of the sample logs, written from their account."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tollbook.sample.account import Account
from tollbook.sample.month import LOOP, LOOP_PROMPT, OUTAGE, OUTAGE_DAY, OUTAGE_PROVIDER, SLOW, Entry, Kind, Span, stamp
from tollbook.sample.team import SONNET

_TEXT = """\
# Sample logs

October 2026 in the life of an imaginary AI-for-networking operations team, as its own logs tell it: {requests:,}
requests and {events:,} events, native log lines (one JSON object a line), times in UTC. Everything here, this text
included, was made from a seed by `python -m tollbook.sample bundle sample_logs`; nobody's prompts, names or bills are
in it. `expected.toml` holds the true counts, kept by the generator while it wrote the lines; the tests count again.

```
tollbook ingest sample_logs
tollbook chargeback --month 2026-10
tollbook latency --day 2026-10-21 --by hour
tollbook --at 2026-10-14T14:00 alerts check        # during the outage
tollbook --at 2026-10-23T03:00 alerts check        # after the cost spike
tollbook --at 2026-11-01 slo check                 # success is kept, latency is not
tollbook trace {trace}    # a request that met the outage
```

| file | lines | what it is |
|---|---:|---|
{files}

## What is hidden in them

| what | where | what to expect |
|---|---|---|
| outage | {outage}, {provider} | {outage_failures} of its {outage_requests} calls fail with 503, with retries |
| slow afternoon | {slow} | calls take 2.6 times as long: p99 over 3 s ({slow_over} of {slow_requests} over 2 s) |
| cost spike | {loop} | an agent of `automation` runs away: {loop_requests} calls, ever longer, about ${loop_cost} |
| requests of no team | everywhere | {unattributed} requests say no team: about 2 % |
| a model without a price | `netops-triage-8b`, in-house | {unpriced} requests whose cost is unknown, not zero |
| reported costs | the Anthropic models | {reported:,} lines say what they cost |
| unknown outcomes | `nightly-2026-10.jsonl` | {without_outcome} requests say neither success nor failure |
| streamed answers logged twice | everywhere | {streamed} requests have an earlier line: same id, fewer tokens |
| damaged lines | the third week, and three in the first | {rejected} to refuse: {reasons} |
| NUL bytes | one line of the third week | the record behind them is good |
| an unfinished last line | `gateway-2026-10-31.jsonl` | not a request yet, not an error |
| copies | {copies} | they add nothing |
| lines without ids | `nightly-2026-10.jsonl` | {twins} pairs of identical lines are honest twins: both count |
| late arrivals | `edge-2026-10-31.jsonl` | requests of 30 October; the last {redelivered} of them had arrived before |
| a day of 25 hours | 25 October, in zones such as Europe/Berlin | days and hours of a report with `--tz` |

## True totals

| | |
|---|---:|
| lines | {lines:,} |
| ... of them in copies | {copied:,} |
| requests | {requests:,} |
| events | {events:,} |
| duplicates, copies aside | {duplicates:,} |
| to be refused | {rejected:,} |
| failures | {failures:,} |
| input tokens (cached and written parts included) | {input_tokens:,} |
| output tokens (reasoning included) | {output_tokens:,} |

| team | requests | failures | input tokens | output tokens |
|---|---:|---:|---:|---:|
{teams}

| model | requests | failures | input tokens | output tokens |
|---|---:|---:|---:|---:|
{models}
"""
_PROMISED_MS = 2000
_FILES = {
    "gateway": "the gateway's log",
    "edge": "a site that was cut off on 30 October, 08:00 to 11:00, and delivered afterwards",
    "nightly": "a batch job: no ids, epoch seconds, other field names",
}


def readme(account: Account, days: Sequence[Sequence[Entry]]) -> str:
    """Return the README's text."""
    totals = account.totals
    requests = [entry for day in days for entry in day if entry.kind is Kind.REQUEST]
    outage = [e for e in _within(requests, OUTAGE) if e.record["provider"] == OUTAGE_PROVIDER]
    slow = list(_within(requests, SLOW))
    loop = [
        e
        for e in _within(requests, LOOP)
        if e.record["model"] == SONNET.name and _number(e, "input_tokens") > LOOP_PROMPT
    ]
    return _TEXT.format(
        trace=_retried(days[OUTAGE_DAY - 1]),
        files="\n".join(f"| `{name}` | {lines:,} | {_about(name, account)} |" for name, lines in account.files.items()),
        outage=_span(OUTAGE),
        provider=OUTAGE_PROVIDER,
        outage_requests=len(outage),
        outage_failures=sum(e.record["success"] is False for e in outage),
        slow=_span(SLOW),
        slow_requests=len(slow),
        slow_over=sum(_number(e, "latency_ms") >= _PROMISED_MS for e in slow),
        loop=_span(LOOP),
        loop_requests=len(loop),
        loop_cost=sum(3 * _number(e, "input_tokens") + 15 * _number(e, "output_tokens") for e in loop) // 1_000_000,
        unattributed=account.by["team"]["unattributed"]["requests"],
        unpriced=account.by["model"]["netops-triage-8b"]["requests"],
        reported=totals["with_reported_cost"],
        without_outcome=totals["without_outcome"],
        streamed=account.duplicates["streamed"],
        redelivered=account.duplicates["redelivered"],
        rejected=totals["rejected"],
        reasons=", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(account.rejected.items())),
        copies=" and ".join(f"`{name}`" for name in account.copies),
        twins=totals["twin_lines"],
        lines=sum(account.files.values()),
        copied=sum(account.files[name] for name in account.copies),
        requests=totals["requests"],
        events=totals["events"],
        duplicates=totals["duplicates"],
        failures=totals["failures"],
        input_tokens=totals["input_tokens"],
        output_tokens=totals["output_tokens"],
        teams=_rows(account, "team"),
        models=_rows(account, "model"),
    )


def _within(requests: Iterable[Entry], span: Span) -> Iterable[Entry]:
    return (entry for entry in requests if span.holds(entry.moment))


def _retried(day: Sequence[Entry]) -> object:
    """Return the trace with most lines among those that tell their whole life and tried again during the outage."""
    lines = Counter(entry.record["trace_id"] for entry in day)
    again = [e.record["trace_id"] for e in day if e.record.get("message") == "retry" and OUTAGE.holds(e.moment)]
    whole = {entry.record["trace_id"] for entry in day if entry.record.get("message") == "request received"}
    return max(again, key=lambda trace: (trace in whole, lines[trace]))


def _number(entry: Entry, key: str) -> int:
    value = entry.record[key]
    return value if isinstance(value, int) else 0


def _span(span: Span) -> str:
    since, until = stamp(span.since), stamp(span.until)
    return f"{since[:10]} {since[11:16]} to {until[11:16]}"


def _about(name: str, account: Account) -> str:
    if name in account.copies:
        return f"the rotated, compressed copy of `{account.copies[name]}`"
    return _FILES[name.partition("-")[0]]


def _rows(account: Account, dimension: str) -> str:
    names = ("requests", "failures", "input_tokens", "output_tokens")
    return "\n".join(
        f"| {value} | " + " | ".join(f"{counts[name]:,}" for name in names) + " |"
        for value, counts in sorted(account.by[dimension].items())
    )
