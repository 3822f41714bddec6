-- Which sources have duplicates that repeat nothing that the store holds?
-- Columns: what.
SELECT count(*) || ' of source ' || source_id AS what
FROM duplicates AS d
WHERE (d.kind = 'id' AND d.identity NOT IN (SELECT identity FROM requests WHERE request_id IS NOT NULL))
    OR (d.kind = 'content' AND (d.identity, d.twin) NOT IN (
        SELECT (identity, twin) FROM requests WHERE request_id IS NULL
        UNION ALL SELECT (identity, twin) FROM events
        UNION ALL SELECT (identity, twin) FROM rejects
    ))
GROUP BY source_id
ORDER BY source_id
