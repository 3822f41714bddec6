-- Which sums over all runs are not those over all sources? (`accounts.sql` looks at what was read.)
-- Columns: what.
SELECT name || ': ' || runs || ' by runs, ' || files || ' by sources' AS what
FROM (
    SELECT unnest(['requests', 'events', 'duplicates', 'rejected']) AS name, unnest(b.sums) AS runs,
        unnest(s.sums) AS files
    FROM (SELECT [coalesce(sum(requests), 0), coalesce(sum(events), 0), coalesce(sum(duplicates), 0),
            coalesce(sum(rejected), 0)] AS sums FROM batches) AS b,
        (SELECT [coalesce(sum(requests), 0), coalesce(sum(events), 0), coalesce(sum(duplicates), 0),
            coalesce(sum(rejected), 0)] AS sums FROM sources) AS s
)
WHERE runs <> files
