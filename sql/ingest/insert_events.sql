-- Which events of the batch are new?
-- Reads: judged, batch_sources, repeats. Parameters: $batch_id.
INSERT INTO store.events BY NAME
SELECT
    s.time, s.level, s.service, s.message, s.request_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id,
    s.attributes, b.source_id, s.line, $batch_id AS batch_id, s.identity, s.twin
FROM judged AS s JOIN batch_sources AS b ON b.source_no = s.source_no
WHERE s.kind = 'event' /*new*/
