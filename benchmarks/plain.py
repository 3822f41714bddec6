"""The other side of the comparison: what one would write by hand with DuckDB alone. Run as a process of its own.

plain.py ingest FILE DATABASE [--ignore-errors] [--whole-table]
plain.py columns FILE DATABASE COLUMNS
plain.py count DATABASE TABLE
plain.py parquet STORE FILE
plain.py chargeback|latency|slo STORE
"""

import json
import sys

import duckdb

# The columns that the lines hold, no more.
COLUMNS = {
    "timestamp": "TIMESTAMP",
    "request_id": "VARCHAR",
    "trace_id": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "team": "VARCHAR",
    "project": "VARCHAR",
    "environment": "VARCHAR",
    "input_tokens": "BIGINT",
    "cached_input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "latency_ms": "DOUBLE",
    "success": "BOOLEAN",
    "status_code": "VARCHAR",
    "error_type": "VARCHAR",
}
# What else tollbook's table has of such lines, without finding any of it out: no duplicate is looked for, no price.
WHOLE_TABLE = """
    SELECT *, hash(request_id) AS identity, epoch(timestamp)::BIGINT AS line, 1 AS source_id, 1 AS batch_id, 0 AS twin,
        concat(provider, '/', model, '/standard') AS price_id, '2026-11-01' AS catalogue,
        CAST((CAST(input_tokens AS DECIMAL(13, 0)) * CAST(0.15 AS DECIMAL(18, 9))
            + CAST(output_tokens AS DECIMAL(13, 0)) * CAST(0.6 AS DECIMAL(18, 9)))
            * CAST(0.000001 AS DECIMAL(6, 6)) AS DECIMAL(28, 15)) AS computed_cost
    """
QUERIES = {
    "chargeback": """
        SELECT team, model, count(*), sum(input_tokens), sum(output_tokens), sum(computed_cost),
               count(*) FILTER (WHERE computed_cost IS NULL)
        FROM requests WHERE time >= TIMESTAMP '2026-01-01' AND time < TIMESTAMP '2027-01-01'
        GROUP BY ALL ORDER BY ALL""",
    "latency": """
        SELECT model, count(*), count(*) FILTER (WHERE NOT success),
               quantile_cont(latency_ms, [0.5, 0.9, 0.95, 0.99]) FILTER (WHERE success),
               max(latency_ms) FILTER (WHERE success), avg(latency_ms) FILTER (WHERE success)
        FROM requests WHERE time >= TIMESTAMP '2026-01-01' AND time < TIMESTAMP '2027-01-01'
        GROUP BY ALL ORDER BY ALL""",
    "slo": """
        SELECT count(success), count(*) FILTER (WHERE success), count(*) FILTER (WHERE NOT success),
               count(*) FILTER (WHERE success AND latency_ms < 2000),
               count(latency_ms) FILTER (WHERE success)
        FROM requests WHERE time >= TIMESTAMP '2026-12-02' AND time < TIMESTAMP '2027-01-01'""",
}


def ingest(file: str, database: str, *, ignore_errors: bool, whole_table: bool) -> None:
    """Make a table of the file's lines; rows of lines that are not JSON come back empty and are left out."""
    con = duckdb.connect(database)
    con.execute(
        f"CREATE TABLE requests AS {WHOLE_TABLE if whole_table else 'SELECT *'} "
        f"FROM read_ndjson(?, columns = {COLUMNS}, ignore_errors = ?)"
        + (" WHERE timestamp IS NOT NULL" if ignore_errors else ""),
        [file, ignore_errors],
    )
    con.close()


def query(name: str, store: str) -> None:
    """Answer one of the questions and print the rows as JSON."""
    con = duckdb.connect(store, read_only=True)
    json.dump(con.execute(QUERIES[name]).fetchall(), sys.stdout, default=str)


def columns(file: str, database: str, types: str) -> None:
    """Make a table of some keys (JSON object: key -> type) of the file's lines."""
    con = duckdb.connect(database)
    con.execute(f"CREATE TABLE requests AS FROM read_ndjson(?, columns = {json.loads(types)})", [file])
    con.close()


def count(database: str, table: str) -> None:
    """Print how many rows a table has."""
    row = duckdb.connect(database, read_only=True).execute(f'SELECT count(*) FROM "{table}"').fetchone()
    print(row[0] if row else 0)


def parquet(store: str, file: str) -> None:
    """Write the requests of a store as DuckDB writes Parquet."""
    con = duckdb.connect(store, read_only=True)
    con.execute(f"COPY requests TO '{file.replace(chr(39), chr(39) * 2)}' (FORMAT parquet, COMPRESSION zstd)")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["ingest", file, database, *more]:
            ingest(file, database, ignore_errors="--ignore-errors" in more, whole_table="--whole-table" in more)
        case ["columns", file, database, types]:
            columns(file, database, types)
        case ["count", database, table]:
            count(database, table)
        case ["parquet", store, file]:
            parquet(store, file)
        case [name, store] if name in QUERIES:
            query(name, store)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
