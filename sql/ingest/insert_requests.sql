-- Which requests of the batch are new, and what did each cost?
-- Reads: staged (judged records), batch_sources, rates (the prices that can apply), repeats (rows of staged that
-- are here already, where there are any).
-- Parameters: $batch_id.
-- Cost: tokens x USD per million tokens, in decimals, exact; NULL where any class of tokens has no rate.
-- The catalogue's prices do not overlap, so at most one row of `rates` meets a request.
INSERT INTO store.requests BY NAME
SELECT
    s.time, s.request_id, s.trace_id, s.span_id, s.parent_span_id, s.session_id, s.provider, s.model, s.service_tier,
    s.team, s.project, s.environment, s.user_id, s.service, s.application, s.region,
    s.input_tokens, s.cached_input_tokens, s.cache_write_tokens, s.cache_write_1h_tokens, s.output_tokens,
    s.reasoning_tokens, s.latency_ms, s.ttft_ms, s.success, s.status, s.error_type, s.error, s.reported_cost,
    CASE
        WHEN s.cache_hit THEN 0
        WHEN s.input_tokens IS NULL THEN NULL
        WHEN s.input_tokens > 0 AND p.input IS NULL THEN NULL
        WHEN s.output_tokens > 0 AND p.output IS NULL THEN NULL
        WHEN p.price_id IS NOT NULL THEN CAST(CAST(
            CAST(greatest(s.input_tokens - coalesce(s.cached_input_tokens, 0) - coalesce(s.cache_write_tokens, 0), 0)
                AS DECIMAL(13, 0)) * coalesce(p.input, 0)
            + CAST(coalesce(s.cached_input_tokens, 0) AS DECIMAL(13, 0)) * coalesce(p.cached_input, p.input, 0)
            + CAST(greatest(coalesce(s.cache_write_tokens, 0) - coalesce(s.cache_write_1h_tokens, 0), 0)
                AS DECIMAL(13, 0)) * coalesce(p.cache_write, p.input, 0)
            + CAST(coalesce(s.cache_write_1h_tokens, 0) AS DECIMAL(13, 0))
                * coalesce(p.cache_write_1h, p.cache_write, p.input, 0)
            + CAST(coalesce(s.output_tokens, 0) AS DECIMAL(13, 0)) * coalesce(p.output, 0)
            AS DECIMAL(32, 9)) * CAST(0.000001 AS DECIMAL(6, 6)) AS DECIMAL(28, 15))
    END AS computed_cost,
    s.cache_hit, s.estimated, p.price_id, p.catalogue, s.attributes,
    b.source_id, s.line, $batch_id AS batch_id, s.identity, s.twin
FROM staged AS s
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
