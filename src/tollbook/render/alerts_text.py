"""Alerts in words: the line for monitoring."""

from collections.abc import Sequence
from decimal import Decimal

from tollbook.config.model import Alert
from tollbook.exits import Check
from tollbook.render import nagios
from tollbook.render.cells import plain_decimal
from tollbook.report.alerts import Evaluated, metric_name
from tollbook.report.checks import show_labels, show_percent


def nagios_line(state: Check, evaluated: Sequence[Evaluated]) -> str:
    """Return the line of `alerts check --format nagios`; each rule gives its value and its bound."""
    firing = [one for one in evaluated if one.reading.fires]
    silent = sum(one.reading.value is None for one in evaluated)
    if firing:
        kinds = [one.alert.severity for one in firing]
        counted = [f"{kinds.count(kind)} {kind}" for kind in ("critical", "warning", "info") if kind in kinds]
        text = f"{', '.join(counted)}: {nagios.some(map(_firing, firing))}"
    elif silent == len(evaluated):
        text = "no data for any alert rule"
    else:
        text = f"none of {len(evaluated)} alerts fires" + (f", {silent} without data" if silent else "")
    return nagios.render(state, text, map(_metric, evaluated))


def _firing(one: Evaluated) -> str:
    sign = "<" if one.alert.above is None else ">"
    value, bound = (_show(one.alert, number) for number in (one.reading.value, one.alert.bound))
    return f"{one.alert.name}{show_labels(one.labels)} {metric_name(one.alert)} {value} {sign} {bound}"


def _metric(one: Evaluated) -> nagios.Metric:
    label = " ".join([one.alert.name, *(value or "unattributed" for value in one.labels.values())])
    bound = _show(one.alert, one.alert.bound, for_people=False).rstrip("%ms") + (":" if one.alert.above is None else "")
    value = None if one.reading.value is None else _show(one.alert, one.reading.value, for_people=False)
    is_critical = one.alert.severity == "critical"
    is_warning = one.alert.severity == "warning"
    return nagios.Metric(label, value, bound if is_warning else "", bound if is_critical else "")


def _show(alert: Alert, number: Decimal | int | None, *, for_people: bool = True) -> str:
    """Return a value in the metric's unit; performance data knows no currency and no separators."""
    if number is None:
        return "no data"
    if alert.metric in {"error_rate", "success_rate"}:
        return show_percent(number)
    plain = plain_decimal(number)
    if alert.metric == "latency":
        return f"{plain} ms" if for_people else f"{plain}ms"
    return f"${plain}" if alert.metric == "cost" and for_people else plain
