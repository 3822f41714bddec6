-- How long do requests take?
--
-- Parameters: $since, $until   TIMESTAMP, UTC, half-open
--             $failures        BOOLEAN, true: requests that failed are measured too
-- Slots:      by               grouping columns, each followed by a comma
--             where            further conditions, each preceded by AND
-- Columns:    the grouping columns, then
--             requests         all of them
--             errors           those that failed
--             measured         those that the following columns are about: with a latency, and not failed
--                              (an outcome that the log does not state is no failure), unless $failures
--             p50_ms .. p99_ms exact percentiles, linear interpolation; max_ms, mean_ms
--
-- Portable. DuckDB runs latency_duckdb.sql instead: the same answer, a third of the time.
select /*by*/
    count(*) as requests,
    count(*) filter (where not success) as errors,
    count(latency_ms) filter (where success is not false or $failures) as measured,
    percentile_cont(0.5) within group (order by latency_ms) filter (where success is not false or $failures) as p50_ms,
    percentile_cont(0.9) within group (order by latency_ms) filter (where success is not false or $failures) as p90_ms,
    percentile_cont(0.95) within group (order by latency_ms) filter (where success is not false or $failures) as p95_ms,
    percentile_cont(0.99) within group (order by latency_ms) filter (where success is not false or $failures) as p99_ms,
    max(latency_ms) filter (where success is not false or $failures) as max_ms,
    avg(latency_ms) filter (where success is not false or $failures) as mean_ms
from requests
where time >= $since and time < $until /*where*/
group by all
