"""Objectives in words: the line for monitoring, and how a verdict came about."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from tollbook.config.model import Slo
from tollbook.exits import Check
from tollbook.render import nagios
from tollbook.render.cells import in_zone, plain_decimal, rfc3339, visible
from tollbook.report.checks import show_labels, show_percent
from tollbook.report.slo import Judged, Scan, window_of


def nagios_line(state: Check, judged: Sequence[Judged]) -> str:
    """Return the line of `slo check --format nagios`; each objective gives what it attained and its budget."""
    missed = [one for one in judged if one.verdict.status == "breach"]
    silent = sum(one.verdict.status == "no_data" for one in judged)
    if missed:
        text = f"{len(missed)} of {len(judged)} objectives missed: {nagios.some(map(_missed, missed))}"
    elif silent == len(judged):
        text = "no data for any objective"
    else:
        text = f"{len(judged) - silent} objectives met" + (f", {silent} without data" if silent else "")
    return nagios.render(state, text, (metric for one in judged for metric in _metrics(one)))


def explanation(scan: Scan, judged: Sequence[Judged], warnings: Iterable[str], *, now: datetime, zone: str) -> str:
    """Return how an objective was judged: promise, window, counts, formula, and the query with its parameters.

    Args:
        scan: The query that judges it, and nothing else.
        judged: Its verdicts, one for each scope.
        warnings: What does not count.
        now: The moment that it was judged at, naive UTC.
        zone: IANA name of the zone that windows are shown in.
    """
    slo = scan.slos[0]
    lines = [slo.name, f"  promise   {_promise(slo)}", *_window(slo, now=now, zone=zone)]
    if scan.scope.filters:
        lines.append(f"  where     {', '.join(scan.scope.filters)}")
    for one in judged:
        lines += ["", *_counts(one)]
    if notes := [f"  note      {warning}" for warning in warnings]:
        lines += ["", *notes]
    query = [line.rstrip() for line in scan.sql.splitlines() if line.strip() and not line.startswith("--")]
    lines += ["", "  query", *(f"    {line}" for line in query), "", "  parameters"]
    lines += [f"    ${name} = {_parameter(value)}" for name, value in scan.params.items()]
    return "\n".join(map(visible, lines))


def _missed(one: Judged) -> str:
    sign = ">=" if one.slo.sli == "error" else "<"
    attained = show_percent(one.verdict.attained)
    return f"{one.slo.name}{show_labels(one.labels)} {attained} {sign} {show_percent(one.slo.target)}"


def _metrics(one: Judged) -> Iterator[nagios.Metric]:
    label = " ".join([one.slo.name, *(value or "unattributed" for value in one.labels.values())])
    target = show_percent(one.slo.target).removesuffix("%")
    attained, remaining = one.verdict.attained, one.verdict.budget_remaining
    bound = target if one.slo.sli == "error" else f"{target}:"
    yield nagios.Metric(label, None if attained is None else show_percent(attained), critical=bound)
    yield nagios.Metric(f"{label} budget", None if remaining is None else show_percent(remaining))


def _promise(slo: Slo) -> str:
    target = show_percent(slo.target)
    if slo.sli == "error":
        return f"less than {target} of requests with a known outcome fail"
    if slo.sli == "latency":
        return f"at least {target} of requests that did not fail take less than {slo.threshold}"
    return f"at least {target} of requests with a known outcome succeed"


def _window(slo: Slo, *, now: datetime, zone: str) -> Iterator[str]:
    since, ends = window_of(slo, now=now, zone=zone)
    length = f"rolling {slo.window}" if slo.window else f"calendar {slo.calendar}"
    yield f"  window    {length}: [{rfc3339(since)}, {rfc3339(now)})"
    if zone != "UTC":
        yield f"            in {zone}: [{in_zone(since, zone)}, {in_zone(now, zone)})"
    if slo.calendar:
        yield f"            the {slo.calendar} ends {rfc3339(ends)}"


def _counts(one: Judged) -> Iterator[str]:
    total, verdict = one.good + one.bad, one.verdict
    yield f"  counts{show_labels(one.labels)}"
    yield f"    good {one.good:,}, bad {one.bad:,}, total {total:,}"
    if verdict.attained is None:
        yield "    no data: nothing to judge"
        return
    target = one.slo.target
    part, sign = (one.bad, "<") if one.slo.sli == "error" else (one.good, ">=")
    word = "kept" if verdict.status == "ok" else "missed"
    yield f"    {part:,} / {total:,} = {show_percent(verdict.attained)}, promised {sign} {show_percent(target)}: {word}"
    numerator, denominator = target.as_integer_ratio()
    truth = "true" if verdict.status == "ok" else "false"
    yield f"    decided on whole numbers: {part} x {denominator} {sign} {total} x {numerator} is {truth}"
    allowed = target if one.slo.sli == "error" else 1 - target
    budget = plain_decimal(allowed * total)
    left = "none to spend" if verdict.budget_remaining is None else f"{show_percent(verdict.budget_remaining)} left"
    yield f"    budget: {show_percent(allowed)} of {total:,} = {budget} bad requests, {one.bad:,} spent, {left}"


def _parameter(value: object) -> str:
    if isinstance(value, datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    return str(value) if isinstance(value, Decimal | float | int) else "'" + str(value).replace("'", "''") + "'"
