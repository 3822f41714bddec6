-- Which line of which source repeats which record?
-- Reads: repeats, staged, batch_sources. Parameters: $batch_id.
INSERT INTO store.duplicates BY NAME
SELECT b.source_id, s.line, r.kind, $batch_id AS batch_id, s.identity, s.twin
FROM repeats AS r
JOIN staged AS s ON s.rowid = r.staged_row
JOIN batch_sources AS b ON b.source_no = s.source_no
