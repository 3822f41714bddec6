"""The fields that records are read into, and how DuckDB judges each kind of value."""

# name of the field -> column of the table `requests` or `events`, where they differ
COLUMNS = {"user": "user_id"}

TEXTS = (
    "trace_id", "span_id", "parent_span_id", "session_id", "provider", "model", "team", "project", "environment",
    "user", "service", "application", "region", "error_type", "level", "message",
)  # fmt: skip
COUNTS = (  # thought tokens are reasoning that the output count leaves out
    "input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "reasoning_tokens", "thought_tokens", "total_tokens",
)  # fmt: skip
OUTCOMES = ("success", "failure", "status", "status_code", "error")
# field -> milliseconds in its unit
DURATIONS = {
    "latency_ms": "1", "latency_s": "1000", "latency_us": "0.001", "latency_ns": "0.000001",
    "ttft_ms": "1", "ttft_s": "1000",
}  # fmt: skip
# field -> USD in its unit; a tick is xAI's
COSTS = {"cost": "1", "cost_cents": "0.01", "cost_nano": "0.000000001", "cost_ticks": "0.0000000001"}
MOMENTS = ("ended_at", "first_token_at")  # where a log gives times and no durations
MARKS = ("cache_hit", "estimated")
FIELDS = (
    "timestamp", "request_id", "service_tier", *TEXTS, *COUNTS, *OUTCOMES, *DURATIONS, *COSTS, *MOMENTS, *MARKS,
    "usage",
)  # fmt: skip
EVENTS_ONLY = ("level", "message")

# The columns of `staged`, the judged records of a batch, and their types. It lacks those that none has a value for.
STAGED = {
    "source_no": "INTEGER", "line": "BIGINT", "part": "BIGINT", "kind": "VARCHAR", "format": "VARCHAR",
    "reason": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMP", "request_id": "VARCHAR",
    **{COLUMNS.get(field, field): "VARCHAR" for field in TEXTS}, "service_tier": "VARCHAR",
    **dict.fromkeys(
        ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens",
         "reasoning_tokens"), "BIGINT"
    ),
    "latency_ms": "DOUBLE", "ttft_ms": "DOUBLE", "success": "BOOLEAN", "status": "VARCHAR", "error": "VARCHAR",
    "reported_cost": "DECIMAL(28, 15)", "cache_hit": "BOOLEAN", "estimated": "BOOLEAN", "attributes": "VARCHAR",
    "identity": "UBIGINT", "twin": "INTEGER",
}  # fmt: skip

# What the keys of the providers' usage objects count. The sources are the providers' references of their responses:
# OpenAI (chat, responses), Anthropic (messages), Google (generateContent), Amazon Bedrock (converse).
USAGE = {
    "input": (
        "prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens", "prompt_token_count", "promptTokens",
    ),
    "output": (
        "completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens", "candidates_token_count",
        "completionTokens",
    ),
    "cached": (
        "cache_read_input_tokens", "cacheReadInputTokens", "cachedContentTokenCount", "cached_input_tokens",
        "cached_content_token_count", "prompt_tokens_details/cached_tokens", "input_tokens_details/cached_tokens",
        "prompt_cache_hit_tokens", "num_cached_tokens", "prompt_token_details/cached_tokens",
        "inputTokenDetails/cacheReadTokens", "cachedInputTokens",
    ),
    "written": (
        "cache_creation_input_tokens", "cacheCreationInputTokens", "cacheWriteInputTokens", "cache_write_tokens",
        "input_tokens_details/cache_write_tokens", "prompt_tokens_details/cache_write_tokens",
        "prompt_tokens_details/cache_creation_tokens", "inputTokenDetails/cacheWriteTokens",
    ),
    "written_1h": (
        "cache_creation/ephemeral_1h_input_tokens",
        "prompt_tokens_details/cache_creation_token_details/ephemeral_1h_input_tokens",
    ),
    "reasoning": (
        "output_tokens_details/reasoning_tokens", "completion_tokens_details/reasoning_tokens",
        "output_tokens_details/thinking_tokens", "outputTokenDetails/reasoningTokens", "reasoningTokens",
        "reasoning_output_tokens",
    ),
    "total": ("total_tokens", "totalTokenCount", "totalTokens", "total_token_count"),
    "thoughts": ("thoughtsTokenCount", "thoughts_token_count"),  # beside candidatesTokenCount, not in it
    "tool_prompt": ("toolUsePromptTokenCount", "tool_use_prompt_token_count"),  # beside promptTokenCount
}  # fmt: skip
USAGE_TEXTS = {
    "service_tier": ("service_tier", "serviceTier", "trafficType", "traffic_type"),
    "region": ("inference_geo",),
    "speed": ("speed",),
}
NOT_TOLD = "not_available"  # Anthropic's word for a region that it does not tell
USAGE_COSTS = {"cost": "1", "cost_in_usd_ticks": COSTS["cost_ticks"]}
# With these keys the input count leaves the cached and written tokens out.
USAGE_EXCLUSIVE = (
    "cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheCreationInputTokens",
    "cacheWriteInputTokens",
)  # fmt: skip

