-- What stands twice in the store: an id, or a text with the same number among its likes?
-- Columns: what.
SELECT count(*) || ' ids of requests' AS what
FROM (SELECT request_id FROM requests WHERE request_id IS NOT NULL GROUP BY request_id HAVING count(*) > 1)
HAVING count(*) > 0
UNION ALL
SELECT count(*) || ' texts of ' || held
FROM (
    SELECT held FROM (
        SELECT 'requests' AS held, identity, twin FROM requests WHERE request_id IS NULL
        UNION ALL SELECT 'events', identity, twin FROM events
        UNION ALL SELECT 'rejects', identity, twin FROM rejects
    )
    GROUP BY held, identity, twin HAVING count(*) > 1
)
GROUP BY held
ORDER BY what
