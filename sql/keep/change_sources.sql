-- What do the sources hold now?
-- Reads: changes. Changes: store.sources.
UPDATE store.sources SET
    read = sources.read + c.read, requests = sources.requests + c.requests, events = sources.events + c.events,
    duplicates = sources.duplicates + c.duplicates, rejected = sources.rejected + c.rejected
FROM changes AS c WHERE sources.source_id = c.source_id
