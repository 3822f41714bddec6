-- slo: of the requests of a window, how many kept and how many broke each promise?
--
-- Parameters: $since, $until (TIMESTAMP, UTC); $threshold_N (DOUBLE, milliseconds) for every column in the slot "faster"
-- Slots: by: grouping columns, each followed by a comma
--        faster: one column per latency threshold, each preceded by a comma:
--            count(*) filter (where success is not false and latency_ms < $threshold_N) as faster_N
--        where: conditions, each preceded by "and"
-- Columns: the grouping columns;
--          requests (BIGINT); succeeded, failed (BIGINT): by their known outcome;
--          timed (BIGINT): not known to have failed, and their latency is known; faster_N (BIGINT): of those, below
--          the threshold
select
    /*by*/
    count(*) as requests,
    count(*) filter (where success) as succeeded,
    count(*) filter (where not success) as failed,
    count(latency_ms) filter (where success is not false) as timed
    /*faster*/
from requests
where time >= $since and time < $until
    /*where*/
group by all
