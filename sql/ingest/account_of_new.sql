-- What did the batch hold of each source, where nothing of it was here already?
-- Reads: summary. Columns: source_no, read, requests, events, duplicates, rejected.
SELECT source_no,
    CAST(sum(records) AS BIGINT) AS read,
    CAST(coalesce(sum(records) FILTER (WHERE kind = 'request'), 0) AS BIGINT) AS requests,
    CAST(coalesce(sum(records) FILTER (WHERE kind = 'event'), 0) AS BIGINT) AS events,
    0 AS duplicates,
    CAST(coalesce(sum(records) FILTER (WHERE kind = 'reject'), 0) AS BIGINT) AS rejected
FROM summary
GROUP BY source_no
