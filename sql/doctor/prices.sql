-- Which prices do requests refer to that the store does not have?
-- Columns: what.
SELECT DISTINCT coalesce(r.price_id, 'no price') || ' of ' || coalesce(r.catalogue, 'no catalogue') AS what
FROM requests AS r LEFT JOIN prices AS p ON p.price_id = r.price_id AND p.catalogue = r.catalogue
WHERE p.price_id IS NULL AND (r.price_id IS NOT NULL OR r.catalogue IS NOT NULL OR r.computed_cost IS NOT NULL)
ORDER BY what
