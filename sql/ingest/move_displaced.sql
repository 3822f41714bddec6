-- Where a record gave way to one of another source, the sources' counts change with it: the old one's request is a
-- duplicate now, and the new one's duplicate a request.
-- Reads: rivals, staged, batch_sources. Changes: store.sources.
UPDATE store.sources SET requests = requests + moved.change, duplicates = duplicates - moved.change
FROM (
    SELECT source_id, sum(change) AS change
    FROM (
        SELECT source_id, -1 AS change FROM rivals WHERE stored_row IS NOT NULL AND place > 1
        UNION ALL
        SELECT b.source_id, 1
        FROM rivals AS r
        JOIN staged AS s ON s.rowid = r.staged_row
        JOIN batch_sources AS b ON b.source_no = s.source_no
        WHERE r.place = 1 AND r.has_stored
    )
    GROUP BY source_id
) AS moved
WHERE store.sources.source_id = moved.source_id
