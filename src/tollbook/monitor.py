"""The writer's side: an application tracks its LLM calls, and each becomes one native log line for `tollbook ingest`.

Standard library only, so that it can sit in any service.
"""

import json
import math
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self


class ProductionMonitor:
    """Writes one JSON line per LLM call to a file; safe to share between threads and between processes.

    A line is appended in a single write, so lines of several writers never mix, and the file is opened for each,
    so it can be rotated at any time. Once the monitor is made, a failing disk never fails the application:
    a line that could not be written is counted in `lost` and reported through `logging`.

    Example:
        >>> monitor = ProductionMonitor("llm.jsonl", team="network-ops", project="bgp-analyzer")
        >>> with monitor.track_request("gpt-4o", provider="openai") as call:
        ...     response = client.chat.completions.create(...)
        ...     call.usage = response.usage

    Args:
        path: The log file; it is made with its folder where missing.
        team: Who pays. This and the following are written with each call unless the call names its own.
        project: What for.
        environment: For example `production`.
        service: The program that calls.
        application: The application that it belongs to.
        user: For whom.
        record_error_messages: Write the text of exceptions too, not only their type. Texts can quote prompts.

    Attributes:
        lost: How many lines could not be written.

    Raises:
        OSError: The file cannot be made or opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        team: str | None = None,
        project: str | None = None,
        environment: str | None = None,
        service: str | None = None,
        application: str | None = None,
        user: str | None = None,
        record_error_messages: bool = False,
    ) -> None:
        self.path = Path(path)
        self.record_error_messages = record_error_messages
        self.lost = 0
        self._always = {
            "team": team,
            "project": project,
            "environment": environment,
            "service": service,
            "application": application,
            "user": user,
        }
        self._lock = threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(self._open())

    def track_request(
        self,
        model: str | None = None,
        *,
        provider: str | None = None,
        request_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        parent_span_id: str | None = None,
        session_id: str | None = None,
        team: str | None = None,
        project: str | None = None,
        environment: str | None = None,
        service: str | None = None,
        application: str | None = None,
        user: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_input_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        latency_ms: float | None = None,
        ttft_ms: float | None = None,
        success: bool | None = None,
        error_type: str | None = None,
        cost_usd: Decimal | float | None = None,
        **attributes: object,
    ) -> "TrackedRequest":
        """Track one LLM call: as a context manager that measures it, or at once for a call that is over.

        `with monitor.track_request("gpt-4o") as call:` writes the line when the block ends: the latency is the
        block's, an exception makes the call a failure (its type is written; it is raised again). With
        `latency_ms` the call is taken to be over, and the line is written before this returns.

        Args:
            model: The model called, as the provider names it.
            provider: Whose model, e.g. `openai`; it decides between like-named models' prices.
            request_id: The call's identity; one is made when missing.
            trace_id: Correlates the call with the rest of its request, as do the next three.
            span_id: The call's own span.
            parent_span_id: The span that made the call.
            session_id: The conversation or agent run.
            team: This and the following instead of the monitor's own.
            project: What for.
            environment: For example `production`.
            service: The program that calls.
            application: The application that it belongs to.
            user: For whom.
            input_tokens: The whole prompt in tokens, cached and written parts included.
            output_tokens: The whole answer in tokens, reasoning included.
            cached_input_tokens: Part of `input_tokens`.
            cache_write_tokens: Part of `input_tokens`.
            reasoning_tokens: Part of `output_tokens`.
            latency_ms: How long the call took, in milliseconds; it has ended that long after it started.
            ttft_ms: Milliseconds to the first token.
            success: Whether it succeeded; without it a call that raised nothing did.
            error_type: What failed; it makes the call a failure.
            cost_usd: What it cost by the application's own account, in USD.
            **attributes: Anything else, kept with the request; a configured dimension can be read from it.

        Returns:
            The call, to be used in a `with` statement; its attributes can be set until the block ends.
        """
        call = TrackedRequest(
            self,
            model=model,
            request_id=request_id or str(uuid.uuid4()),
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached_input_tokens,
            cache_write_tokens=cache_write_tokens,
            reasoning_tokens=reasoning_tokens,
            latency_ms=latency_ms,
            ttft_ms=ttft_ms,
            success=success,
            error_type=error_type,
            cost_usd=cost_usd,
        )
        call.set(
            provider=provider,
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=parent_span_id,
            session_id=session_id,
            team=team,
            project=project,
            environment=environment,
            service=service,
            application=application,
            user=user,
            **attributes,
        )
        if latency_ms is not None:
            call.finish()
        return call

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record as a line of JSON; members that are None are left out.

        `track_request` calls this. Call it with a `timestamp` and a `message` to log an event of a trace.
        """
        self._write(lambda: record)

    def _write(self, make: Callable[[], Mapping[str, object]]) -> None:
        try:
            record = make()
            full = {**record, **{name: record.get(name) or value for name, value in self._always.items()}}
            line = _to_json({name: value for name, value in full.items() if value is not None}) + "\n"
            self._append(line.encode())
        except Exception as error:  # noqa: BLE001 - accounting for a call must never fail the call
            import logging  # noqa: PLC0415 - import time: needed for a failure only

            self.lost += 1
            reason = error.strerror if isinstance(error, OSError) else type(error).__name__
            logging.getLogger("tollbook").warning("A line for %s is lost: %s.", self.path, reason)

    def _append(self, line: bytes) -> None:
        with self._lock:
            file = self._open()
            try:
                written = os.write(file, line)
                if written < len(line):  # a full disk: end the stump, so that it spoils no other line
                    os.write(file, b"\n")
                    raise OSError(None, "the disk took only a part of it")
            finally:
                os.close(file)

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


