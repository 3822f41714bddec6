-- Which refused lines of the batch are new?
-- Reads: judged, batch_sources, offsets (of refused lines), repeats.
-- Parameters: $batch_id, $excerpt_length (characters of the line to keep; NULL keeps none: lines can hold prompts).
INSERT INTO store.rejects BY NAME
SELECT
    b.source_id, s.line, coalesce(o.byte_offset, 0) AS byte_offset, s.reason,
    CASE WHEN $excerpt_length IS NOT NULL THEN left(s.text, $excerpt_length) END AS excerpt,
    $batch_id AS batch_id, s.identity, s.twin
FROM judged AS s
JOIN batch_sources AS b ON b.source_no = s.source_no
LEFT JOIN offsets AS o ON o.source_no = s.source_no AND o.line = s.line
WHERE s.kind = 'reject' /*new*/
