"""The account of what was read: every line is a request, an event, a duplicate or a reject, and the sum is checked."""

from dataclasses import dataclass

from tollbook.errors import TollbookError


@dataclass(frozen=True)
class Account:
    """Counts of records.

    Args:
        read: Records judged; blank lines are none.
        requests: New LLM calls.
        events: New records of other kinds.
        duplicates: Records that were here already.
        rejected: Records that were refused.
    """

    read: int = 0
    requests: int = 0
    events: int = 0
    duplicates: int = 0
    rejected: int = 0

    def __add__(self, other: "Account") -> "Account":
        return Account(
            self.read + other.read,
            self.requests + other.requests,
            self.events + other.events,
            self.duplicates + other.duplicates,
            self.rejected + other.rejected,
        )

    def check(self, name: str) -> None:
        """See that the account adds up.

        Raises:
            TollbookError: It does not: a bug, and nothing may be committed.
        """
        if self.read != self.requests + self.events + self.duplicates + self.rejected:
            raise TollbookError(f"The account of {name} does not add up; nothing of it was stored. Please report this.")
