-- How many requests have an identity that is not the hash of their id?
-- Columns: what.
SELECT count(*) || ' requests' AS what
FROM requests
WHERE request_id IS NOT NULL AND identity <> hash(request_id)
    AND NOT EXISTS (SELECT 1 FROM settings WHERE name = 'hash' AND value <> CAST(hash('tollbook') AS VARCHAR))
HAVING count(*) > 0
