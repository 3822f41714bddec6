-- Of which sources and runs does the account not add up: read = requests + events + duplicates + rejected?
-- Columns: what (one line for people).
SELECT 'source ' || source_id || ' ' || name AS what
FROM sources WHERE read <> requests + events + duplicates + rejected
UNION ALL
SELECT 'run ' || batch_id FROM batches WHERE read <> requests + events + duplicates + rejected
ORDER BY what
