-- What do the requests of the store cover, and what is missing in them?
-- Parameters: none.
-- Columns: requests; first_request, last_request (UTC); unattributed (no team);
--   unpriced_requests (no cost, though something was consumed); unmetered_requests (failed before anything was
--   counted: nothing to price).
select
    count(*) as requests,
    min(time) as first_request,
    max(time) as last_request,
    count(*) - count(team) as unattributed,
    count(*) filter (where
        cost is null and (success is null or success or coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0)
    ) as unpriced_requests,
    count(*) filter (where
        cost is null and not success and coalesce(input_tokens, 0) + coalesce(output_tokens, 0) = 0
    ) as unmetered_requests
from requests
