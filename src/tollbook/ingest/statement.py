"""The statement that turns text into judged records: written from the formats, run by DuckDB, one for all of them.

A text comes out as one row of `staged`: a request or an event with typed values, a reject with its reason, or
something to look at again: not sound JSON, of another format, or of another shape.
Values are read as text and judged one by one.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tollbook.ingest.fields import (
    COLUMNS,
    COSTS,
    COUNTS,
    DURATIONS,
    FIELDS,
    MOMENTS,
    NOT_TOLD,
    TEXTS,
    USAGE,
    USAGE_COSTS,
    USAGE_EXCLUSIVE,
    USAGE_TEXTS,
)
from tollbook.ingest.formats import Alternatives, Condition, Format, split_pattern

NULL = "CAST(NULL AS VARCHAR)"


class Statement(ABC):
    """What all statements have in common: how values are judged once they are read.

    Args:
        format_: The format to read texts as.
        others: The formats that a record may be of instead; such a record is left for later.
        trusting: Take every text for sound JSON: faster, but DuckDB raises an error where one is not.
    """

    def __init__(self, format_: Format, others: Sequence[Format], *, trusting: bool) -> None:
        self.format = format_
        self.others = others
        self.trusting = trusting

    @abstractmethod
    def opened(self) -> str:
        """Return the columns that a text is opened into, for the names of `value` and `read` to stand on."""

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
        """Return SQL for the JSON object of what no field was read from; NULL where that is nothing."""

    def ambiguous(self) -> str:
        """Return WHEN arms for records that say a thing twice, with the reason to refuse them."""
        return ""

    def counted(self) -> str:
        """Return further columns of the values as read."""
        return ""

    def read(self, field: str) -> str:
        """Return SQL for the text that a field is read from."""
        values = [self.value(path) for path in self.format.fields.get(field, ())]
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
        """Return the statement over a relation with the columns source_no, line, part and text."""
        is_sound = "starts_with(text, '{')" + ("" if self.trusting else " AND json_valid(text)")
        reads_total = self.read("total_tokens") != NULL or self.read("usage") != NULL
        return f"""
WITH checked AS (
    SELECT source_no, line, part, text, {is_sound} AS is_sound FROM ({relation})
), opened AS (
    SELECT *, {self.opened()} FROM checked
), raw AS (
    SELECT *, {self.counted()} {self.named_format()} AS format,
        {", ".join(f"{self.read(field)} AS raw_{field}" for field in FIELDS)},
        {self._has_usage()} AS has_usage
    FROM opened
), typed AS (
    SELECT *,
        CASE WHEN NOT is_sound THEN CASE WHEN trim(text, ' \t\r\n') = '' THEN 'blank' ELSE 'unread' END
            {self.pending()} END AS pending,
        instant_of(raw_timestamp) AS time,
        {", ".join(f"instant_of(raw_{field}) AS n_{field}" for field in MOMENTS)},
        {", ".join(f"count_of(raw_{field}) AS n_{field}" for field in COUNTS)},
        {", ".join(f"quantity_of(raw_{field}) AS n_{field}" for field in DURATIONS)},
        {", ".join(f"cost_of(raw_{field}) AS n_{field}" for field in COSTS)},
        {"coalesce(is_hit(raw_cache_hit), false)" if self.read("cache_hit") != NULL else "false"} AS hits_cache,
        {self._usage_opened()}
    FROM raw
), used AS (
    SELECT *, {self._usage_columns()} FROM typed
), plain AS (
    SELECT *,
        coalesce(n_input_tokens, u_input) AS plain_input,
        coalesce(n_output_tokens, u_output + coalesce(u_thoughts, 0)) AS plain_output,
        coalesce(n_cached_input_tokens, u_cached) AS cached,
        coalesce(n_cache_write_tokens, u_written) AS written,
        coalesce(n_cache_write_1h_tokens, u_written_1h) AS written_1h,
        coalesce(n_reasoning_tokens, u_reasoning, u_thoughts) AS reasoning,
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
            AND u_thoughts IS NULL THEN plain_output + reasoning ELSE plain_output END AS whole_output,
        {self._success()} AS success
    FROM told
)
SELECT CAST(source_no AS INTEGER) AS source_no, line, CAST(part AS BIGINT) AS part, kind, format, reason,
    CASE WHEN pending IS NOT NULL OR reason IS NOT NULL OR time IS NULL THEN text END AS text,
    time, id AS request_id,
    {", ".join(self._text_column(field) for field in TEXTS)},
    -- Anthropic's fast mode has prices of its own, and no other tier
    CASE WHEN u_speed = 'fast' THEN 'fast' ELSE lower(coalesce(raw_service_tier, u_service_tier)) END AS service_tier,
    CASE WHEN hits_cache THEN 0 ELSE whole_input END AS input_tokens,
    CASE WHEN hits_cache THEN 0 ELSE whole_output END AS output_tokens,
    CASE WHEN NOT hits_cache THEN cached END AS cached_input_tokens,
    CASE WHEN NOT hits_cache THEN written END AS cache_write_tokens,
    CASE WHEN NOT hits_cache THEN written_1h END AS cache_write_1h_tokens,
    CASE WHEN NOT hits_cache THEN reasoning END AS reasoning_tokens,
    {self._duration("latency", "ended_at")} AS latency_ms, {self._duration("ttft", "first_token_at")} AS ttft_ms,
    success, coalesce(raw_status_code, raw_status) AS status, error_of(raw_error) AS error,
    {coalesce([*(_in_usd(f"n_{field}", factor) for field, factor in COSTS.items()), "u_cost"])} AS reported_cost,
    CASE WHEN hits_cache THEN true END AS cache_hit,
    -- what a call counted that did not come to its end is not what the provider's last word would have been
    CASE WHEN truth_of(raw_estimated) OR NOT success AND (whole_input > 0 OR whole_output > 0) THEN true END
        AS estimated,
    CASE WHEN kind IN ('request', 'event') THEN {self.attributes()} END AS attributes,
    CASE WHEN kind = 'request' AND id IS NOT NULL THEN hash(id) WHEN pending IS NULL THEN md5_number_lower(text)
        END AS identity,
    0 AS twin
