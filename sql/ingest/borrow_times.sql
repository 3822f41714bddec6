-- When was what carries no time? At the time of the record before it in its source, else of the one behind it.
-- Reads and changes: staged, events only.
CREATE OR REPLACE TEMP TABLE borrowed AS
SELECT staged_row, coalesce(before, behind) AS time
FROM (
    SELECT rowid AS staged_row, kind, time,
        last_value(time IGNORE NULLS) OVER (PARTITION BY source_no ORDER BY line, part) AS before,
        first_value(time IGNORE NULLS) OVER (
            PARTITION BY source_no ORDER BY line, part ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS behind
    FROM staged
    WHERE source_no IN (SELECT source_no FROM staged WHERE kind = 'event' AND time IS NULL)
)
WHERE kind = 'event' AND time IS NULL;

UPDATE staged SET
    time = b.time,
    kind = CASE WHEN b.time IS NULL THEN 'reject' ELSE 'event' END,
    reason = CASE WHEN b.time IS NULL THEN 'no time' END
FROM borrowed AS b WHERE staged.rowid = b.staged_row;
