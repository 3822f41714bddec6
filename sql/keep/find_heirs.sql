-- Which other source has the same record without an id, and keeps it when a source is forgotten?
-- Slot: table (request_rows or events). Parameters: $source_id.
-- Makes: heirs (stored_row: of the table; duplicate_row: of store.duplicates; source_id, line: of the heir).
CREATE OR REPLACE TEMP TABLE heirs AS
SELECT DISTINCT ON (r.rowid) r.rowid AS stored_row, d.rowid AS duplicate_row, d.source_id, d.line
FROM (SELECT rowid, * FROM store./*table*/) AS r
JOIN (SELECT rowid, * FROM store.duplicates) AS d
    ON d.kind = 'content' AND d.identity = r.identity AND d.twin = r.twin AND d.source_id <> r.source_id
WHERE r.source_id = $source_id
ORDER BY r.rowid, d.source_id, d.line
