"""Exit codes: a promise to cron, tested and documented in `docs/cli.md`."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command but the checks."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REJECTED = 4
    INTERRUPTED = 130


class Check(IntEnum):
    """Exit codes of `slo check`, `alerts check` and `budget check`: the convention of monitoring plug-ins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    @staticmethod
    def worst(states: "list[Check]") -> "Check":
        """Return the state that decides: CRITICAL before WARNING before UNKNOWN before OK."""
        order = [Check.CRITICAL, Check.WARNING, Check.UNKNOWN, Check.OK]
        return min(states, key=order.index, default=Check.OK)
