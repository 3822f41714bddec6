-- How many rows of which source are gone?
-- Reads: rows_before (of `count_rows.sql`), the store. Makes: gone (source_id, source: its name, requests, events).
CREATE OR REPLACE TEMP TABLE gone AS
SELECT b.source_id, s.name AS source,
    b.requests - coalesce(a.requests, 0) AS requests, b.events - coalesce(a.events, 0) AS events
FROM rows_before AS b
LEFT JOIN (/*now*/) AS a ON a.source_id = b.source_id
LEFT JOIN store.sources AS s ON s.source_id = b.source_id
WHERE b.requests <> coalesce(a.requests, 0) OR b.events <> coalesce(a.events, 0)
