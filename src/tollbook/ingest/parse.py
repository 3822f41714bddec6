"""The statement that turns text into judged records: written from the formats, run by DuckDB, one for all of them.

A text comes out as one row of `staged`: a request or an event with typed values, a reject with its reason, or
something to look at again: not sound JSON, wrapped in an envelope, of another format, or of another shape.
Values are read as text and judged one by one.

Logs repeat themselves, so a block is first read by the shape of its first records: their keys, and no others.
That is fast because what no record has costs nothing, and safe because a record with any other key is left for the
statement that knows all keys. The sample decides how fast a record is read, never how it is judged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tollbook.ingest.fields import COLUMNS, COUNTS, DURATIONS, EVENTS_ONLY, FIELDS, TEXTS, USAGE, USAGE_EXCLUSIVE
from tollbook.ingest.formats import NATIVE, Format

_NULL = "CAST(NULL AS VARCHAR)"
# The record's keys without a value, as members of a merge patch: a null says nothing, whatever it is called.
_NULLS = """coalesce(list_aggregate(list_transform(
            list_filter(keys, lambda k: json_type(text, '/' || replace(replace(k, '~', '~0'), '/', '~1')) = 'NULL'),
            lambda k: ',' || CAST(to_json(k) AS VARCHAR) || ':null'), 'string_agg', ''), '')"""
_WRAPPED, _STREAM = "log", "stream"  # the keys of the envelope that Docker's json-file driver writes


@dataclass(frozen=True)
class Shape:
    """What the records of a block look like.

    Args:
        keys: Every top-level key of the sample.
        orders: Key lists of records that have null values (in those, keys cannot be counted by their values).
    """

    keys: frozenset[str]
    orders: tuple[tuple[str, ...], ...] = ()


def parse_sql(
    format_: Format, others: Sequence[Format], relation: str, *, shape: Shape | None = None, trusting: bool = False
) -> str:
    """Return the SELECT that judges texts as records of one format.

    Args:
        format_: The format to read them as.
        others: The formats to tell records by, in order; a record of another than `format_` is left for later.
            Empty: every record is taken for one of `format_`.
        relation: Relation or query with the columns source_no, line, part and text.
        shape: Read records of these keys only, and leave others for later; None reads all.
        trusting: Take every text for sound JSON: faster, but DuckDB raises an error where one is not.

    Returns:
        SQL whose rows are those of the table `staged`.
    """
    return _Statement(format_, others, shape, trusting=trusting).sql(relation)


class _Statement:
    def __init__(self, format_: Format, others: Sequence[Format], shape: Shape | None, *, trusting: bool) -> None:
        self.format = format_
        self.others = [other for other in others if other.when]
        self.tells_formats = bool(others)
        self.shape = shape
        self.trusting = trusting
        self.field_keys = dict.fromkeys(
            key for paths in format_.fields.values() for path in paths for key in _possible_keys(path)
        )
        when_keys = (key for other in self.others for path in other.when for key in _possible_keys(path))
        read = dict.fromkeys([*self.field_keys, *when_keys, _WRAPPED, _STREAM])
        self.read_keys = [key for key in read if shape is None or key in shape.keys]
        # Keys that differ from another in case only, which a struct cannot hold beside it.
        first = {key.lower(): key for key in reversed(self.read_keys)}
        self.aside = {key for key in self.read_keys if first[key.lower()] != key}
        self.rest_keys = sorted(shape.keys - set(self.read_keys)) if shape else []

    def sql(self, relation: str) -> str:
        name = _literal(self.format.name)
        members = [f'{_json(key)}:"VARCHAR"' for key in self.read_keys if key not in self.aside]
        members += [f'{_json(key)}:"JSON"' for key in self.rest_keys]
        struct = _literal("{" + ",".join(members or ['"":"VARCHAR"']) + "}")
        sound = "text" if self.trusting else "CASE WHEN is_sound THEN text END"
        is_sound = "starts_with(text, '{')" + ("" if self.trusting else " AND json_valid(text)")
        has_envelope = {_WRAPPED, _STREAM} <= set(self.read_keys)
        is_wrapped = (
            f"{self._member(_WRAPPED)} IS NOT NULL AND {self._member(_STREAM)} IS NOT NULL" if has_envelope else "false"
        )
        return f"""
