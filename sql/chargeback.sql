-- Who spent what?
--
-- Parameters: $since, $until     TIMESTAMP, UTC, half-open
-- Slots:      by                 grouping columns, each followed by a comma
--             where              further conditions, each preceded by AND
-- Columns:    the grouping columns, then
--             requests           all of them
--             input_tokens       whole prompts
--             output_tokens      whole answers
--             cost               USD, exact; NULL where nothing is priced
--             costless           requests without a cost
--             unmetered          those of them that failed and used no tokens: nothing to price
select /*by*/
    count(*) as requests,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens,
    sum(cost) as cost,
    count(*) - count(cost) as costless,
    count(case when cost is null and not success and coalesce(input_tokens, 0) = 0 and coalesce(output_tokens, 0) = 0
        then 1 end) as unmetered
from requests
where time >= $since and time < $until /*where*/
group by all
