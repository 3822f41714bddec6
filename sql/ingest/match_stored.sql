-- Which records of the batch does the store hold already?
-- With an id the id decides; without, the text and its number among the identical lines of its file.
-- The ids themselves are compared only where their hashes are equal: the hash is a quarter of the reading.
-- Reads: staged, stored (the store's requests), the store. Makes: matched (staged_row, stored_row: of request_rows for requests).
CREATE OR REPLACE TEMP TABLE matched AS
SELECT alike.staged_row, alike.stored_row
FROM (
    SELECT s.rowid AS staged_row, s.request_id, r.rowid AS stored_row
    FROM staged AS s JOIN store.request_rows AS r ON r.identity = s.identity AND r.twin = s.twin
    WHERE s.kind = 'request'
) AS alike
JOIN stored AS r ON r.stored_row = alike.stored_row AND r.request_id IS NOT DISTINCT FROM alike.request_id
UNION ALL
SELECT s.rowid, e.rowid FROM staged AS s JOIN store.events AS e ON e.identity = s.identity AND e.twin = s.twin
WHERE s.kind = 'event'
UNION ALL
SELECT s.rowid, j.rowid FROM staged AS s JOIN store.rejects AS j ON j.identity = s.identity AND j.twin = s.twin
WHERE s.kind = 'reject';
