-- Of which sources are lines or refused bytes stored that lie behind the position read up to?
-- Columns: what.
SELECT 'source ' || s.source_id || ' ' || s.name AS what
FROM sources AS s
JOIN (
    SELECT source_id, min(line) AS first_line, max(line) AS last_line, max(byte_offset) AS last_offset
    FROM (
        SELECT source_id, line, NULL AS byte_offset FROM requests
        UNION ALL SELECT source_id, line, NULL FROM events
        UNION ALL SELECT source_id, line, NULL FROM duplicates
        UNION ALL SELECT source_id, line, byte_offset FROM rejects
    )
    GROUP BY source_id
) AS r ON r.source_id = s.source_id
WHERE r.first_line < 1 OR r.last_line > s.lines + 1 OR r.last_offset >= s.position OR s.lines > s.position
ORDER BY s.source_id
