-- Which lines repeat a record that is not here any more, because it was forgotten with another source?
-- Reads: lines_lost (source_id, line: those that could not be read again), the store. Changes: store.duplicates.
DELETE FROM store.duplicates
WHERE (source_id, line) IN (SELECT (source_id, line) FROM lines_lost)
    AND ((kind = 'id' AND identity NOT IN (SELECT identity FROM store.requests WHERE request_id IS NOT NULL))
        OR (kind = 'content' AND (identity, twin) NOT IN (
            SELECT (identity, twin) FROM store.requests WHERE request_id IS NULL
            UNION ALL SELECT (identity, twin) FROM store.events
            UNION ALL SELECT (identity, twin) FROM store.rejects)))
RETURNING kind, identity, twin
