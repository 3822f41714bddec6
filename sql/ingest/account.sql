-- What did the batch hold of each source?
-- Reads: staged, repeats, rivals.
-- Columns: source_no, read, requests, events, duplicates, rejected.
SELECT source_no,
    count(*) AS read,
    count(*) FILTER (WHERE kind = 'request' AND NOT is_repeat) AS requests,
    count(*) FILTER (WHERE kind = 'event' AND NOT is_repeat) AS events,
    count(*) FILTER (WHERE is_repeat) AS duplicates,
    count(*) FILTER (WHERE kind = 'reject' AND NOT is_repeat) AS rejected
FROM (
    SELECT source_no, kind,
        rowid IN (
            SELECT staged_row FROM repeats
            UNION ALL
            -- it takes the place of a stored record with its id
            SELECT staged_row FROM rivals WHERE staged_row IS NOT NULL AND place = 1 AND has_stored
        ) AS is_repeat
    FROM staged
)
GROUP BY source_no