FROM counted
"""

    def _text_column(self, field: str) -> str:
        value = f"raw_{field}"
        if field in USAGE_TEXTS:
            value = f"coalesce({value}, u_{field})"
        return f"nullif(trim({value}), '') AS {COLUMNS.get(field, field)}"

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
        return "ELSE u_is_exclusive"

    def _success(self) -> str:
        return """CASE
            WHEN raw_success IS NOT NULL THEN truth_of(raw_success)
            WHEN raw_failure IS NOT NULL THEN NOT truth_of(raw_failure)
            WHEN raw_status_code IS NOT NULL THEN outcome_of_status(raw_status_code)
            WHEN outcome_of_status(raw_status) IS NOT NULL THEN outcome_of_status(raw_status)
            WHEN error_of(raw_error) IS NOT NULL OR error_of(raw_error_type) IS NOT NULL THEN false END"""

    def _has_usage(self) -> str:
        value = self.read("usage")
        # A text is no object, and need not be JSON.
        return "false" if value == NULL else f"coalesce(starts_with({value}, '{{') AND json_valid({value}), false)"

    def _usage_opened(self) -> str:
        if self.read("usage") == NULL:
            return f"{NULL} AS u"
        pointers = [key for keys in (*USAGE.values(), *USAGE_TEXTS.values(), USAGE_COSTS) for key in keys]
        return f"from_json(CASE WHEN has_usage THEN raw_usage END, {literal(struct(pointers))}) AS u"

    def _usage_columns(self) -> str:
        if self.read("usage") == NULL:
            columns = [f"CAST(NULL AS BIGINT) AS u_{name}" for name in USAGE]
            columns += [f"{NULL} AS u_{field}" for field in USAGE_TEXTS]
            return ", ".join([*columns, "CAST(NULL AS DECIMAL(28, 15)) AS u_cost", "false AS u_is_exclusive"])
        columns = [f"count_of({_usage(name)}) AS u_{name}" for name in USAGE]
        columns += [
            f"nullif({coalesce([member('u', pointer) for pointer in pointers])}, {literal(NOT_TOLD)}) AS u_{field}"
            for field, pointers in USAGE_TEXTS.items()
        ]
        costs = [_in_usd(f"cost_of({member('u', key)})", factor) for key, factor in USAGE_COSTS.items()]
        exclusive = " OR ".join(f"{member('u', key)} IS NOT NULL" for key in USAGE_EXCLUSIVE)
        return ",\n        ".join([*columns, f"{coalesce(costs)} AS u_cost", f"{exclusive} AS u_is_exclusive"])

    def _reasons(self) -> str:
        present = [field for field in FIELDS if self.read(field) != NULL]
        arms = [self.ambiguous()]
        untimed = literal(self.format.untimed)
        arms.append(f"WHEN raw_timestamp IS NULL {'AND is_request' if self.format.borrows_time else ''} THEN {untimed}")
        arms.append(
            "WHEN time IS NULL AND raw_timestamp IS NOT NULL "
            "OR time NOT BETWEEN TIMESTAMP '2000-01-01' AND TIMESTAMP '2199-12-31' THEN 'the time is not understood'"
        )
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL "
            f"THEN 'a token count must be a whole number >= 0: {field}'"
            for field in COUNTS
            if field in present
        ]
        if "usage" in present:
            arms.append("WHEN raw_usage IS NOT NULL AND NOT has_usage THEN 'usage must be an object of counts'")
            arms.append(
                "WHEN has_usage AND len(list_distinct(json_keys(raw_usage))) <> len(json_keys(raw_usage)) "
                "THEN 'a key stands twice in the usage object: which count is billed is ambiguous'"
            )
            arms += [
                f"WHEN u_{name} IS NULL AND {_usage(name)} IS NOT NULL "
                f"THEN 'a token count must be a whole number >= 0: usage, {name.replace('_', ' ')}'"
                for name in USAGE
            ]
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL "
            f"THEN 'a duration must be a finite number >= 0: {field}'"
            for field in DURATIONS
            if field in present
        ]
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL THEN 'a cost must be a finite number >= 0'"
            for field in COSTS
            if field in present
        ]
        return "\n            ".join(arms)

    def _duration(self, name: str, end: str) -> str:
        values = [
            f"n_{field}" + ("" if factor == "1" else f" * {factor}")
            for field, factor in DURATIONS.items()
            if field.startswith(name)
        ]
        if self.read(end) != NULL:
            values.append(f"CASE WHEN n_{end} >= time THEN (epoch_us(n_{end}) - epoch_us(time)) * 0.001 END")
        return coalesce(values)


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


def coalesce(values: Sequence[str]) -> str:
    """Return SQL for the first of some values that is not NULL."""
    if not values:
        return NULL
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def pointer_literal(keys: Iterable[str]) -> str:
    """Return a JSON pointer to nested keys as an SQL literal."""
    return literal("".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys))


def _usage(name: str) -> str:
    return coalesce([member("u", pointer) for pointer in USAGE[name]])


def _in_usd(value: str, factor: str) -> str:
    # The product of decimals has the digits of both, and may have 38.
    return value if factor == "1" else f"CAST({value} * CAST({factor} AS DECIMAL(10, 10)) AS DECIMAL(28, 15))"