WITH checked AS (
    SELECT source_no, line, part, text, {is_sound} AS is_sound FROM ({relation})
), opened AS (
    SELECT *, from_json({sound}, {struct}) AS x, json_keys({sound}) AS keys FROM checked
), raw AS (
    SELECT *, len(keys) AS key_count, {self._counted()} AS counted, {is_wrapped} AS is_wrapped,
        {self._format_name()} AS format,
        {", ".join(f"{self._read(field)} AS raw_{field}" for field in FIELDS)},
        {self._has_usage()} AS has_usage
    FROM opened
), typed AS (
    SELECT *,
        CASE WHEN NOT is_sound THEN CASE WHEN trim(text, ' \t\r\n') = '' THEN 'blank' ELSE 'unread' END
            WHEN is_wrapped THEN 'wrapped'
            {self._misshapen()}
            WHEN format <> {name} THEN 'other' END AS pending,
        instant_of(raw_timestamp) AS time,
        {", ".join(f"count_of(raw_{field}) AS n_{field}" for field in COUNTS)},
        {", ".join(f"quantity_of(raw_{field}) AS n_{field}" for field in DURATIONS)},
        cost_of(raw_cost) AS n_cost,
        {self._usage_columns()}
    FROM raw
), plain AS (
    SELECT *,
        coalesce(n_input_tokens, u_input) AS plain_input,
        coalesce(n_output_tokens, u_output + coalesce(u_thoughts, 0)) AS plain_output,
        coalesce(n_cached_input_tokens, u_cached) AS cached,
        coalesce(n_cache_write_tokens, u_written) AS written,
        coalesce(n_cache_write_1h_tokens, u_written_1h) AS written_1h,
        coalesce(n_reasoning_tokens, u_reasoning, u_thoughts) AS reasoning,
        coalesce(n_total_tokens, u_total) AS total,
        -- it names a model, or counts tokens, or says how it ended and nothing else that makes it an event
        raw_model IS NOT NULL OR raw_usage IS NOT NULL
            OR {" OR ".join(f"raw_{field} IS NOT NULL" for field in COUNTS)}
            OR coalesce(raw_success, raw_failure) IS NOT NULL AND coalesce(raw_level, raw_message) IS NULL
            AS is_request,
        CASE WHEN pending IS NULL THEN CASE {self._reasons()} END END AS reason
    FROM typed
), told AS (
    SELECT *,
        id_of(raw_request_id) AS id,
        CASE -- whether the input count leaves cached and written tokens out; the total proves it, where there is one
            WHEN cached IS NULL AND written IS NULL THEN false
            WHEN total = plain_input + plain_output THEN false
            WHEN total = plain_input + coalesce(cached, 0) + coalesce(written, 0) + plain_output THEN true
            WHEN u_is_exclusive THEN true
            ELSE coalesce(cached, 0) + coalesce(written, 0) > plain_input END AS is_exclusive,
        CASE WHEN pending IS NOT NULL THEN pending WHEN reason IS NOT NULL THEN 'reject'
            WHEN is_request THEN 'request' ELSE 'event' END AS kind
    FROM plain
)
SELECT CAST(source_no AS INTEGER) AS source_no, line, CAST(part AS INTEGER) AS part, kind, format, reason,
    CASE WHEN is_wrapped THEN {self._member(_WRAPPED) if has_envelope else _NULL} WHEN pending IS NOT NULL
        OR reason IS NOT NULL THEN text END AS text,
    time, id AS request_id,
    {", ".join(f"nullif(trim(raw_{field}), '') AS {COLUMNS.get(field, field)}" for field in TEXTS)},
    lower(coalesce(raw_service_tier, u_service_tier)) AS service_tier,
    CASE WHEN is_exclusive THEN plain_input + coalesce(cached, 0) + coalesce(written, 0)
        ELSE plain_input + coalesce(u_tool_prompt, 0) END AS input_tokens,
    plain_output AS output_tokens, cached AS cached_input_tokens, written AS cache_write_tokens,
    written_1h AS cache_write_1h_tokens, reasoning AS reasoning_tokens,
    {_duration("latency")} AS latency_ms, {_duration("ttft")} AS ttft_ms,
    CASE
        WHEN raw_success IS NOT NULL THEN truth_of(raw_success)
        WHEN raw_failure IS NOT NULL THEN NOT truth_of(raw_failure)
        WHEN raw_status_code IS NOT NULL THEN outcome_of_status(raw_status_code)
        WHEN outcome_of_status(raw_status) IS NOT NULL THEN outcome_of_status(raw_status)
        WHEN error_of(raw_error) IS NOT NULL OR error_of(raw_error_type) IS NOT NULL THEN false END AS success,
    coalesce(raw_status_code, raw_status) AS status, error_of(raw_error) AS error,
    n_cost AS reported_cost,
    CASE WHEN kind IN ('request', 'event') THEN {self._attributes()} END AS attributes,
    CASE WHEN kind = 'request' AND id IS NOT NULL THEN hash(id) WHEN pending IS NULL THEN md5_number_lower(text)
        END AS identity,
    0 AS twin
