-- Which sources of the batch are new? Their counts are added with those of the others.
-- Reads: places (how far each source of the batch was read). Parameters: $now (naive UTC).
INSERT INTO store.sources BY NAME
SELECT source_id, name, head, tail, carried, position, lines, 0 AS read, 0 AS requests, 0 AS events, 0 AS duplicates,
    0 AS rejected, $now AS first_read_at, $now AS last_read_at
FROM places WHERE is_new
