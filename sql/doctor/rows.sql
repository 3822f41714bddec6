-- Of which sources do the tables not hold the rows that are counted, without what was pruned?
-- Slot: rows (the query `keep/count_rows.sql`).
-- Columns: what.
SELECT 'source ' || s.source_id || ' ' || s.name AS what
FROM sources AS s
LEFT JOIN (/*rows*/) AS r ON r.source_id = s.source_id
LEFT JOIN (SELECT source_id, sum(requests) AS requests, sum(events) AS events FROM pruned GROUP BY source_id) AS p
    ON p.source_id = s.source_id
WHERE s.requests <> coalesce(r.requests, 0) + coalesce(p.requests, 0)
    OR s.events <> coalesce(r.events, 0) + coalesce(p.events, 0)
    OR s.duplicates <> coalesce(r.duplicates, 0)
    OR s.rejected <> coalesce(r.rejected, 0)
ORDER BY s.source_id
