"""Reports: typed results of a question asked of the store."""
