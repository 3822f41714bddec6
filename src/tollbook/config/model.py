"""The shape of `tollbook.toml`; the defaults are what tollbook does without any file."""

from typing import Literal

import msgspec


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A table of the file: unknown keys are errors."""


Failure = str  # name of a key whose truth, presence or status tells a failure


class Format(_Table):
    """`[formats.NAME]`: how records of a log of one's own map to tollbook's fields.

    `when` lists the keys that a record of this format has. Every other value is the key, or the dotted
    path, that the field is read from; a field left out falls back to the native names.
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


class Models(_Table):
    """`[models]`."""

    aliases: dict[str, str] = {}  # names in the logs -> catalogue names, `model` or `provider/model`


class Cost(_Table):
    """`[cost]`: which of the costs that are kept side by side counts."""

    source: Literal["computed", "reported", "reported_else_computed"] = "computed"


class Ingest(_Table):
    """`[ingest]`."""

    assume_timezone: str = "UTC"  # IANA zone of times that a log writes without one
    keep_excerpts: bool = False  # keep the start of refused lines in the store (they can hold prompts)


class Slo(_Table):
    """One `[[slo]]`."""

    name: str
    sli: Literal["success", "latency", "error"] = "success"
    objective: str  # "99%" or "0.99": an exact decimal, kept as written; for sli = "error" the rate to stay below
    threshold: str | None = None  # for sli = "latency": a duration, "2s" or "800ms"
    window: str | None = None  # rolling: "30d", "24h"
    calendar: Literal["month", "week", "day"] | None = None
    where: dict[str, str] = {}
    by: tuple[str, ...] = ()


class Alert(_Table, rename={"hold": "for"}):
    """One `[[alert]]`."""

    name: str
    metric: Literal["error_rate", "success_rate", "latency", "cost", "requests", "tokens", "burn"]
    above: str | int | float | None = None  # exactly one of above and below: "5%", "3s", "$50", 1000
    below: str | int | float | None = None
    percentile: str | int | float | None = None  # for metric = "latency"
    window: str = "1h"
    severity: Literal["critical", "warning", "info"] = "warning"
    hold: str = "0m"  # `for` in the file
    by: tuple[str, ...] = ()
    where: dict[str, str] = {}


class Config(_Table):
    """The whole file."""

    store: str | None = None
    timezone: str = "UTC"
    currency: str = "USD"
    dimensions: tuple[str, ...] = ()
    formats: dict[str, Format] = {}
    models: Models = Models()
    cost: Cost = Cost()
    ingest: Ingest = Ingest()
    slo: tuple[Slo, ...] = ()
    alert: tuple[Alert, ...] = ()