@dataclass(kw_only=True)
class TrackedRequest:
    """One LLM call being tracked; what is set on it before it finishes is written.

    Args:
        monitor: Where the line goes.
        model: The model called.
        request_id: The call's identity.
        input_tokens: The whole prompt in tokens.
        output_tokens: The whole answer in tokens.
        cached_input_tokens: Part of `input_tokens`.
        cache_write_tokens: Part of `input_tokens`.
        reasoning_tokens: Part of `output_tokens`.
        usage: Instead of these counts, the provider's own usage object (or a mapping), written as it is.
        latency_ms: Milliseconds; measured when left None.
        ttft_ms: Milliseconds to the first token; see `first_token`.
        success: Whether it succeeded; left None, it did unless the block raised or `error_type` is set.
        error_type: What failed.
        cost_usd: What it cost by the application's own account, in USD.
    """

    monitor: ProductionMonitor = field(repr=False, kw_only=False)
    model: str | None
    request_id: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    usage: object = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    success: bool | None = None
    error_type: str | None = None
    cost_usd: Decimal | float | None = None

    def __post_init__(self) -> None:
        self._more: dict[str, object] = {}
        self._error: str | None = None
        self._finished = False
        self._start()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.success = False
            self.error_type = self.error_type or kind.__name__
            if self.monitor.record_error_messages:
                with suppress(Exception):  # an exception of the application's own, whose text fails
                    self._error = str(error)
        self.finish()

    def set(self, **members: object) -> None:
        """Set members of the line: attributes of this object, dimensions, correlation ids, anything."""
        for name, value in members.items():
            if name in self.__dataclass_fields__:
                setattr(self, name, value)
            else:
                self._more[name] = value

    def first_token(self) -> None:
        """Say that the first token of a streamed answer has arrived, now."""
        if self.ttft_ms is None:
            self.ttft_ms = self._elapsed_ms()

    def fail(self, error_type: str) -> None:
        """Say that the call failed without raising, e.g. with an answer that cannot be used."""
        self.success = False
        self.error_type = error_type

    def finish(self) -> None:
        """Write the line, once; a `with` statement does it at its end."""
        if self._finished:
            return
        self._finished = True
        if self.latency_ms is None:
            self.latency_ms = self._elapsed_ms()
        self.monitor._write(self._record)  # noqa: SLF001 - made where a failure is the monitor's, not the application's

    def _record(self) -> Mapping[str, object]:
        return {
            "timestamp": self.started_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "request_id": self.request_id,
            "model": self.model,
            **self._more,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_input_tokens": self.cached_input_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "usage": _as_mapping(self.usage),
            "latency_ms": self.latency_ms,
            "ttft_ms": self.ttft_ms,
            "success": self.error_type is None if self.success is None else self.success,
            "error_type": self.error_type,
            "error": self._error,
            "cost_usd": self.cost_usd,
        }

    def _start(self) -> None:
        self.started_at = datetime.now(UTC)
        self._started = time.perf_counter()
        if self.latency_ms is not None:  # over already: it started that long ago
            with suppress(TypeError, ValueError, OverflowError):  # no length of time: for `ingest` to refuse
                self.started_at -= timedelta(milliseconds=max(0.0, float(self.latency_ms)))

    def _elapsed_ms(self) -> float:
        return round((time.perf_counter() - self._started) * 1000, 3)


def _as_mapping(usage: object) -> Mapping[str, object] | None:
    """Return a provider's usage object as its members, whatever class it has."""
    if usage is None or isinstance(usage, Mapping):
        return usage
    for name in ("model_dump", "to_dict", "dict"):
        method = getattr(usage, name, None)
        members = method() if callable(method) else None
        if isinstance(members, Mapping):
            return members
    if is_dataclass(usage) and not isinstance(usage, type):
        return asdict(usage)
    members = getattr(usage, "__dict__", {})
    return {name: _member(value) for name, value in members.items() if not name.startswith("_")}


def _member(value: object) -> object:
    """Return a member of a usage object: details are objects again."""
    return _as_mapping(value) if hasattr(value, "__dict__") and not isinstance(value, Enum) else value


def _to_json(record: Mapping[str, object]) -> str:
    """Return a record as one line of JSON; what JSON cannot hold becomes text, or null where it is no number."""
    try:
        return json.dumps(record, allow_nan=False, default=_plain, separators=(",", ":"))
    except (TypeError, ValueError):
        return json.dumps(_plain(record), allow_nan=False, separators=(",", ":"))


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(member) for member in value]
    return _as_text(value)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
