-- Which of several identical lines of one file is each? (Records without an id; the first is 0.)
-- A file that is read on continues the count from what it held before.
-- Reads: staged, suspects, batch_sources, and the store's records of the sources that are read on.
-- Changes: staged.twin.
CREATE OR REPLACE TEMP TABLE before AS
SELECT source_id, identity, count(*) AS twins
FROM (
    SELECT source_id, identity FROM store.requests WHERE request_id IS NULL
    UNION ALL SELECT source_id, identity FROM store.events
    UNION ALL SELECT source_id, identity FROM store.rejects
    UNION ALL SELECT source_id, identity FROM store.duplicates WHERE kind = 'content'
)
WHERE source_id IN (SELECT source_id FROM batch_sources WHERE NOT is_new)
    AND identity IN (SELECT identity FROM staged WHERE kind <> 'request' OR request_id IS NULL)
GROUP BY ALL;

UPDATE staged SET twin = numbered.twin
FROM (
    SELECT s.rowid AS staged_row, coalesce(p.twins, 0) + row_number() OVER (
        PARTITION BY s.source_no, s.identity ORDER BY s.line, s.part) - 1 AS twin
    FROM staged AS s
    JOIN batch_sources AS b ON b.source_no = s.source_no
    LEFT JOIN before AS p ON p.source_id = b.source_id AND p.identity = s.identity
    WHERE (s.kind <> 'request' OR s.request_id IS NULL)
        AND (s.identity IN (FROM suspects) OR s.identity IN (SELECT identity FROM before))
) AS numbered
WHERE staged.rowid = numbered.staged_row AND numbered.twin > 0;
