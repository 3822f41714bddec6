"""What types cannot say of a configuration: names exist, values have a meaning, keys go together."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import timedelta

from tollbook.config.keys import join
from tollbook.config.model import Alert, Config, Format, Slo
from tollbook.config.values import parse_span
from tollbook.errors import UsageError
from tollbook.report.scope import BUILT_IN, Dimension, choose_dimension, dimensions
from tollbook.report.window import check_zone

RESERVED_FORMATS = frozenset({"auto", "native"})
# What stands beside the dimensions in the rows of latency, usage and chargeback.
_REPORT_COLUMNS = {
    "requests", "errors", "error_rate", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms", "mean_ms", "input_tokens",
    "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost", "amount", "share",
    "unpriced_requests", "complete", "unmetered_requests",
}  # fmt: skip
_CURRENCY = re.compile(r"[A-Z]{3}")
_NOT_IN_A_DIMENSION = re.compile(r"[,=!\s]")


def check(config: Config) -> None:
    """Make sure that every value means something.

    Raises:
        UsageError: One does not; the message begins with its dotted key and does not name the file.
    """
    _at("timezone", lambda: check_zone(config.timezone))
    _at("ingest.assume_timezone", lambda: check_zone(config.ingest.assume_timezone))
    if not _CURRENCY.fullmatch(config.currency):
        raise UsageError(
            f"currency: {config.currency!r} is no currency code; write three capital letters, as in 'USD'."
        )
    _check_dimensions(config.dimensions)
    for name, form in config.formats.items():
        _check_format(join("formats", name), name, form)
        _check_dimensions_read(config.dimensions, join("formats", name), form)
    known = dimensions(config.dimensions)
    _check_names("slo", [slo.name for slo in config.slo])
    for number, slo in enumerate(config.slo, start=1):
        _check_slo(f"slo[{number}]", slo, known)
    _check_names("alert", [alert.name for alert in config.alert])
    for number, alert in enumerate(config.alert, start=1):
        _check_alert(f"alert[{number}]", alert, known)


def _at(place: str, judge: Callable[[], object]) -> None:
    try:
        judge()
    except UsageError as error:
        sentence = str(error)
        raise UsageError(f"{place}: {sentence}{'' if sentence.endswith(('.', '?')) else '.'}") from error


def _check_dimensions(names: tuple[str, ...]) -> None:
    for number, name in enumerate(names, start=1):
        place = f"dimensions[{number}]"
        if not name or _NOT_IN_A_DIMENSION.search(name):
            raise UsageError(f"{place}: {name!r} is no name; leave out spaces, commas, '=' and '!'.")
        if name in _REPORT_COLUMNS:
            raise UsageError(
                f"{place}: reports have a column {name!r} already, so that the two would be one; remove it."
            )
        if name in BUILT_IN:
            raise UsageError(f"{place}: {name!r} is a dimension already; remove it.")
        if name in names[: number - 1]:
            raise UsageError(f"{place}: {name!r} is there twice; remove one.")


def _check_format(place: str, name: str, form: Format) -> None:
    if name in RESERVED_FORMATS:
        raise UsageError(f"{place}: the name {name!r} belongs to tollbook; choose another.")
    if not form.when:
        raise UsageError(f"{place}.when: name at least one key that a record of this format has.")
    for measure, keys in {
        "latency": ("latency_ms", "latency_s", "latency_us", "latency_ns"),
        "ttft": ("ttft_ms", "ttft_s"),
    }.items():
        given = [key for key in keys if getattr(form, key) is not None]
        if len(given) > 1:
            raise UsageError(f"{place}: {' and '.join(given)} all say the {measure}; keep one.")


def _check_dimensions_read(names: tuple[str, ...], place: str, form: Format) -> None:
    read = {getattr(form, item.name): item.name for item in fields(form) if item.name != "when"}
    for number, name in enumerate(names, start=1):
        if name in read:
            raise UsageError(
                f"dimensions[{number}]: {name!r} is what {place} reads {read[name]} from, and stands there; remove one."
            )


def _check_names(table: str, names: list[str]) -> None:
    for number, name in enumerate(names, start=1):
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{table}[{number}].name: {name!r} cannot be shown; write a few words.")
        if name in names[: number - 1]:
            raise UsageError(f"{table}[{number}].name: there is another {name!r}; names must differ.")


def _check_slo(place: str, slo: Slo, known: dict[str, Dimension]) -> None:
    _at(f"{place}.objective", lambda: slo.target)
    if slo.target == 0:
        raise UsageError(f"{place}.objective: {slo.objective!r} promises nothing; write more than 0.")
    if (slo.window is None) == (slo.calendar is None):
        raise UsageError(f"{place}: give one of window (rolling, as '30d') and calendar ('month', 'week' or 'day').")
    if slo.window is not None:
        _check_span(f"{place}.window", slo.window)
    if (slo.sli == "latency") != (slo.threshold is not None):
        wrong = "needs a threshold, as in '2s'" if slo.sli == "latency" else "takes no threshold"
        raise UsageError(f"{place}.threshold: an objective with sli = {slo.sli!r} {wrong}.")
    if slo.threshold is not None:
        _check_span(f"{place}.threshold", slo.threshold)
    _check_dimension_names(place, slo.by, slo.where, known)


def _check_alert(place: str, alert: Alert, known: dict[str, Dimension]) -> None:
    if (alert.above is None) == (alert.below is None):
        raise UsageError(f"{place}: give one of above and below.")
    _at(f"{place}.{'below' if alert.above is None else 'above'}", lambda: alert.bound)
    if alert.percentile is not None and alert.metric != "latency":
        raise UsageError(f"{place}.percentile: only an alert with metric = 'latency' has one; remove it.")
    _at(f"{place}.percentile", lambda: alert.quantile)
    _check_span(f"{place}.window", alert.window)
    _at(f"{place}.for", lambda: alert.hold_span)
    _check_dimension_names(place, alert.by, alert.where, known)


def _check_span(place: str, written: str) -> None:
    _at(place, lambda: parse_span(written))
    if parse_span(written) <= timedelta():
        raise UsageError(f"{place}: {written!r} is no time at all; write more than 0.")


def _check_dimension_names(
    place: str, by: Iterable[str], where: Mapping[str, str], known: dict[str, Dimension]
) -> None:
    for key, names in (("by", by), ("where", where)):
        for name in names:
            _at(f"{place}.{key}", lambda name=name: choose_dimension(name, known))  # type: ignore[misc] # mypy infers no type for it
