-- How many lines of which sources were refused for which reason?
-- Parameters: none.
-- Columns: reason, source, rejects, first_line; the most frequent first.
select r.reason, s.name as source, count(*) as rejects, min(r.line) as first_line
from rejects r
left join sources s on s.source_id = r.source_id
group by r.reason, s.name
order by rejects desc, r.reason, s.name
