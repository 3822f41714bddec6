-- Which records of the batch are of a time that was pruned, or repeat the id of a request that was?
-- Reads: the store. Parameters: $pruned_before (naive UTC). Changes: staged.kind, to `pruned`.
UPDATE staged SET kind = 'pruned'
WHERE kind IN ('request', 'event') AND (
    time < $pruned_before
    OR (kind = 'request' AND request_id IS NOT NULL
        AND identity IN (SELECT identity FROM store.duplicates WHERE duplicates.kind = 'pruned'))
)
