-- Which models have requests that no price was found for?
-- Parameters: none.
-- Columns: model (null: the log names none), requests; the most requests first.
select model, count(*) as requests
from requests
where cost is null
    and (success is null or success or coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0)
group by model
order by requests desc, model nulls last