FROM told
"""

    def _counted(self) -> str:
        """Return SQL for how many keys of the record have a value that was read."""
        if self.shape:
            keys = [*self.read_keys, *self.rest_keys]
            return " + ".join(f"CAST({self._member(key)} IS NOT NULL AS TINYINT)" for key in keys) or "0"
        fields = [field for field in FIELDS if field in self.format.fields]
        return " + ".join(f"CAST({self._read(field)} IS NOT NULL AS TINYINT)" for field in fields) or "0"

    def _misshapen(self) -> str:
        if not self.shape:
            return ""
        orders = "".join(f" WHEN keys = {_list(order)} THEN NULL" for order in self.shape.orders)
        return (
            f"WHEN key_count <> counted THEN CASE{orders} ELSE 'misshapen' END"
            if orders
            else ("WHEN key_count <> counted THEN 'misshapen'")
        )

    def _format_name(self) -> str:
        arms = "".join(
            f" WHEN {' AND '.join(f'{self._value(path)} IS NOT NULL' for path in other.when)}"
            f" THEN {_literal(other.name)}"
            for other in self.others
            if all(self._value(path) != _NULL for path in other.when)
        )
        rest = _literal(NATIVE if self.tells_formats else self.format.name)
        return f"CASE{arms} ELSE {rest} END" if arms else rest

    def _member(self, key: str) -> str:
        """Return SQL for the text of a top-level key's value."""
        if key in self.aside:
            pointer = _literal("/" + key.replace("~", "~0").replace("/", "~1"))
            return f"CASE WHEN is_sound THEN json_extract_string(text, {pointer}) END"
        return 'x."' + key.replace('"', '""') + '"'

    def _value(self, path: str) -> str:
        """Return SQL for the text at a path: the key of that very name, else the nested value."""
        first, _, rest = path.partition(".")
        options = [self._member(path)] if path in self.read_keys else []
        if rest and first in self.read_keys:
            pointer = _literal("".join("/" + part.replace("~", "~0").replace("/", "~1") for part in rest.split(".")))
            value = self._member(first)
            # A text may begin like an object and be none.
            options.append(
                f"CASE WHEN starts_with({value}, '{{') THEN try(json_extract_string({value}, {pointer})) END"
            )
        return _coalesce(options)

    def _read(self, field: str) -> str:
        values = [self._value(path) for path in self.format.fields.get(field, ())]
        values = [value for value in values if value != _NULL]
        if field == "request_id" and len(values) > 1:
            values = [f"id_of({value})" for value in values]
        return _coalesce(values)

    def _has_usage(self) -> str:
        value = self._read("usage")
        # A text is no object, and need not be JSON.
        return "false" if value == _NULL else f"coalesce(starts_with({value}, '{{') AND json_valid({value}), false)"

    def _usage_columns(self) -> str:
        if self._read("usage") == _NULL:
            return ", ".join(
                [*(f"CAST(NULL AS BIGINT) AS u_{name}" for name in USAGE), f"{_NULL} AS u_service_tier"]
            ) + (", false AS u_is_exclusive")
        columns = [f"CASE WHEN has_usage THEN count_of({_usage(name)}) END AS u_{name}" for name in USAGE]
        columns.append("CASE WHEN has_usage THEN json_extract_string(raw_usage, '/service_tier') END AS u_service_tier")
        exclusive = " OR ".join(f"json_extract_string(raw_usage, '/{key}') IS NOT NULL" for key in USAGE_EXCLUSIVE)
        columns.append(f"CASE WHEN has_usage THEN {exclusive} ELSE false END AS u_is_exclusive")
        return ",\n        ".join(columns)

    def _reasons(self) -> str:
        present = [field for field in FIELDS if self._read(field) != _NULL]
        arms = []
        if not self.shape:
            twice = "lambda key: len(list_filter(keys, lambda other: other = key)) > 1"
            arms.append(
                f"WHEN key_count <> counted AND len(list_distinct(keys)) <> key_count "
                f"AND len(list_filter({_list(self.field_keys)}, {twice})) > 0 "
                "THEN 'a key stands twice in the record: which value counts is ambiguous'"
            )
        arms.append("WHEN raw_timestamp IS NULL THEN 'no time'")
        arms.append(
            "WHEN time IS NULL OR time NOT BETWEEN TIMESTAMP '2000-01-01' AND TIMESTAMP '2199-12-31' "
            "THEN 'the time is not understood'"
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
                f"WHEN has_usage AND u_{name} IS NULL AND {_usage(name)} IS NOT NULL "
                f"THEN 'a token count must be a whole number >= 0: usage, {name.replace('_', ' ')}'"
                for name in USAGE
            ]
        arms += [
            f"WHEN raw_{field} IS NOT NULL AND n_{field} IS NULL "
            f"THEN 'a duration must be a finite number >= 0: {field}'"
            for field in DURATIONS
            if field in present
        ]
        if "cost" in present:
            arms.append("WHEN raw_cost IS NOT NULL AND n_cost IS NULL THEN 'a cost must be a finite number >= 0'")
        return "\n            ".join(arms)

    def _attributes(self) -> str:
        """Return SQL for the JSON object of everything that no field was read from; NULL where that is nothing."""
        whole = self._attributes_of_any()
        if not self.shape:
            return f"CASE WHEN key_count <> counted OR {self._is_uneven()} THEN {whole} END"
        if not self.rest_keys:
            return f"CASE WHEN {self._is_uneven()} THEN {whole} END"
        parts = ", ".join(
            f"CASE WHEN {member} IS NOT NULL THEN {_literal(',' + _json(key) + ':')} || {member} END"
            for key, member in ((key, self._member(key)) for key in self.rest_keys)
        )
        joined = f"nullif(concat('{{', substr(concat({parts}), 2), '}}'), '{{}}')"
        return f"CASE WHEN {self._is_uneven()} THEN {whole} ELSE {joined} END"

    def _is_uneven(self) -> str:
        """Return SQL for whether a key that a field could be read from was not, or was read only in part."""
        conditions = []
        for field, paths in self.format.fields.items():
            members = [self._value(path) for path in paths if self._value(path) != _NULL]
            conditions += [
                f"({later} IS NOT NULL AND {_coalesce(members[:number])} IS NOT NULL)"
                for number, later in enumerate(members)
                if number
            ]
            conditions += [
                f"{self._value(path)} IS NOT NULL" for path in paths if "." in path and path not in self.read_keys
            ]
            if field in EVENTS_ONLY and members:
                conditions.append(f"(is_request AND raw_{field} IS NOT NULL)")
        used = {key for paths in self.format.fields.values() for path in paths for key in _possible_keys(path)}
        conditions += [f"{self._member(key)} IS NOT NULL" for key in self.read_keys if key not in used]
        conditions = [condition for condition in conditions if not condition.startswith(_NULL)]
        return " OR ".join(conditions) or "false"

    def _attributes_of_any(self) -> str:
        return (
            "nullif(CAST(json_merge_patch(text, CASE WHEN is_request THEN "
            f"{self._patch(leave=EVENTS_ONLY)} ELSE {self._patch(leave=())} END) AS VARCHAR), '{{}}')"
        )

    def _patch(self, leave: Sequence[str]) -> str:
        """Return SQL for the merge patch (RFC 7396) that takes out the keys that fields were read from."""
        fields = [
            [path for path in paths if path in self.read_keys]
            for field, paths in self.format.fields.items()
            if field not in leave
        ]
        first = [paths[0] for paths in fields if paths]
        parts = [_literal("{" + ",".join(f"{_json(key)}:null" for key in first))]
        for paths in fields:
            arms = "".join(
                f" WHEN {self._member(path)} IS NOT NULL"
                f" AND {_coalesce([self._member(before) for before in paths[:number]])} IS NULL"
                f" THEN {_literal(',' + _json(path) + ':null')}"
                for number, path in enumerate(paths)
                if number
            )
            if arms:
                parts.append(f"CASE{arms} ELSE '' END")
        parts.append(f"CASE WHEN key_count <> counted THEN {_NULLS} ELSE '' END")
        return "concat(" + ", ".join([*parts, "'}'"]) + ")"


def _possible_keys(path: str) -> list[str]:
    """Return the top-level keys that a path can begin with: the whole of it, or its first part."""
    first = path.split(".", 1)[0]
    return [path] if first == path else [path, first]


def _usage(name: str) -> str:
    return _coalesce([f"json_extract_string(raw_usage, {_literal('/' + pointer)})" for pointer in USAGE[name]])


def _duration(name: str) -> str:
    fields = [field for field in DURATIONS if field.startswith(name)]
    return _coalesce([f"n_{field}" + ("" if DURATIONS[field] == "1" else f" * {DURATIONS[field]}") for field in fields])


def _coalesce(values: Sequence[str]) -> str:
    if not values:
        return _NULL
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _json(text: str) -> str:
    import json  # noqa: PLC0415 - start-up

    return json.dumps(text, ensure_ascii=False)


def _list(values: Iterable[str]) -> str:
    return "CAST([" + ", ".join(_literal(value) for value in values) + "] AS VARCHAR[])"
