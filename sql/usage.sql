-- What was used: requests, tokens by class, cost?
--
-- Parameters: $since, $until   TIMESTAMP, UTC, half-open
-- Slots:      by               grouping columns, each followed by a comma
--             where            further conditions, each preceded by AND
-- Columns:    the grouping columns, then
--             requests         all of them
--             errors           those that failed
--             judged           those whose outcome the log states: what an error rate is a rate of
--             input_tokens     whole prompts, of which cached_input_tokens and cache_write_tokens are parts
--             output_tokens    whole answers, of which reasoning_tokens are a part
--             cost             USD, exact; NULL where nothing is priced
--             costless         requests without a cost
--             unmetered        those of them that failed and used no tokens: nothing to price
select /*by*/
    count(*) as requests,
    count(*) filter (where not success) as errors,
    count(success) as judged,
    sum(input_tokens) as input_tokens,
    sum(cached_input_tokens) as cached_input_tokens,
    sum(cache_write_tokens) as cache_write_tokens,
    sum(output_tokens) as output_tokens,
    sum(reasoning_tokens) as reasoning_tokens,
    sum(cost) as cost,
    count(*) - count(cost) as costless,
    count(case when cost is null and not success and coalesce(input_tokens, 0) = 0 and coalesce(output_tokens, 0) = 0
        then 1 end) as unmetered
from requests
where time >= $since and time < $until /*where*/
group by all
