-- Which stored records give way to a larger one with their id? Each is kept as a duplicate: its source, its line.
-- Reads: rivals. Parameters: $batch_id.
INSERT INTO store.duplicates BY NAME
SELECT source_id, line, 'id' AS kind, $batch_id AS batch_id, identity, 0 AS twin
FROM rivals WHERE stored_row IS NOT NULL AND place > 1
