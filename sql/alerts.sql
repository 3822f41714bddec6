-- alerts: what do the metrics of alert rules come to in a window?
--
-- Parameters: $since, $until (TIMESTAMP, UTC); $percentile_N (DOUBLE, 0 to 1) and $bound_N (DOUBLE, milliseconds)
--             for every pair of columns in the slot "latency"
-- Slots: by: grouping columns, each followed by a comma
--        latency: two columns per latency rule, each preceded by a comma:
--            count(*) filter (where success is not false and latency_ms > $bound_N) as beyond_N,   (< for below)
--            percentile_cont($percentile_N) within group (order by latency_ms)
--                filter (where success is not false) as latency_N
--        where: conditions, each preceded by "and"
-- Columns: the grouping columns;
--          requests (BIGINT); succeeded, failed (BIGINT): by their known outcome;
--          timed (BIGINT): not known to have failed, and their latency is known;
--          cost (DECIMAL, USD) of what is priced; unpriced (BIGINT): requests without a cost, except failed ones
--          that used no tokens; input_tokens, output_tokens (BIGINT) of what is known;
--          beyond_N (BIGINT): timed requests on the far side of the bound; latency_N (DOUBLE, ms): the percentile
select
    /*by*/
    count(*) as requests,
    count(*) filter (where success) as succeeded,
    count(*) filter (where not success) as failed,
    count(latency_ms) filter (where success is not false) as timed,
    sum(cost) as cost,
    count(*) filter (
        where cost is null and (success is not false or input_tokens > 0 or output_tokens > 0)
    ) as unpriced,
    sum(input_tokens) as input_tokens,
    sum(output_tokens) as output_tokens
    /*latency*/
from requests
where time >= $since and time < $until
    /*where*/
group by all
