-- Which records are older than a moment?
-- Reads: the store. Parameters: $before (naive UTC). Makes: expired (kind: as a duplicate names it; identity, twin).
CREATE OR REPLACE TEMP TABLE expired AS
SELECT CASE WHEN request_id IS NULL THEN 'content' ELSE 'id' END AS kind, identity, twin
FROM store.requests WHERE time < $before
UNION ALL
SELECT 'content', identity, twin FROM store.events WHERE time < $before
