-- Which duplicates repeat a record that goes for its age? They stay, so that ids that come back are known.
-- Reads: expired. Changes: store.duplicates.
UPDATE store.duplicates SET kind = 'pruned'
FROM expired AS e
WHERE duplicates.kind = e.kind AND duplicates.identity = e.identity AND duplicates.twin = e.twin
