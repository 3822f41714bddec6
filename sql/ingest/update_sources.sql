-- How far was each source of the batch read, and what did it hold?
-- Reads: places. Parameters: $now (naive UTC). Changes: store.sources.
UPDATE store.sources SET
    name = p.name, tail = p.tail, carried = p.carried, position = p.position, lines = p.lines, last_read_at = $now,
    read = sources.read + p.read, requests = sources.requests + p.requests, events = sources.events + p.events,
    duplicates = sources.duplicates + p.duplicates, rejected = sources.rejected + p.rejected
FROM places AS p WHERE sources.source_id = p.source_id
