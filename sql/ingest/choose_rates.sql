-- Which prices can apply to a request of the batch?
-- Reads: summary, tiers (what provider, model and tier mean to the catalogue), price (its prices).
-- Makes: rates, with the names as the log writes them; `always` is true where no time of day or weekday decides.
CREATE OR REPLACE TEMP TABLE rates AS
SELECT t.provider AS named_provider, t.model AS named_model, t.service_tier AS named_tier, p.*,
    p.minute_from = 0 AND p.minute_until = 1440 AND p.weekdays = 127 AS always
FROM tiers AS t
JOIN price AS p ON p.provider = t.price_provider AND p.model = t.price_model AND p.service_tier = t.price_tier
WHERE p.valid_from <= (SELECT max(until) FROM summary) AND p.valid_until > (SELECT min(since) FROM summary)
