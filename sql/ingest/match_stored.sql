-- Which records of the batch does the store hold already?
-- With an id the id decides; without, the text and its number among the identical lines of its file.
-- Reads: staged, the store. Makes: matched (staged_row, stored_row: of store.requests for requests).
CREATE OR REPLACE TEMP TABLE matched AS
SELECT s.rowid AS staged_row, r.rowid AS stored_row
FROM staged AS s JOIN store.requests AS r
    ON r.identity = s.identity AND r.twin = s.twin AND r.request_id IS NOT DISTINCT FROM s.request_id
WHERE s.kind = 'request'
UNION ALL
SELECT s.rowid, e.rowid FROM staged AS s JOIN store.events AS e ON e.identity = s.identity AND e.twin = s.twin
WHERE s.kind = 'event'
UNION ALL
SELECT s.rowid, j.rowid FROM staged AS s JOIN store.rejects AS j ON j.identity = s.identity AND j.twin = s.twin
WHERE s.kind = 'reject';
