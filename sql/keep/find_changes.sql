-- How did the accounts of the sources change?
-- Reads: counted_before (of `counted.sql`), sources_before (source_id, name). Slot: counted (that query, for now).
-- Makes: changes (source_id, name; read, requests, events, duplicates, rejected: what is to be added).
CREATE OR REPLACE TEMP TABLE changes AS
SELECT s.source_id, s.name, requests + events + duplicates + rejected AS read, requests, events, duplicates, rejected
FROM (
    SELECT source_id, sum(requests) AS requests, sum(events) AS events, sum(duplicates) AS duplicates,
        sum(rejected) AS rejected
    FROM (
        FROM (/*counted*/)
        UNION ALL SELECT source_id, -requests, -events, -duplicates, -rejected FROM counted_before
    )
    GROUP BY source_id
)
JOIN sources_before AS s USING (source_id)
WHERE requests <> 0 OR events <> 0 OR duplicates <> 0 OR rejected <> 0
