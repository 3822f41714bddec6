-- Copies of refused lines repeat what became of those: of the record that begins in the line, or in one before it.
-- Reads: refused (lines that were read again: source_id, line, identity, twin), wanted, the store.
-- Changes: store.duplicates.
UPDATE store.duplicates SET kind = became.kind, identity = became.new_identity, twin = became.new_twin
FROM (
    WITH held AS (
        SELECT source_id, line, CASE WHEN request_id IS NULL THEN 'content' ELSE 'id' END AS kind, identity, twin
        FROM store.requests
        UNION ALL SELECT source_id, line, 'content', identity, twin FROM store.events
        UNION ALL SELECT source_id, line, 'content', identity, twin FROM store.rejects
    ), again AS (
        SELECT DISTINCT ON (source_id, line) *
        FROM (FROM held UNION ALL SELECT source_id, line, kind, identity, twin FROM store.duplicates)
        SEMI JOIN wanted USING (source_id, line)
        ORDER BY source_id, line, kind, identity, twin
    ), gone AS (
        SELECT * FROM refused
        WHERE (identity, twin) NOT IN (SELECT (identity, twin) FROM held WHERE kind = 'content')
    )
    SELECT g.identity, g.twin, a.kind, a.identity AS new_identity, a.twin AS new_twin
    FROM gone AS g ASOF JOIN again AS a ON a.source_id = g.source_id AND a.line <= g.line
) AS became
WHERE duplicates.kind = 'content' AND duplicates.identity = became.identity AND duplicates.twin = became.twin
