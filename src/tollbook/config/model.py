"""The shape of `tollbook.toml`; the defaults are what tollbook does without any file.

Values stay as they are written in the file, because `config show` prints them; the properties say what they
mean, and `config.check` makes sure, when a file is read, that all of them have a meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from tollbook.config.values import parse_amount, parse_percentile, parse_ratio, parse_span, span_ms

Number = str | int  # a TOML float arrives as its text, so that no digit is lost
Metric = Literal["error_rate", "success_rate", "latency", "cost", "requests", "tokens"]
Severity = Literal["critical", "warning", "info"]
Calendar = Literal["month", "week", "day"]


@dataclass(frozen=True, kw_only=True)
class Format:
    """`[formats.NAME]`: how records of a log of one's own map to tollbook's fields.

    `when` lists the keys that a record of this format has. Every other value is the key, or the dotted
    path, that the field is read from; a field left out is not read, and its value stays in `attributes`.
    """

    when: tuple[str, ...]
    timestamp: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    provider: str | None = None
    service_tier: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    cached_input_tokens: str | None = None
    cache_write_tokens: str | None = None
    reasoning_tokens: str | None = None
    total_tokens: str | None = None
    latency_ms: str | None = None
    latency_s: str | None = None
    latency_us: str | None = None
    latency_ns: str | None = None
    ttft_ms: str | None = None
    ttft_s: str | None = None
    success: str | None = None  # true is success
    failure: str | None = None  # true is failure
    status_code: str | None = None  # 2xx is success
    error: str | None = None  # present is failure
    error_type: str | None = None
    team: str | None = None
    project: str | None = None
    environment: str | None = None
    user: str | None = None
    service: str | None = None
    application: str | None = None
    cost: str | None = None
    level: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Models:
    """`[models]`."""

    aliases: Mapping[str, str] = field(default_factory=dict)  # names in the logs -> `model` or `provider/model`


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`[cost]`: which of the costs that are kept side by side counts."""

    source: Literal["computed", "reported", "reported_else_computed"] = "computed"


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """`[ingest]`."""

    assume_timezone: str = "UTC"  # IANA zone of times that a log writes without one
    keep_excerpts: bool = False  # keep the start of refused lines in the store (they can hold prompts)


@dataclass(frozen=True, kw_only=True)
class Slo:
    """One `[[slo]]`: a promise about the share of good requests in a window."""

    name: str
    objective: Number  # "99%" or "0.99"; for sli = "error" the rate to stay below
    sli: Literal["success", "latency", "error"] = "success"
    threshold: str | None = None  # for sli = "latency": a duration, "2s" or "800ms"
    window: str | None = None  # rolling: "30d", "24h"
    calendar: Calendar | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()

    @property
    def target(self) -> Decimal:
        """The objective as an exact ratio: 0.99 for "99%"."""
        return parse_ratio(self.objective)

    @property
    def threshold_ms(self) -> float | None:
        """The latency, in milliseconds, that a good request stays below."""
        return None if self.threshold is None else span_ms(parse_span(self.threshold))

    @property
    def rolling(self) -> timedelta | None:
        """The length of a rolling window."""
        return None if self.window is None else parse_span(self.window)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One `[[alert]]`: a metric over a window, and the bound that it fires beyond."""

    name: str
    metric: Metric
    above: Number | None = None  # exactly one of above and below: "5%", "3s", "$50", 1000
    below: Number | None = None
    percentile: Number | None = None  # for metric = "latency"; 99 when left out
    window: str = "1h"
    severity: Severity = "warning"
    hold: str = field(default="0m", metadata={"key": "for"})
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def bound(self) -> Decimal:
        """The bound in the metric's unit: a ratio, milliseconds, USD, requests or tokens."""
        written = self.above if self.above is not None else self.below
        if self.metric in {"error_rate", "success_rate"}:
            return parse_ratio(written)
        if self.metric == "latency":
            return Decimal(repr(span_ms(parse_span(written))))
        return parse_amount(written)

    @property
    def quantile(self) -> Decimal:
        """The percentile as an exact ratio: 0.99 for 99, "99" or "p99"."""
        return parse_percentile(99 if self.percentile is None else self.percentile)

    @property
    def span(self) -> timedelta:
        """The length of the window."""
        return parse_span(self.window)

    @property
    def hold_span(self) -> timedelta:
        """How long it must hold before it fires."""
        return parse_span(self.hold)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole file."""

    store: str | None = None
    timezone: str = "UTC"
    currency: str = "USD"
    dimensions: tuple[str, ...] = ()
    formats: Mapping[str, Format] = field(default_factory=dict)
    models: Models = Models()
    cost: Cost = Cost()
    ingest: Ingest = Ingest()
    slo: tuple[Slo, ...] = ()
    alert: tuple[Alert, ...] = ()
