-- How many rows of each kind does the store hold of each source?
-- Parameters: none.
-- Columns: source_id; requests, events, duplicates, rejected (rows of the tables).
SELECT source_id,
    count(*) FILTER (WHERE held = 'requests') AS requests,
    count(*) FILTER (WHERE held = 'events') AS events,
    count(*) FILTER (WHERE held = 'duplicates') AS duplicates,
    count(*) FILTER (WHERE held = 'rejected') AS rejected
FROM (
    SELECT source_id, 'requests' AS held FROM store.requests
    UNION ALL SELECT source_id, 'events' FROM store.events
    UNION ALL SELECT source_id, 'duplicates' FROM store.duplicates
    UNION ALL SELECT source_id, 'rejected' FROM store.rejects
)
GROUP BY source_id
