-- How long do requests take? The question of latency.sql in DuckDB's own words: four percentiles in one pass.
--
-- Parameters, slots and columns are those of latency.sql, but `percentiles` is a list: p50, p90, p95, p99 in ms.
select /*by*/
    count(*) as requests,
    count(*) filter (where not success) as errors,
    count(latency_ms) filter (where success is not false or $failures) as measured,
    quantile_cont(latency_ms, [0.5, 0.9, 0.95, 0.99]) filter (where success is not false or $failures) as percentiles,
    max(latency_ms) filter (where success is not false or $failures) as max_ms,
    avg(latency_ms) filter (where success is not false or $failures) as mean_ms
from requests
where time >= $since and time < $until /*where*/
group by all
