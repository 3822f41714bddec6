"""The DuckDB file: connection, locking, migrations. Nothing else opens it."""
