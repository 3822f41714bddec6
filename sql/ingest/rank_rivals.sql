-- Of several records with one id, which is kept? The last and largest: most output tokens, most input tokens, latest;
-- what is left decides only between records that differ in nothing else that counts, so that the answer does not
-- depend on the order of reading. Between equals the one that is stored stays.
-- Reads: judged, suspects (identities that stand twice in the batch), matched (rows of both), stored.
-- Columns: staged_row, stored_row (one of them NULL), place (1 is kept), has_stored, source_id and line of stored rows.
CREATE OR REPLACE TEMP TABLE rivals AS
WITH rival AS (
    SELECT s.staged_row, CAST(NULL AS BIGINT) AS stored_row, s.source_no AS source_no, s.line, s.part,
        s.identity, s.request_id, s.output_tokens, s.input_tokens, s.time, s.latency_ms, s.success, s.model, s.status,
        s.reported_cost, s.attributes
    FROM judged AS s
    WHERE s.kind = 'request' AND s.request_id IS NOT NULL
        AND (s.identity IN (FROM suspects) OR s.staged_row IN (SELECT staged_row FROM matched))
    UNION ALL
    SELECT NULL, r.stored_row, r.source_id, r.line, 0,
        r.identity, r.request_id, r.output_tokens, r.input_tokens, r.time, r.latency_ms, r.success, r.model, r.status,
        r.reported_cost, r.attributes
    FROM stored AS r
    WHERE r.request_id IS NOT NULL AND r.stored_row IN (SELECT stored_row FROM matched)
)
SELECT staged_row, stored_row, source_no AS source_id, line, identity,
    row_number() OVER (
        PARTITION BY request_id
        ORDER BY coalesce(output_tokens, -1) DESC, coalesce(input_tokens, -1) DESC, time DESC,
            coalesce(latency_ms, -1) DESC, success DESC NULLS LAST, model DESC NULLS LAST, status DESC NULLS LAST,
            reported_cost DESC NULLS LAST, attributes DESC NULLS LAST, stored_row IS NULL, source_no, line, part
    ) AS place,
    bool_or(stored_row IS NOT NULL) OVER (PARTITION BY request_id) AS has_stored
FROM rival
