"""Measurements: tollbook beside plain DuckDB on the same input, in the same run."""
