-- Does the account of everything read add up, and do the tables hold what it says?
-- Parameters: none.
-- Columns: sources; events, rejects, duplicates (rows of the tables); matched_by_content (duplicates without an id,
--   recognised by their text); batches_read, batches_requests, batches_events, batches_duplicates, batches_rejected
--   (sums over all runs); pruned_requests, pruned_events (deleted for their age, and still counted by the runs);
--   pruned_before (UTC: nothing older is kept).
select
    (select count(*) from sources) as sources,
    (select count(*) from events) as events,
    (select count(*) from rejects) as rejects,
    (select count(*) from duplicates) as duplicates,
    (select count(*) from duplicates where kind = 'content') as matched_by_content,
    coalesce(sum(read), 0) as batches_read,
    coalesce(sum(requests), 0) as batches_requests,
    coalesce(sum(events), 0) as batches_events,
    coalesce(sum(duplicates), 0) as batches_duplicates,
    coalesce(sum(rejected), 0) as batches_rejected,
    (select coalesce(sum(requests), 0) from pruned) as pruned_requests,
    (select coalesce(sum(events), 0) from pruned) as pruned_events,
    (select cast(value as timestamp) from settings where name = 'pruned_before') as pruned_before
from batches
