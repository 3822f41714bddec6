-- What do tokens cost at a price? Tokens x USD per million tokens, in decimals, exact; NULL where any class of tokens
-- has no rate. A class without a rate of its own is charged as the one that it is part of.
-- Makes the macro: counts of tokens (NULL is none, but for the whole input), then the price: its id, its five rates.
CREATE OR REPLACE TEMP MACRO cost_of_tokens(
    tokens_in, tokens_cached, tokens_written, tokens_written_1h, tokens_out,
    price, rate_in, rate_cached, rate_written, rate_written_1h, rate_out
) AS CASE
    WHEN tokens_in IS NULL THEN NULL
    WHEN tokens_in > 0 AND rate_in IS NULL THEN NULL
    WHEN tokens_out > 0 AND rate_out IS NULL THEN NULL
    WHEN price IS NOT NULL THEN CAST(CAST(
        CAST(greatest(tokens_in - coalesce(tokens_cached, 0) - coalesce(tokens_written, 0), 0)
            AS DECIMAL(13, 0)) * coalesce(rate_in, 0)
        + CAST(coalesce(tokens_cached, 0) AS DECIMAL(13, 0)) * coalesce(rate_cached, rate_in, 0)
        + CASE WHEN tokens_written > 0 OR tokens_written_1h > 0 THEN  -- few logs count them
            CAST(greatest(tokens_written - coalesce(tokens_written_1h, 0), 0)
                AS DECIMAL(13, 0)) * coalesce(rate_written, rate_in, 0)
            + CAST(coalesce(tokens_written_1h, 0)
                AS DECIMAL(13, 0)) * coalesce(rate_written_1h, rate_written, rate_in, 0)
            ELSE 0 END
        + CAST(coalesce(tokens_out, 0) AS DECIMAL(13, 0)) * coalesce(rate_out, 0)
        AS DECIMAL(32, 9)) * CAST(0.000001 AS DECIMAL(6, 6)) AS DECIMAL(28, 15))
END
