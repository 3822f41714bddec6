-- Which requests of the batch are new, and what did each cost?
-- Reads: judged, batch_sources, rates (the prices that can apply), repeats (rows of staged that
-- are here already, where there are any).
-- Parameters: $batch_id.
-- Cost: the macro of `cost_of_tokens.sql`.
-- Columns that the table lacks are left out by a slot: no request has a value for them.
-- The catalogue's prices do not overlap, so at most one row of `rates` meets a request.
INSERT INTO store.request_rows BY NAME
SELECT * /*exclude*/
FROM (
    SELECT
        s.time, s.request_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id, s.provider, s.model, s.service_tier,
        s.team, s.project, s.environment, s.user_id, s.service, s.application, s.region,
        s.input_tokens, s.cached_input_tokens, s.cache_write_tokens, s.cache_write_1h_tokens, s.output_tokens,
        s.reasoning_tokens, s.latency_ms, s.ttft_ms, s.success, s.status, s.error_type, s.error, s.reported_cost,
        CASE WHEN s.cache_hit THEN 0 ELSE cost_of_tokens(
            s.input_tokens, s.cached_input_tokens, s.cache_write_tokens, s.cache_write_1h_tokens, s.output_tokens,
            p.price_id, p.input, p.cached_input, p.cache_write, p.cache_write_1h, p.output
        ) END AS computed_cost,
        s.cache_hit, s.estimated, p.price_id, p.catalogue, s.attributes,
        b.source_id, s.line, $batch_id AS batch_id, s.identity, s.twin
    FROM judged AS s
    JOIN batch_sources AS b ON b.source_no = s.source_no
    LEFT JOIN rates AS p
        ON p.named_model = s.model
        AND p.named_provider IS NOT DISTINCT FROM s.provider
        AND p.named_tier IS NOT DISTINCT FROM s.service_tier
        AND s.time >= p.valid_from AND s.time < p.valid_until
        AND s.input_tokens > p.over_tokens AND s.input_tokens <= p.upto_tokens
        AND CASE WHEN p.always THEN true
            ELSE hour(s.time) * 60 + minute(s.time) >= p.minute_from AND hour(s.time) * 60 + minute(s.time) < p.minute_until
                AND (p.weekdays >> (isodow(s.time)::INTEGER - 1)) & 1 = 1 END
    WHERE s.kind = 'request' /*new*/
)
