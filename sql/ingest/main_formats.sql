-- Of which format are most records of each source of the batch?
-- Reads: summary. Columns: source_no, format.
SELECT source_no, first(format ORDER BY records DESC, format)
FROM (SELECT source_no, format, sum(records) AS records FROM summary GROUP BY source_no, format)
GROUP BY source_no
