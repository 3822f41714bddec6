"""The options that every report shares, declared once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

ReportFormat = Literal["table", "json", "csv", "parquet", "markdown"]

Since = Annotated[
    str | None, typer.Option("--since", help="First moment: an ISO date or time, or a span back from now (7d, 24h).")
]
Until = Annotated[str | None, typer.Option("--until", help="First moment after the window; like --since.")]
Month = Annotated[str | None, typer.Option("--month", help="A whole month, e.g. 2026-10.")]
Day = Annotated[str | None, typer.Option("--day", help="A whole day, e.g. 2026-10-17.")]
By = Annotated[
    list[str] | None, typer.Option("--by", help="Group by dimensions: team,project or --by team --by project.")
]
Where = Annotated[
    list[str] | None, typer.Option("--where", help="Keep DIM=VALUE, DIM!=VALUE or DIM= (not set); repeatable.")
]
Format = Annotated[
    ReportFormat | None, typer.Option("--format", help="Output format; table is for people.", show_default=False)
]
# `readable=False`: Typer would refuse a file that it may not read, even one to write, and call it wrong usage.
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", readable=False, help="Write to a file; its suffix chooses the format."),
]
Sort = Annotated[str | None, typer.Option("--sort", help="Sort by a column; -COL for descending.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Show the first N rows.")]
LogFormat = Annotated[str, typer.Option("--log-format", help="auto, native, or a format of the configuration.")]
