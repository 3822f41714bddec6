-- Which lines were refused, and why?
-- Parameters: none.
-- Columns: source (name of the file), line, byte_offset (of the line's first byte, after decompression), reason,
--   excerpt (null unless the configuration keeps it); head, tail, position (the file's fingerprint: digests of its first
--   line and of the bytes before the position read up to).
select s.name as source, r.line, r.byte_offset, r.reason, r.excerpt, s.head, s.tail, s.position
from rejects r
left join sources s on s.source_id = r.source_id
order by s.name, r.line
