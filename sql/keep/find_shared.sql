-- Which lines of other sources repeat a record that stands under a source, so that their text is needed without it?
-- (Requests and events without an id are the same in every source, and need not be read for that.)
-- Reads: the store. Parameters: $source_id.
-- Columns: source_id, line.
SELECT source_id, line
FROM store.duplicates AS d
WHERE source_id <> $source_id AND (
    (kind = 'id' AND identity IN (
        SELECT identity FROM store.requests WHERE source_id = $source_id AND request_id IS NOT NULL))
    OR (kind = 'content' AND (identity, twin) IN (
        SELECT (identity, twin) FROM store.rejects WHERE source_id = $source_id))
)
