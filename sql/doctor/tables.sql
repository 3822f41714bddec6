-- Which tables of the store are not tollbook's?
-- Parameters: $known (names).
-- Columns: what.
SELECT table_name AS what
FROM duckdb_tables()
WHERE database_name = 'store' AND NOT list_contains($known, table_name)
ORDER BY table_name
