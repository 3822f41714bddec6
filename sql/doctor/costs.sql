-- By which prices do requests cost something else than their tokens come to?
-- Reads: the macro of `cost_of_tokens.sql`.
-- Columns: what.
SELECT count(*) || ' requests priced by ' || p.price_id || ' of ' || p.catalogue AS what
FROM requests AS r JOIN prices AS p ON p.price_id = r.price_id AND p.catalogue = r.catalogue
WHERE r.computed_cost IS DISTINCT FROM cost_of_tokens(
    r.input_tokens, r.cached_input_tokens, r.cache_write_tokens, r.cache_write_1h_tokens, r.output_tokens,
    p.price_id, p.input, p.cached_input, p.cache_write, p.cache_write_1h, p.output
)
GROUP BY p.price_id, p.catalogue
ORDER BY what
