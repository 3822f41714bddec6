-- Of which refused lines are the texts too old to be kept? Their time is not known: that of their reading counts.
-- Parameters: $before (naive UTC). Changes: store.rejects.
UPDATE store.rejects SET excerpt = NULL
WHERE excerpt IS NOT NULL AND batch_id IN (SELECT batch_id FROM store.batches WHERE started_at < $before)
