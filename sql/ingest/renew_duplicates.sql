-- DuckDB hashes ids otherwise now: what do duplicates of an id repeat?
-- Reads: store.requests, with the hashes of before. Changes: store.duplicates.
UPDATE store.duplicates SET identity = hash(r.request_id)
FROM store.requests AS r
WHERE duplicates.kind = 'id' AND r.request_id IS NOT NULL AND r.identity = duplicates.identity
