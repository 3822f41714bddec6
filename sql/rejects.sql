-- Which lines were refused, and why?
-- Parameters: none.
-- Columns: source (name of the file), line, byte_offset (of the line's first byte, after decompression), reason,
--   excerpt (null unless the configuration keeps it), head (the file's fingerprint: digest of its first line).
select s.name as source, r.line, r.byte_offset, r.reason, r.excerpt, s.head
from rejects r
left join sources s on s.source_id = r.source_id
order by s.name, r.line
