-- Which of several identical lines of one file is each, where lines are read again? The numbers that the lines had are
-- free, and are given out again.
-- Reads: staged, batch_sources, the store without the lines. Changes: staged.twin.
CREATE OR REPLACE TEMP TABLE numbered_before AS
SELECT b.source_no, identity, twin
FROM (
    SELECT source_id, identity, twin FROM store.requests WHERE request_id IS NULL
    UNION ALL SELECT source_id, identity, twin FROM store.events
    UNION ALL SELECT source_id, identity, twin FROM store.rejects
    UNION ALL SELECT source_id, identity, twin FROM store.duplicates WHERE kind = 'content'
) AS r
JOIN batch_sources AS b ON b.source_id = r.source_id
WHERE identity IN (SELECT identity FROM staged WHERE kind <> 'request' OR request_id IS NULL);

UPDATE staged SET twin = numbered.twin
FROM (
    WITH likes AS (
        SELECT rowid AS staged_row, source_no, identity,
            row_number() OVER (PARTITION BY source_no, identity ORDER BY line, part) AS place
        FROM staged WHERE kind <> 'request' OR request_id IS NULL
    ), numbers AS (
        SELECT source_no, identity, CAST(unnest(range(CAST(sum(count) AS BIGINT))) AS INTEGER) AS twin
        FROM (
            SELECT source_no, identity, count(*) AS count FROM likes GROUP BY source_no, identity
            UNION ALL SELECT source_no, identity, count(*) FROM numbered_before GROUP BY source_no, identity
        )
        GROUP BY source_no, identity
    ), free AS (
        SELECT n.source_no, n.identity, n.twin,
            row_number() OVER (PARTITION BY n.source_no, n.identity ORDER BY n.twin) AS place
        FROM numbers AS n
        ANTI JOIN numbered_before AS t ON t.source_no = n.source_no AND t.identity = n.identity AND t.twin = n.twin
    )
    SELECT l.staged_row, f.twin
    FROM likes AS l
    JOIN free AS f ON f.source_no = l.source_no AND f.identity = l.identity AND f.place = l.place
) AS numbered
WHERE staged.rowid = numbered.staged_row;
