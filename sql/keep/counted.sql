-- How much of each source do the accounts count? The rows of the tables, and what was pruned.
-- Slot: rows (the query `count_rows.sql`).
-- Columns: source_id; requests, events, duplicates, rejected.
SELECT source_id, CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(events) AS BIGINT) AS events,
    CAST(sum(duplicates) AS BIGINT) AS duplicates, CAST(sum(rejected) AS BIGINT) AS rejected
FROM (FROM (/*rows*/) UNION ALL SELECT source_id, requests, events, 0, 0 FROM store.pruned)
GROUP BY source_id