# `IN` and `list_contains` with more than a few constants would each become a join; a pattern does not.
# A count has at most 12 digits: more is a broken counter, and costs stay exact below it.
# Seconds, milliseconds, microseconds and nanoseconds since 1970 are told apart by their size. Of 1.x e9 seconds with at
# most six decimals a double is off by 0.12 us and its product by as much again, so that rounding is exact: it takes a
# third of what decimals take.
# A digest is half an MD5: what `md5_number_lower` returns too, which computes it twice.
# Trimming walks over every character: it is left to texts that can begin or end with a space.
MACROS = r"""
CREATE OR REPLACE TEMP MACRO digest_of(t) AS CAST(md5_number(t) >> 64 AS UBIGINT);
CREATE OR REPLACE TEMP MACRO text_of(t) AS CASE
    WHEN t < '!' OR ends_with(t, ' ') OR strlen(t) <> length(t) THEN nullif(trim(t), '') ELSE t END;
CREATE OR REPLACE TEMP MACRO count_of(t) AS CASE
    WHEN CAST(try_cast(t AS UINTEGER) AS VARCHAR) = t THEN CAST(try_cast(t AS UINTEGER) AS BIGINT)
    WHEN regexp_full_match(t, '\s*0*\d{1,12}(\.0+)?\s*') THEN try_cast(trim(t) AS BIGINT) END;
CREATE OR REPLACE TEMP MACRO quantity_of(t) AS CASE
    WHEN isfinite(try_cast(t AS DOUBLE)) AND try_cast(t AS DOUBLE) >= 0 THEN try_cast(t AS DOUBLE) END;
CREATE OR REPLACE TEMP MACRO cost_of(t) AS CASE
    WHEN try_cast(t AS DECIMAL(28, 15)) >= 0 THEN try_cast(t AS DECIMAL(28, 15)) END;
CREATE OR REPLACE TEMP MACRO instant_of_number(d) AS make_timestamp(CAST(trunc(CASE
    WHEN d < 100000000000 THEN d * 1000000
    WHEN d < 100000000000000 THEN d * 1000
    WHEN d < 100000000000000000 THEN d
    ELSE d * 0.001 END) AS BIGINT));
CREATE OR REPLACE TEMP MACRO instant_in_words(t) AS CASE
    -- 1.79e9, as some write large numbers
    WHEN regexp_full_match(t, '\d(\.\d+)?[eE]\+?(0?\d|1[0-8])') THEN instant_of_number(try_cast(t AS DECIMAL(32, 6)))
    -- the last second of some years is their 61st
    WHEN regexp_matches(t, ':\d\d:60') THEN
        make_timestamp(epoch_us(try_cast(upper(replace(t, ':60', ':59')) AS TIMESTAMPTZ)) + 1000000)
    -- ISO 8601 without its signs, or with a blank, a word or a zone's name about the offset
    WHEN regexp_matches(t, '^\d{4}-?\d\d-?\d\d[ T]\d\d:?\d\d') THEN make_timestamp(epoch_us(try_cast(regexp_replace(t,
        '^(\d{4})-?(\d\d)-?(\d\d)[ T](\d\d):?(\d\d):?(\d\d)([.,]\d+)?'
            '(?: ?(Z|[+-]\d\d:?\d\d)(?: [A-Z]+| m=\S+|\[\S+\])*)?$',
        '\1-\2-\3 \4:\5:\6\7\8') AS TIMESTAMPTZ)))
    -- JavaScript: Thu May 01 2025 10:00:00 GMT+0200 (Central European Summer Time)
    WHEN regexp_matches(t, '\d{4} \d\d:\d\d:\d\d GMT[+-]\d{4}') THEN make_timestamp(epoch_us(
        try_strptime(regexp_replace(t, ' GMT([+-]\d{4}).*$', ' \1'), '%a %b %d %Y %H:%M:%S %z')))
    -- MongoDB
    WHEN starts_with(t, '{"$date"') AND json_valid(t) THEN coalesce(
        make_timestamp(epoch_us(try_cast(json_extract_string(t, '$."$date"') AS TIMESTAMPTZ))),
        instant_of_number(try_cast(regexp_extract(t, '"\$numberLong" *: *"(\d{12,14})"', 1) AS DECIMAL(32, 6))))
    ELSE coalesce(
        make_timestamp(epoch_us(try_strptime(t,
            ['%a, %d %b %Y %H:%M:%S %z', '%d %b %Y %H:%M:%S %z', '%d/%b/%Y:%H:%M:%S %z', '%a %b %d %H:%M:%S %z %Y']))),
        try_strptime(t, ['%a, %d %b %Y %H:%M:%S GMT', '%a %b %d %H:%M:%S UTC %Y', '%a %b %d %H:%M:%S GMT %Y']),
        make_timestamp(epoch_us(CAST(try_strptime(t, '%a %b %d %H:%M:%S %Y') AS TIMESTAMPTZ)))) END;
CREATE OR REPLACE TEMP MACRO instant_of(t) AS coalesce(
    CASE WHEN contains(t, '-') THEN make_timestamp(epoch_us(try_cast(t AS TIMESTAMPTZ)))
        WHEN strlen(t) IN (10, 13) AND CAST(try_cast(t AS BIGINT) AS VARCHAR) = t THEN
            make_timestamp(try_cast(t AS BIGINT) * CASE WHEN strlen(t) = 10 THEN 1000000 ELSE 1000 END)
        WHEN regexp_full_match(t, '1\d{9}\.\d{1,6}') THEN
            make_timestamp(CAST(round(try_cast(t AS DOUBLE) * 1000000) AS BIGINT))
        WHEN regexp_full_match(t, '\d{1,19}(\.\d+)?') THEN instant_of_number(try_cast(t AS DECIMAL(32, 6))) END,
    CASE WHEN t IS NOT NULL THEN
        coalesce(make_timestamp(epoch_us(try_cast(upper(replace(t, ',', '.')) AS TIMESTAMPTZ))), instant_in_words(t))
        END);
CREATE OR REPLACE TEMP MACRO truth_of(t) AS CASE
    WHEN t = 'true' THEN true
    WHEN t = 'false' THEN false
    WHEN regexp_full_match(t, '(?i)true|1|1\.0|yes|t|y') THEN true
    WHEN regexp_full_match(t, '(?i)false|0|0\.0|no|f|n') THEN false END;
CREATE OR REPLACE TEMP MACRO outcome_of_status(t) AS CASE
    WHEN try_cast(t AS INTEGER) >= 100 THEN try_cast(t AS INTEGER) BETWEEN 200 AND 299
    WHEN regexp_full_match(t, '(?i)ok|success|succeeded|successful|completed|complete|done') THEN true
    WHEN regexp_full_match(t, '(?i)error(ed)?|fail(ed|ure)?|timed?_?out|cancell?ed|aborted|rejected|denied|exception')
    THEN false END;
CREATE OR REPLACE TEMP MACRO error_of(t) AS CASE
    WHEN regexp_full_match(t, '(?i)|null|none|false|\{\}|\[\]|""') THEN NULL ELSE t END;
-- Some gateways write whether they answered from their cache as a truth, some as a word, some as the id of the answer.
CREATE OR REPLACE TEMP MACRO is_hit(t) AS
    NOT regexp_full_match(t, '(?i)|none|null|false|0|no|n|miss|disabled|bypass|expired|dynamic|[0-]{36}');
CREATE OR REPLACE TEMP MACRO id_of(t) AS CASE
    WHEN strlen(t) > 16 THEN t
    WHEN regexp_full_match(trim(t), '(?i)|none|null|nil|undefined|nan|n\/a|-|unknown')
        THEN NULL ELSE t END;
"""
