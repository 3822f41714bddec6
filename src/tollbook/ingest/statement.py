"""The statement that turns text into judged records: written from the formats, run by DuckDB, one for all of them.

A text comes out as one row of `staged`: a request or an event with typed values, a reject with its reason, or
something to look at again: not sound JSON, of another format, or of another shape.
Values are read as text and judged one by one.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from tollbook.ingest.fields import (
    COLUMNS,
    COSTS,
    COUNTS,
    DURATIONS,
    FIELDS,
    MOMENTS,
    NOT_TOLD,
    OUTCOMES,
    TEXTS,
    USAGE,
    USAGE_COSTS,
    USAGE_EXCLUSIVE,
    USAGE_TEXTS,
)
from tollbook.ingest.formats import Alternatives, Condition, Format, split_pattern
from tollbook.ingest.shape import Shape

_USAGE_POINTERS = [key for keys in (*USAGE.values(), *USAGE_TEXTS.values(), USAGE_COSTS) for key in keys]
_USAGE_KEYS = "json_keys(CASE WHEN u IS NOT NULL THEN raw_usage END)"
NULL = "CAST(NULL AS VARCHAR)"
PLUS = " + "  # joins paths of counts to be added


class Statement(ABC):
    """What all statements have in common: how values are judged once they are read.

    Args:
        format_: The format to read texts as.
        others: The formats that a record may be of instead; such a record is left for later.
        trusting: Take every text for sound JSON: faster, but DuckDB raises an error where one is not.
        shape: Read what the records of a sample have, and leave records that have more for later; None reads all.
    """

    def __init__(
        self, format_: Format, others: Sequence[Format], *, trusting: bool, shape: Shape | None = None
    ) -> None:
        self.format = format_
        self.others = others
        self.trusting = trusting
        self.shape = shape
        usage = shape.within(format_.fields.get("usage", ()), is_open=format_.is_open) if shape else None
        is_plain = usage is not None and usage.is_readable and not any("/" in key for key in usage.keys)
        self._usage_shape = usage if is_plain else None

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
        values = [_sum([self.value(one) for one in path.split(PLUS)]) for path in self.format.fields.get(field, ())]
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
        return "text" if self.trusting else "CASE WHEN is_sound THEN text END"

    def sql(self, relation: str) -> str:
        """Return the SELECT whose rows go to the table `staged`.

        Args:
            relation: Relation or query with the columns source_no, line, part, text and outer_time (TIMESTAMP: when a
                record was that does not say it, as what it was wrapped in says).
        """
        is_sound = "starts_with(text, '{')" + ("" if self.trusting else " AND json_valid(text)")
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
        {self._usage_opened()}
    FROM raw
), used AS (
    SELECT *, {self._usage_columns()}, u IS NOT NULL AS has_usage,
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
                coalesce([*(_in_usd(f"n_{field}", factor) for field, factor in COSTS.items()), "u_cost"]),
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
            # What only its envelope dates is not the same at another time.
            "identity": "CASE WHEN kind = 'request' AND id IS NOT NULL THEN hash(id) WHEN pending IS NULL THEN "
            "md5_number_lower(CASE WHEN raw_timestamp IS NULL AND time IS NOT NULL THEN concat(epoch_us(time), text) "
            "ELSE text END) END",
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
        if self._usage_shape and "usage" in self.given:
            values = [*values, *(member("u", one) for one in self._usage_pointers() if not self._usage_shape.has(one))]
            tops = sorted(self._usage_shape.keys)
            counted = " + ".join(f"CAST({member('u', top)} IS NOT NULL AS TINYINT)" for top in tops)
            orders = "".join(f" AND {_USAGE_KEYS} <> {list_literal(order)}" for order in self._usage_shape.orders)
            # Where every key has a value that is read, no other is there, and none stands twice.
            arms = f"WHEN len({_USAGE_KEYS}) <> {counted}{orders} THEN 'misshapen'"
        return f"WHEN {coalesce(values)} IS NOT NULL THEN 'misshapen' {arms}" if values else arms

    def _usage_pointers(self) -> list[str]:
        """Return the pointers to values of the usage object that are read, or looked for."""
        if not self._usage_shape:
            return _USAGE_POINTERS
        tops = self._usage_shape.keys
        read = [pointer for pointer in _USAGE_POINTERS if pointer.split("/", 1)[0] in tops]
        return read + sorted(tops - {pointer.split("/", 1)[0] for pointer in read})

    def _usage(self, pointers: Iterable[str]) -> str:
        """Return SQL for the first value of the usage object that is there."""
        shape = self._usage_shape
        return coalesce([member("u", pointer) for pointer in pointers if not shape or shape.has(pointer)])

    def _usage_opened(self) -> str:
        if "usage" not in self.given:
            return f"{NULL} AS u"
        # A text that begins like an object need not be JSON.
        shape = literal(struct(self._usage_pointers()))
        return f"try(from_json(CASE WHEN starts_with(raw_usage, '{{') THEN raw_usage END, {shape})) AS u"

    def _usage_columns(self) -> str:
        if "usage" not in self.given:
            columns = [f"CAST(NULL AS BIGINT) AS u_{name}" for name in USAGE]
            columns += [f"{NULL} AS u_{field}" for field in USAGE_TEXTS]
            return ", ".join([*columns, "CAST(NULL AS DECIMAL(28, 15)) AS u_cost", "false AS u_is_exclusive"])
        columns = [f"CAST(count_of({self._usage(pointers)}) AS BIGINT) AS u_{name}" for name, pointers in USAGE.items()]
        columns += [
            f"nullif({self._usage(pointers)}, {literal(NOT_TOLD)}) AS u_{field}"
            for field, pointers in USAGE_TEXTS.items()
        ]
        costs = [_in_usd(f"cost_of({self._usage([key])})", factor) for key, factor in USAGE_COSTS.items()]
        exclusive = f"{self._usage(USAGE_EXCLUSIVE)} IS NOT NULL"
        return ",\n        ".join([*columns, f"{coalesce(costs)} AS u_cost", f"{exclusive} AS u_is_exclusive"])

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
            if not self._usage_shape:  # by a shape, such a record is misshapen
                arms.append(
                    f"WHEN len(list_distinct({_USAGE_KEYS})) <> len({_USAGE_KEYS}) "
                    "THEN 'a key stands twice in the usage object: which count is billed is ambiguous'"
                )
            arms += [
                f"WHEN u_{name} IS NULL AND {self._usage(pointers)} IS NOT NULL "
                f"THEN 'a token count must be a whole number >= 0: usage, {name.replace('_', ' ')}'"
                for name, pointers in USAGE.items()
                if self._usage(pointers) != NULL
            ]
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


def all_hold(conditions: Iterable[tuple[Condition, str]]) -> str:
    """Return SQL for whether conditions hold of values, each given as SQL."""
    tests = []
    for condition, value in conditions:
        test = f"{value} IS NOT NULL" if value != NULL else "false"
        if condition.values and value != NULL:
            test = "(" + " OR ".join(f"{value} = {literal(one)}" for one in condition.values) + ")"
        tests.append(f"NOT coalesce({test}, false)" if condition.negated else test)
    return "false" if "false" in tests else " AND ".join(tests) or "true"


def struct(pointers: Iterable[str], types: Mapping[str, str] | None = None) -> str:
    """Return the structure, as `from_json` takes it, that holds the values at pointers as text, or as JSON.

    Args:
        pointers: Keys joined by slashes; none goes into the value of another.
        types: Pointer -> `JSON`, where the value is not wanted as text.
    """
    tree: dict[str, Any] = {}
    for pointer in pointers:
        branch = tree
        *above, last = pointer.split("/")
        for key in above:
            branch = branch.setdefault(key, {})
        branch[last] = (types or {}).get(pointer, "VARCHAR")
    return json.dumps(tree or {"": "VARCHAR"}, ensure_ascii=False)


def member(struct_: str, pointer: str) -> str:
    """Return SQL for the value at a pointer in a structure that `struct` described."""
    return struct_ + "".join("." + quoted(key) for key in pointer.split("/"))


def first_key(path: str) -> str:
    """Return the key of the record that a path of a closed format begins with."""
    return top_path(path).split("/", 1)[0]


def top_path(path: str) -> str:
    """Return how far a path of a closed format goes in the record itself: to JSON that is written as a text."""
    return split_pattern(path)[0].split("#", 1)[0]


def found_in(value: str, pattern: str) -> str:
    """Return SQL for what a regular expression finds in a text; the whole text without one."""
    return f"nullif(regexp_extract({value}, {literal(pattern)}), '')" if pattern and value != NULL else value


def members_joined(values: Mapping[str, str]) -> str:
    """Return SQL for the JSON object of the values that are there; NULL where none is.

    Args:
        values: Key -> SQL for its value as JSON.
    """
    parts = ", ".join(
        f"CASE WHEN {value} IS NOT NULL THEN {literal(',' + json.dumps(key, ensure_ascii=False) + ':')} || {value} END"
        for key, value in values.items()
    )
    return f"nullif(concat('{{', substr(concat({parts}), 2), '}}'), '{{}}')"


def quoted(name: str) -> str:
    """Return an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def list_literal(values: Iterable[str]) -> str:
    """Return an SQL list of texts."""
    return "CAST([" + ", ".join(literal(value) for value in values) + "] AS VARCHAR[])"


def coalesce(values: Sequence[str]) -> str:
    """Return SQL for the first of some values that is not NULL."""
    if not values:
        return NULL
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def pointer_literal(keys: Iterable[str]) -> str:
    """Return a JSON pointer to nested keys as an SQL literal."""
    return literal("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))


def _sum(values: Sequence[str]) -> str:
    """Return SQL for the sum of the counts that are there, as text; for the first that is none, where one is none."""
    values = [value for value in values if value != NULL]
    if len(values) < 2:  # noqa: PLR2004 - nothing to add
        return coalesce(values)
    wrong = "".join(f" WHEN {value} IS NOT NULL AND count_of({value}) IS NULL THEN {value}" for value in values)
    total = " + ".join(f"coalesce(count_of({value}), 0)" for value in values)
    return f"CASE{wrong} WHEN {coalesce(values)} IS NOT NULL THEN CAST({total} AS VARCHAR) END"


def _in_usd(value: str, factor: str) -> str:
    # The product of decimals has the digits of both, and may have 38.
    return value if factor == "1" else f"CAST({value} * CAST({factor} AS DECIMAL(10, 10)) AS DECIMAL(28, 15))"
