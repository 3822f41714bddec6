-- Which tables refer to sources or runs that the store does not know?
-- Columns: what.
SELECT count(*) || ' rows of ' || held AS what
FROM (
    SELECT 'requests' AS held, source_id, batch_id FROM requests
    UNION ALL SELECT 'events', source_id, batch_id FROM events
    UNION ALL SELECT 'rejects', source_id, batch_id FROM rejects
    UNION ALL SELECT 'duplicates', source_id, batch_id FROM duplicates
    UNION ALL SELECT 'pruned', source_id, NULL FROM pruned
)
WHERE source_id NOT IN (SELECT source_id FROM sources)
    OR (batch_id IS NOT NULL AND batch_id NOT IN (SELECT batch_id FROM batches))
GROUP BY held
ORDER BY held
