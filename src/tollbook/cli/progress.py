"""How far a long read is: a bar on a terminal, one line at its end elsewhere."""

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from tollbook.cli.session import Session
    from tollbook.ingest.batches import Watch

_LONG_BYTES = 32 << 20  # from here on a person wants to see progress


@contextmanager
def progress(session: "Session", total: int | None) -> "Iterator[Watch]":
    """Show how far reading is, unless it is short or somebody asked for quiet.

    Args:
        session: Says whether to be quiet.
        total: Bytes to read, packed as they are; None where nobody knows.
    """
    from tollbook.cli.emit import note  # noqa: PLC0415 - start-up

    meter = _Meter(total, on_terminal=session.verbosity >= 0 and sys.stderr.isatty())
    try:
        yield meter.advance
    finally:
        meter.close()
    if not sys.stderr.isatty() and meter.consumed >= _LONG_BYTES:
        note(session, meter.summary())


class _Meter:
    def __init__(self, total: int | None, *, on_terminal: bool) -> None:
        self.consumed = 0
        self._lines = 0
        self._total = total
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._is_shown = on_terminal and (total is None or total >= _LONG_BYTES)

    def advance(self, consumed: int, lines: int) -> None:
        """Count what was read since the last time."""
        self.consumed += consumed
        self._lines += lines
        if self._is_shown and (self._total is not None or self.consumed >= _LONG_BYTES):
            self._bar = self._bar or _begun(self._total)
            self._bar.update(self._bar.task_ids[0], completed=self.consumed, rate=f"{self._rate:,.0f} lines/s")

    def close(self) -> None:
        if self._bar:
            self._bar.stop()

    def summary(self) -> str:
        """Say how much was read how fast."""
        took_s = time.monotonic() - self._started
        return (
            f"Read {self.consumed / 1e6:,.1f} MB, {self._lines:,} lines, in {took_s:,.1f} s: {self._rate:,.0f} lines/s."
        )

    @property
    def _rate(self) -> float:
        return self._lines / max(time.monotonic() - self._started, 1e-9)


def _begun(total: int | None) -> "Progress":
    from rich.console import Console  # noqa: PLC0415 - start-up
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("reading"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("reading", total=total, rate="")
    bar.start()
    return bar
