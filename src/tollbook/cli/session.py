"""What every command shares: the global options, resolved once and only as far as a command needs them."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from tollbook.config.load import Settings
    from tollbook.report.scope import Dimension


def _clock() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Session:
    """The global options of one run.

    Args:
        config_file: `--config`, or None to look for one.
        store_file: `--store`, or None for the configuration's or the default.
        timezone: `--tz`, or None for the configuration's.
        now: `--at`, naive UTC; the clock when not given.
        is_replay: Whether `--at` was given.
        verbosity: -1 quiet, 0 normal, 1 verbose.
        color: `--color`.
        lock_timeout_s: `--lock-timeout`, seconds.
    """

    config_file: Path | None = None
    store_file: Path | None = None
    timezone: str | None = None
    now: datetime = field(default_factory=_clock)
    is_replay: bool = False
    verbosity: int = 0
    color: Literal["auto", "always", "never"] = "auto"
    lock_timeout_s: float = 30.0

    def clock(self) -> datetime:
        """Return the moment that it is now, for commands that go on for long; with `--at` it stays that moment."""
        return self.now if self.is_replay else _clock()

    @cached_property
    def settings(self) -> "Settings":
        """The configuration with its sources, read on first use."""
        from tollbook.config.load import load  # noqa: PLC0415 - start-up

        return load(self.config_file)

    @property
    def zone(self) -> str:
        """The report time zone: `--tz`, else the configuration's."""
        return self.timezone or self.settings.config.timezone

    @property
    def store_path(self) -> Path:
        """The store: `--store`, else `TOLLBOOK_STORE`, the configuration's, or the user's data folder.

        Raises:
            UsageError: None of them says where it is.
        """
        from tollbook.config.load import expand  # noqa: PLC0415 - start-up
        from tollbook.errors import UsageError  # noqa: PLC0415

        if self.store_file:
            return expand(self.store_file)
        if self.settings.store_path is None:
            raise UsageError("There is no home folder for the store. Say where it is: --store FILE or TOLLBOOK_STORE.")
        return self.settings.store_path

    @cached_property
    def dimensions(self) -> "dict[str, Dimension]":
        """Every dimension that reports know, by name."""
        from tollbook.report.scope import dimensions  # noqa: PLC0415 - start-up

        return dimensions(self.settings.config.dimensions)

    @contextmanager
    def reader(self) -> "Iterator[duckdb.DuckDBPyConnection]":
        """Open the store read-only, with the relations that reports read (`requests`, `events`, ...)."""
        from tollbook.report.relations import create_relations  # noqa: PLC0415 - start-up
        from tollbook.store.connection import reader  # noqa: PLC0415 - start-up

        with reader(self.store_path, lock_timeout_s=self.lock_timeout_s) as con:
            create_relations(con, self.settings.config, self.zone)
            yield con
