-- Which versions of the price catalogue do the prices of the requests come from?
-- Parameters: none.
-- Columns: catalogue.
select distinct catalogue from prices order by catalogue
