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

-- One row per LLM call. NULL is unknown, everywhere.
CREATE TABLE requests (
    time TIMESTAMP NOT NULL,         -- when it started, UTC
    request_id VARCHAR,
    trace_id VARCHAR,
    span_id VARCHAR,
    parent_span_id VARCHAR,
    session_id VARCHAR,
    provider VARCHAR,
    model VARCHAR,                   -- as logged
    service_tier VARCHAR,            -- batch, flex, priority; NULL is standard
    team VARCHAR,
    project VARCHAR,
    environment VARCHAR,
    user_id VARCHAR,                 -- the dimension `user`
    service VARCHAR,
    application VARCHAR,
    region VARCHAR,                  -- where it was processed, as logged
    input_tokens BIGINT,             -- the whole prompt, cached and written parts included
    cached_input_tokens BIGINT,      -- part of input_tokens
    cache_write_tokens BIGINT,       -- part of input_tokens, all lifetimes
    cache_write_1h_tokens BIGINT,    -- part of cache_write_tokens
    output_tokens BIGINT,            -- the whole answer, reasoning included
    reasoning_tokens BIGINT,         -- part of output_tokens
    latency_ms DOUBLE,
    ttft_ms DOUBLE,
    success BOOLEAN,                 -- NULL: the log does not say
    status VARCHAR,
    error_type VARCHAR,
    error VARCHAR,
    reported_cost DECIMAL(28, 15),   -- what the log says it cost, USD
    computed_cost DECIMAL(28, 15),   -- tokens x the price in force, USD; NULL: unpriced
    cache_hit BOOLEAN,               -- a gateway answered from its cache: nothing is billed, the tokens are 0
    estimated BOOLEAN,               -- the tokens are not the provider's last word: the call did not come to its end
    price_id VARCHAR,                -- prices.price_id
    catalogue VARCHAR,               -- prices.catalogue
    attributes VARCHAR,              -- JSON object of everything else in the record
    source_id INTEGER NOT NULL,
    line BIGINT NOT NULL,
    batch_id INTEGER NOT NULL,
    identity UBIGINT NOT NULL,       -- hash of the id, or half an MD5 of the text where it has none
    twin INTEGER NOT NULL            -- ordinal among the identical lines of its file; 0 with an id
);

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
