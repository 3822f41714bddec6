-- Which stretches of lines do records that are to be read again take? Each ends before the next line that the store
-- has a record of: a record can go on over the lines behind its first.
-- Reads: wanted (source_id, line), the store.
-- Columns: source_id, first, until (excluded; NULL where the source was read no further); in order.
SELECT source_id, min(line) AS first, until
FROM (
    SELECT source_id, line, is_wanted, min(CASE WHEN NOT is_wanted THEN line END) OVER (
        PARTITION BY source_id ORDER BY line ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS until
    FROM (
        SELECT source_id, line, (source_id, line) IN (SELECT (source_id, line) FROM wanted) AS is_wanted
        FROM (
            SELECT source_id, line FROM store.requests
            UNION SELECT source_id, line FROM store.events
            UNION SELECT source_id, line FROM store.rejects
            UNION SELECT source_id, line FROM store.duplicates
        )
        WHERE source_id IN (SELECT source_id FROM wanted)
    )
)
WHERE is_wanted
GROUP BY source_id, until
ORDER BY source_id, first
