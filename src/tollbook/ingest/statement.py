"""The statement that turns text into judged records: written from the formats, run by DuckDB, one for all of them.

A text comes out as one row of `staged`: a request or an event with typed values, a reject with its reason, or
something to look at again: not sound JSON, of another format, or of another shape.
Values are read as text and judged one by one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property

from tollbook.ingest.expressions import NULL, all_hold, coalesce, in_usd, literal, sum_of
from tollbook.ingest.fields import (
    COLUMNS,
    COSTS,
    COUNTS,
    DURATIONS,
    FIELDS,
    MOMENTS,
    OUTCOMES,
    TEXTS,
    USAGE_EXCLUSIVE,
    USAGE_TEXTS,
)
from tollbook.ingest.formats import Alternatives, Condition, Format
from tollbook.ingest.shape import Shape
from tollbook.ingest.usage import NO_USAGE, Usage

_TRIMMED = "CASE WHEN ends_with(text, '}') THEN text ELSE rtrim(text, concat(' ', chr(9), chr(13))) END"
# What is cut short, the usual damage, is found without reading it as JSON.
_ENDS = f"(ends_with(text, '}}') OR ends_with({_TRIMMED}, '}}'))"
PLUS = " + "  # joins paths of counts to be added


class Statement(ABC):
    """What all statements have in common: how values are judged once they are read.

    Args:
        format_: The format to read texts as.
        others: The formats that a record may be of instead; such a record is left for later.
        trusting: Take every text that ends like an object for sound JSON: faster, but DuckDB raises an error where one
            is not.
        shape: Read what the records of a sample have, and leave records that have more for later; None reads all.
    """

    def __init__(
        self, format_: Format, others: Sequence[Format], *, trusting: bool, shape: Shape | None = None
    ) -> None:
        self.format = format_
        self.others = others
        self.trusting = trusting
        self.shape = shape
        self.usage = Usage(shape and shape.within(format_.fields.get("usage", ()), is_open=format_.is_open))

    @abstractmethod
    def opened(self) -> str:
        """Return the columns that a text is opened into, for the names of `value` and `read` to stand on."""

    def opened_within(self) -> str:
        """Return further columns, each behind a comma, which stand on those of `opened`."""
        return ""

    @abstractmethod
    def value(self, path: str) -> str:
        """Return SQL for the text at a path; NULL where the statement cannot hold it."""

    @abstractmethod
    def pending(self) -> str:
        """Return WHEN arms for sound records that this statement cannot judge, each with what they are instead."""

    @abstractmethod
    def named_format(self) -> str:
        """Return SQL for the name of a record's format."""

    @abstractmethod
    def attributes(self) -> str:
        """Return SQL for the JSON object of what no field was read from; NULL where that is always nothing."""

    def ambiguous(self) -> str:
        """Return WHEN arms for records that say a thing twice, with the reason to refuse them."""
        return ""

    def unseen(self) -> list[str]:
        """Return SQL for values that the statement would leave out, because no record of the sample has them."""
        return []

    def counted(self) -> str:
        """Return further columns of the values as read."""
        return ""

    def read(self, field: str) -> str:
        """Return SQL for the text that a field is read from."""
        values = [sum_of([self.value(one) for one in path.split(PLUS)]) for path in self.format.fields.get(field, ())]
        values = [value for value in values if value != NULL]
        for nothing in self.format.missing.get(field, self.format.missing.get("*", ())):
            values = [f"nullif({value}, {literal(nothing)})" for value in values]
        if field == "request_id" and len(values) > 1:
            values = [f"id_of({value})" for value in values]
        if field in self.format.constants:
            values += [self._constant(value, when) for value, when in self.format.constants[field].items()]
        return coalesce(values)

    def _constant(self, value: str, when: Alternatives) -> str:
        tests = " OR ".join(f"({self.holds(conditions)})" for conditions in when)
        return f"CASE WHEN {tests} THEN {literal(value)} END" if when else literal(value)

    def holds(self, conditions: Iterable[Condition]) -> str:
        """Return SQL for whether all of some conditions hold of a record of the statement's format."""
        return all_hold((condition, coalesce(self._values(condition))) for condition in conditions)

    def _values(self, condition: Condition) -> list[str]:
        return [value for value in map(self.value, condition.paths) if value != NULL]

    @property
    def sound(self) -> str:
        """SQL for the text where it is sound JSON."""
        return "CASE WHEN is_sound THEN text END"

    def sql(self, relation: str) -> str:
        """Return the SELECT whose rows go to the table `staged`.

        Args:
            relation: Relation or query with the columns source_no, line, part, text and outer_time (TIMESTAMP: when a
                record was that does not say it, as what it was wrapped in says).
        """
        is_sound = f"starts_with(text, '{{') AND {_ENDS if self.trusting else 'json_valid(text)'}"
        reads_total = bool(self.given & {"total_tokens", "usage"})
        columns = ",\n    ".join(f"{value} AS {name}" for name, value in self.columns.items())
        return f"""
WITH checked AS (
    SELECT source_no, line, part, text, outer_time, {is_sound} AS is_sound FROM ({relation})
), opened AS (
    SELECT *{self.opened_within()} FROM (SELECT *, {self.opened()} FROM checked)
), raw AS (
    SELECT *, {self.counted()} {self.named_format()} AS format,
        {", ".join(f"{self.read(field)} AS raw_{field}" for field in FIELDS)}
    FROM opened
), typed AS (
    SELECT *,
        CASE WHEN raw_timestamp IS NULL THEN outer_time ELSE instant_of(raw_timestamp) END AS time,
        {", ".join(self._judged("instant_of", field, "TIMESTAMP") for field in MOMENTS)},
        {", ".join(self._judged("count_of", field, "BIGINT") for field in COUNTS)},
        {", ".join(self._judged("quantity_of", field, "DOUBLE") for field in DURATIONS)},
        {", ".join(self._judged("cost_of", field, "DECIMAL(28, 15)") for field in COSTS)},
        {"coalesce(is_hit(raw_cache_hit), false)" if "cache_hit" in self.given else "false"} AS hits_cache,
        {self.usage.opened() if "usage" in self.given else f"{NULL} AS u"}
    FROM raw
), used AS (
    SELECT *, {self.usage.columns() if "usage" in self.given else NO_USAGE}, u IS NOT NULL AS has_usage,
        CASE WHEN NOT is_sound THEN CASE WHEN trim(text, ' \t\r\n') = '' THEN 'blank' ELSE 'unread' END
            {self._misshapen()} {self.pending()} END AS pending
    FROM typed
), plain AS (
    SELECT *,
        coalesce(n_input_tokens, u_input) AS plain_input,
        coalesce(n_output_tokens + coalesce(n_thought_tokens, 0), u_output + coalesce(u_thoughts, 0)) AS plain_output,
        coalesce(n_cached_input_tokens, u_cached) AS cached,
        coalesce(n_cache_write_tokens, u_written) AS written,
        coalesce(n_cache_write_1h_tokens, u_written_1h) AS written_1h,
        coalesce(n_reasoning_tokens, n_thought_tokens, u_reasoning, u_thoughts) AS reasoning,
        {"coalesce(n_total_tokens, u_total)" if reads_total else "CAST(NULL AS BIGINT)"} AS total,
        coalesce({self._is_request()}, false) AS is_request,
        CASE WHEN pending IS NULL THEN CASE {self._reasons()} END END AS reason
    FROM used
), told AS (
    SELECT *,
        id_of(raw_request_id) AS id,
        CASE -- whether the input count leaves cached and written tokens out; the total proves it, where there is one
            WHEN cached IS NULL AND written IS NULL THEN false
            WHEN coalesce(cached, 0) + coalesce(written, 0) > plain_input THEN true -- whatever the total leaves out
            WHEN total IN (plain_input + plain_output, plain_input + plain_output + reasoning) THEN false
            WHEN total - plain_input - coalesce(cached, 0) - coalesce(written, 0) - plain_output IN (0, reasoning)
                THEN true
            {self._accounting()} END AS is_exclusive,
        CASE WHEN pending IS NOT NULL THEN pending WHEN reason IS NOT NULL THEN 'reject'
            WHEN is_request THEN 'request' ELSE 'event' END AS kind
    FROM plain
), counted AS (
    SELECT *,
        CASE WHEN is_exclusive THEN plain_input + coalesce(cached, 0) + coalesce(written, 0)
            ELSE plain_input + coalesce(u_tool_prompt, 0) END AS whole_input,
        -- some providers count the reasoning beside the answer; again the total proves it
        CASE WHEN reasoning > 0 AND total - plain_output - reasoning = CASE WHEN is_exclusive
            THEN plain_input + coalesce(cached, 0) + coalesce(written, 0) ELSE plain_input END
            AND coalesce(n_thought_tokens, u_thoughts) IS NULL
            THEN plain_output + reasoning ELSE plain_output END AS whole_output,
        {self._success()} AS success
    FROM told
)
SELECT {columns}
FROM counted
"""

    @cached_property
    def given(self) -> frozenset[str]:
        """The fields that a record can have a value for."""
        return frozenset(field for field in FIELDS if self.read(field) != NULL)

    @cached_property
    def columns(self) -> dict[str, str]:
        """Column -> SQL; `staged` lacks those that no record can have a value for: to write them takes time."""
        outcomes = (*OUTCOMES, "error_type")
        # What a call counted that did not come to its end is not the provider's last word.
        cut_short = "NOT success AND (whole_input > 0 OR whole_output > 0)"
        # column -> the fields that it comes from, and its SQL
        optional = {
            **{COLUMNS.get(field, field): self._text_column(field) for field in TEXTS},
            "service_tier": (
                ("service_tier", "usage"),
                # Anthropic's fast mode has prices of its own, and no other tier
                "CASE WHEN u_speed = 'fast' THEN 'fast' ELSE lower(coalesce(raw_service_tier, u_service_tier)) END",
            ),
            "cached_input_tokens": (("cached_input_tokens", "usage"), "CASE WHEN NOT hits_cache THEN cached END"),
            "cache_write_tokens": (("cache_write_tokens", "usage"), "CASE WHEN NOT hits_cache THEN written END"),
            "cache_write_1h_tokens": (
                ("cache_write_1h_tokens", "usage"),
                "CASE WHEN NOT hits_cache THEN written_1h END",
            ),
            "reasoning_tokens": (
                ("reasoning_tokens", "thought_tokens", "usage"),
                "CASE WHEN NOT hits_cache THEN reasoning END",
            ),
            "latency_ms": self._duration("latency", "ended_at"),
            "ttft_ms": self._duration("ttft", "first_token_at"),
            "success": (outcomes, "success"),
            "status": (("status_code", "status"), "coalesce(raw_status_code, raw_status)"),
            "error": (("error",), "error_of(raw_error)"),
            "reported_cost": (
                (*COSTS, "usage"),
                coalesce([*(in_usd(f"n_{field}", factor) for field, factor in COSTS.items()), "u_cost"]),
            ),
            "cache_hit": (("cache_hit",), "CASE WHEN hits_cache THEN true END"),
            "estimated": (
                ("estimated", *outcomes),
                f"CASE WHEN truth_of(raw_estimated) OR {cut_short} THEN true END",
            ),
        }
        columns = {
            "source_no": "CAST(source_no AS INTEGER)",
            "line": "line",
            "part": "CAST(part AS BIGINT)",
            "kind": "kind",
            "format": "format",
            "reason": "reason",
            "text": "CASE WHEN pending IS NOT NULL OR reason IS NOT NULL OR time IS NULL THEN text END",
            "time": "CASE WHEN pending IS NULL THEN time ELSE outer_time END",
            "request_id": "id",
            "input_tokens": "CASE WHEN hits_cache THEN 0 ELSE whole_input END",
            "output_tokens": "CASE WHEN hits_cache THEN 0 ELSE whole_output END",
            # What only its envelope dates is not the same at another time. Blanks behind a record are no part of it.
            "identity": "CASE WHEN kind = 'request' AND id IS NOT NULL THEN hash(id) WHEN pending IS NULL THEN "
            "digest_of(CASE WHEN raw_timestamp IS NULL AND time IS NOT NULL "
            f"THEN concat(epoch_us(time), {_TRIMMED}) ELSE {_TRIMMED} END) END",
            "twin": "0",
            **{name: value for name, (fields, value) in optional.items() if self.given.intersection(fields)},
        }
        attributes = self.attributes()
        if attributes != NULL:
            columns["attributes"] = f"CASE WHEN kind IN ('request', 'event') THEN {attributes} END"
        return columns

    def _text_column(self, field: str) -> tuple[tuple[str, ...], str]:
        if field in USAGE_TEXTS:
            return (field, "usage"), f"text_of(coalesce(raw_{field}, u_{field}))"
        return (field,), f"text_of(raw_{field})"

    def _judged(self, macro: str, field: str, type_: str) -> str:
        value = f"{macro}(raw_{field})" if field in self.given else f"CAST(NULL AS {type_})"
        return f"{value} AS n_{field}"

    def _is_request(self) -> str:
        if self.format.request:
            return " OR ".join(self.holds([condition]) for condition in self.format.request)
        # it names a model, or counts tokens, or says how it ended and nothing else that makes it an event
        return (
            "raw_model IS NOT NULL OR raw_usage IS NOT NULL OR "
            + " OR ".join(f"raw_{field} IS NOT NULL" for field in COUNTS)
            + " OR coalesce(raw_success, raw_failure) IS NOT NULL AND coalesce(raw_level, raw_message) IS NULL"
        )

    def _accounting(self) -> str:
        if self.format.tokens:
            return f"ELSE {'true' if self.format.tokens == 'exclusive' else 'false'}"
        flat = [value for value in map(self.value, USAGE_EXCLUSIVE) if value != NULL]
        return f"ELSE u_is_exclusive OR {coalesce(flat)} IS NOT NULL"

    def _success(self) -> str:
        return """CASE
            WHEN raw_success = 'true' THEN true
            WHEN raw_success = 'false' THEN false
            WHEN raw_success IS NOT NULL THEN truth_of(raw_success)
            WHEN raw_failure IS NOT NULL THEN NOT truth_of(raw_failure)
            WHEN raw_status_code IS NOT NULL THEN outcome_of_status(raw_status_code)
            WHEN outcome_of_status(raw_status) IS NOT NULL THEN outcome_of_status(raw_status)
            WHEN error_of(raw_error) IS NOT NULL OR error_of(raw_error_type) IS NOT NULL THEN false END"""

    def _misshapen(self) -> str:
        """Return WHEN arms for records that have more than those of the sample."""
        values, arms = self.unseen(), ""
        if "usage" in self.given:
            values, arms = values + self.usage.unseen(), self.usage.misshapen()
        return f"WHEN {coalesce(values)} IS NOT NULL THEN 'misshapen' {arms}" if values else arms

    def _reasons(self) -> str:
        arms = [self.ambiguous()]
        untimed = literal(self.format.untimed)
        lacks = "raw_timestamp IS NULL AND outer_time IS NULL" + (" AND is_request" if self.format.borrows_time else "")
        arms.append(f"WHEN {lacks} THEN {untimed}")
        arms.append(
            "WHEN time IS NULL AND raw_timestamp IS NOT NULL "
            "OR time NOT BETWEEN TIMESTAMP '2000-01-01' AND TIMESTAMP '2199-12-31' THEN 'the time is not understood'"
        )
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL "
            f"THEN 'a token count must be a whole number >= 0: {field}'"
            for field in COUNTS
            if field in self.given
        ]
        if "usage" in self.given:
            arms.append("WHEN raw_usage IS NOT NULL AND NOT has_usage THEN 'usage must be an object of counts'")
            arms += self.usage.reasons()
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL "
            f"THEN 'a duration must be a finite number >= 0: {field}'"
            for field in DURATIONS
            if field in self.given
        ]
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL THEN 'a cost must be a finite number >= 0'"
            for field in COSTS
            if field in self.given
        ]
        return "\n            ".join(arms)

    def _duration(self, name: str, end: str) -> tuple[tuple[str, ...], str]:
        # Times prove a duration; its unit is only said.
        said = {field: factor for field, factor in DURATIONS.items() if field.startswith(name)}
        proved = f"CASE WHEN n_{end} >= time THEN (epoch_us(n_{end}) - epoch_us(time)) * 0.001 END"
        values = [f"n_{field}" + ("" if factor == "1" else f" * {factor}") for field, factor in said.items()]
        return (end, *said), coalesce([proved, *values] if end in self.given else values)
