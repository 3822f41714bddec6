-- Which records of the batch are not to be stored, because they are here already?
-- Reads: staged, suspects, matched, rivals. Makes: repeats (staged_row, kind: id, content or pruned).
CREATE OR REPLACE TEMP TABLE repeats AS
SELECT staged_row, 'id' AS kind FROM rivals WHERE staged_row IS NOT NULL AND place > 1
UNION ALL
SELECT rowid, 'pruned' FROM staged WHERE kind = 'pruned'
UNION ALL
SELECT staged_row, 'content'
FROM (
    SELECT rowid AS staged_row,
        row_number() OVER (PARTITION BY kind, identity, twin ORDER BY source_no, line, part) AS place
    FROM staged
    WHERE kind <> 'pruned' AND (kind <> 'request' OR request_id IS NULL)
        AND (identity IN (FROM suspects) OR rowid IN (SELECT staged_row FROM matched))
)
WHERE place > 1 OR staged_row IN (SELECT staged_row FROM matched);
