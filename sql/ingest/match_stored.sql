-- Which records of the batch does the store hold already?
-- With an id the id decides; without, the text and its number among the identical lines of its file.
-- All that is read of a large store is its identities, and compared by one key: DuckDB then passes over those that
-- none of the batch has while it reads them, which is half the work.
-- Reads: staged, stored (the store's requests), the store.
-- Makes: matched (staged_row, stored_row: of request_rows for requests); alike, the requests to look at for that.
CREATE OR REPLACE TEMP TABLE alike AS
SELECT rowid AS stored_row, identity, twin
FROM store.request_rows
WHERE identity IN (SELECT identity FROM staged WHERE kind = 'request');
CREATE OR REPLACE TEMP TABLE matched AS
SELECT s.rowid AS staged_row, alike.stored_row
FROM staged AS s
JOIN alike ON alike.identity = s.identity AND alike.twin = s.twin
JOIN stored AS r ON r.stored_row = alike.stored_row AND r.request_id IS NOT DISTINCT FROM s.request_id
WHERE s.kind = 'request'
UNION ALL
SELECT s.rowid, e.rowid FROM staged AS s JOIN store.events AS e ON e.identity = s.identity AND e.twin = s.twin
WHERE s.kind = 'event'
UNION ALL
SELECT s.rowid, j.rowid FROM staged AS s JOIN store.rejects AS j ON j.identity = s.identity AND j.twin = s.twin
WHERE s.kind = 'reject';
