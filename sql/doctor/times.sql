-- Which tables hold times that no log line can have, or that were pruned?
-- Columns: what.
SELECT count(*) || ' ' || held AS what
FROM (
    SELECT 'requests' AS held, time FROM requests
    UNION ALL SELECT 'events', time FROM events
)
WHERE time NOT BETWEEN TIMESTAMP '2000-01-01' AND TIMESTAMP '2199-12-31'
    OR time < (SELECT CAST(value AS TIMESTAMP) FROM settings WHERE name = 'pruned_before')
GROUP BY held
ORDER BY held
