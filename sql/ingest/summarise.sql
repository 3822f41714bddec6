-- What does the batch hold, by all that its account and its prices depend on?
-- Reads: judged. Makes: summary; suspects, the identities that stand more than once in the batch: few, and all that
-- needs a closer look.
CREATE OR REPLACE TEMP TABLE summary AS
SELECT source_no, kind, format, provider, model, service_tier,
    count(*) AS records, min(time) AS since, max(time) AS until
FROM judged
GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE suspects AS
SELECT identity FROM judged GROUP BY identity HAVING count(*) > 1;
