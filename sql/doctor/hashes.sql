-- Does DuckDB hash ids otherwise than when their identities were made?
-- Columns: what.
SELECT 'ids were hashed by another DuckDB' AS what
FROM settings WHERE name = 'hash' AND value <> CAST(hash('tollbook') AS VARCHAR)
