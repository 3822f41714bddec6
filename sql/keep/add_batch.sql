-- What did the run change?
-- Reads: changes. Parameters: $batch_id, $started_at (naive UTC), $version. Changes: store.batches.
INSERT INTO store.batches BY NAME
SELECT $batch_id AS batch_id, $started_at AS started_at, $version AS version,
    coalesce(sum(read), 0) AS read, coalesce(sum(requests), 0) AS requests, coalesce(sum(events), 0) AS events,
    coalesce(sum(duplicates), 0) AS duplicates, coalesce(sum(rejected), 0) AS rejected
FROM changes
