-- One row per file, recognised by its content: its first line and the bytes before the position read up to.
CREATE TABLE sources (
    source_id INTEGER PRIMARY KEY,
    name VARCHAR NOT NULL,           -- where it was last seen
    head VARCHAR NOT NULL,           -- digest of its first complete line
    tail VARCHAR NOT NULL,           -- digest of the last bytes before position
    position BIGINT NOT NULL,        -- bytes read, after decompression
    lines BIGINT NOT NULL,           -- lines up to position
    carried VARCHAR,                 -- JSON: what lines up to position say of those behind it, by format
    format VARCHAR,                  -- format of most of its records
    read BIGINT NOT NULL,            -- records judged; = requests + events + duplicates + rejected
    requests BIGINT NOT NULL,
    events BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    first_read_at TIMESTAMP NOT NULL,
    last_read_at TIMESTAMP NOT NULL
);

-- One row per run that committed something. A run of `rejects retry` or `forget` adds what it changed: the sums over all
-- runs are those over all sources, and counts of what was taken out again are negative.
CREATE TABLE batches (
    batch_id INTEGER PRIMARY KEY,
    started_at TIMESTAMP NOT NULL,
    version VARCHAR NOT NULL,        -- of tollbook
    read BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    events BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);

-- One row per LLM call: what every one has. Ingest adds a column of `requests` when a record first has a value for it,
-- because a column costs time and space even where it is empty.
CREATE TABLE request_rows (
    time TIMESTAMP NOT NULL,
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    batch_id INTEGER NOT NULL,
    identity UBIGINT NOT NULL,       -- hash of the id, or half an MD5 of the text where it has none
    twin INTEGER NOT NULL            -- ordinal among the identical lines of its file; 0 with an id
);

-- All the columns that a request can have, and their types. NULL is unknown, everywhere.
CREATE VIEW requests AS
SELECT
    time,                                                   -- when it started, UTC
    CAST(NULL AS VARCHAR) AS request_id,
    CAST(NULL AS VARCHAR) AS trace_id,
    CAST(NULL AS VARCHAR) AS span_id,
    CAST(NULL AS VARCHAR) AS parent_span_id,
    CAST(NULL AS VARCHAR) AS session_id,
    CAST(NULL AS VARCHAR) AS provider,
    CAST(NULL AS VARCHAR) AS model,                         -- as logged
    CAST(NULL AS VARCHAR) AS service_tier,                  -- batch, flex, priority; NULL is standard
    CAST(NULL AS VARCHAR) AS team,
    CAST(NULL AS VARCHAR) AS project,
    CAST(NULL AS VARCHAR) AS environment,
    CAST(NULL AS VARCHAR) AS user_id,                       -- the dimension `user`
    CAST(NULL AS VARCHAR) AS service,
    CAST(NULL AS VARCHAR) AS application,
    CAST(NULL AS VARCHAR) AS region,                        -- where it was processed, as logged
    CAST(NULL AS BIGINT) AS input_tokens,                   -- the whole prompt, cached and written parts included
    CAST(NULL AS BIGINT) AS cached_input_tokens,            -- part of input_tokens
    CAST(NULL AS BIGINT) AS cache_write_tokens,             -- part of input_tokens, all lifetimes
    CAST(NULL AS BIGINT) AS cache_write_1h_tokens,          -- part of cache_write_tokens
    CAST(NULL AS BIGINT) AS output_tokens,                  -- the whole answer, reasoning included
    CAST(NULL AS BIGINT) AS reasoning_tokens,               -- part of output_tokens
    CAST(NULL AS DOUBLE) AS latency_ms,
    CAST(NULL AS DOUBLE) AS ttft_ms,
    CAST(NULL AS BOOLEAN) AS success,                       -- NULL: the log does not say
    CAST(NULL AS VARCHAR) AS status,
    CAST(NULL AS VARCHAR) AS error_type,
    CAST(NULL AS VARCHAR) AS error,
    CAST(NULL AS DECIMAL(28, 15)) AS reported_cost,         -- what the log says it cost, USD
    CAST(NULL AS DECIMAL(28, 15)) AS computed_cost,         -- tokens x the price in force, USD; NULL: unpriced
    CAST(NULL AS BOOLEAN) AS cache_hit,                     -- answered from a gateway's cache: not billed, tokens are 0
    CAST(NULL AS BOOLEAN) AS estimated,                     -- the call did not end: not the provider's last word
    CAST(NULL AS VARCHAR) AS price_id,                      -- prices.price_id
    CAST(NULL AS VARCHAR) AS catalogue,                     -- prices.catalogue
    CAST(NULL AS VARCHAR) AS attributes,                    -- JSON object of everything else in the record
    source_id, line, batch_id, identity, twin
FROM request_rows;

-- Records that are not LLM calls.
CREATE TABLE events (
    time TIMESTAMP NOT NULL,
    level VARCHAR,
    service VARCHAR,
    message VARCHAR,
    request_id VARCHAR,
    trace_id VARCHAR,
    span_id VARCHAR,
    parent_span_id VARCHAR,
    session_id VARCHAR,
    attributes VARCHAR,
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    batch_id INTEGER NOT NULL,
    identity UBIGINT NOT NULL,
    twin INTEGER NOT NULL
);

-- What was refused, and why.
CREATE TABLE rejects (
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    byte_offset BIGINT NOT NULL,     -- of the line's first byte, after decompression
    reason VARCHAR NOT NULL,
    excerpt VARCHAR,                 -- only where the configuration asks for it: lines can hold prompts
    batch_id INTEGER NOT NULL,
    identity UBIGINT NOT NULL,
    twin INTEGER NOT NULL
);

-- What was recognised as being here already: which line of which source repeats which identity.
CREATE TABLE duplicates (
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    kind VARCHAR NOT NULL,           -- id: same id; content: same text, no id; pruned: of a time that was pruned
    batch_id INTEGER NOT NULL,
    identity UBIGINT NOT NULL,
    twin INTEGER NOT NULL
);

-- The prices that requests refer to. Rates are USD per million tokens.
CREATE TABLE prices (
    price_id VARCHAR NOT NULL,
    catalogue VARCHAR NOT NULL,      -- version of the catalogue that the price came from
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,          -- the catalogue's name
    service_tier VARCHAR NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_until TIMESTAMP NOT NULL,
    over_tokens BIGINT NOT NULL,     -- for prompts of more than this many tokens, ...
    upto_tokens BIGINT NOT NULL,     -- ... and at most this many
    minute_from SMALLINT NOT NULL,   -- for requests of these minutes of the UTC day, half-open
    minute_until SMALLINT NOT NULL,
    weekdays SMALLINT NOT NULL,      -- of these days, a bit each, Monday is 1, all are 127
    input DECIMAL(18, 9),
    cached_input DECIMAL(18, 9),
    cache_write DECIMAL(18, 9),
    cache_write_1h DECIMAL(18, 9),
    output DECIMAL(18, 9),
    PRIMARY KEY (price_id, catalogue)
);

-- What was deleted for its age: rows that sources and batches still count.
CREATE TABLE pruned (
    pruned_at TIMESTAMP NOT NULL,
    before TIMESTAMP NOT NULL,       -- what was older went
    source_id INTEGER NOT NULL,
    requests BIGINT NOT NULL,
    events BIGINT NOT NULL
);

-- What the store must remember of itself: `hash` is how DuckDB hashed a known text when identities were made;
-- `pruned_before` is the time (UTC) of which nothing older is kept, nor taken in again.
CREATE TABLE settings (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);
