"""Rounds over sources that others write, rotate and remove meanwhile: once, or until told to stop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tollbook.errors import SourceGoneError
from tollbook.ingest.batches import Outcome
from tollbook.ingest.listing import Listing

_MOST_LISTINGS = 4

Find = Callable[[], Listing]
Read = Callable[[Sequence[str]], list[Outcome]]


@dataclass
class Rounds:
    """What became of everything that was listed.

    Args:
        outcomes: By source, the sum of all rounds; its error is the one that stands.
        missing: Why a path stands for nothing, when it was last looked at.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add what one round read of a source."""
        if before := self.outcomes.get(outcome.source):
            outcome.account = before.account + outcome.account
            outcome.format = outcome.format or before.format
        if outcome.gone:
            outcome.error = None
        self.outcomes[outcome.source] = outcome

    @property
    def errors(self) -> list[str]:
        """Everything that could not be read."""
        return [*self.missing, *(outcome.error for outcome in self.outcomes.values() if outcome.error)]


def read_once(find: Find, read: Read) -> Rounds:
    """Read everything once. When a listed file has gone before it was read, it was renamed: look for it anew."""
    rounds = Rounds()
    for _ in range(_MOST_LISTINGS):
        listing = find()
        rounds.missing = [str(error) for error in listing.errors]
        named = {source.name for source in listing.sources if source.named}
        moved = False
        for outcome in read([source.name for source in listing.sources if source.name not in rounds.outcomes]):
            if outcome.gone and outcome.source not in named:
                moved = True
            else:
                rounds.outcomes[outcome.source] = outcome
        if not moved:
            break
    return rounds


def follow(find: Find, read: Read, *, wait: Callable[[], bool], say: Callable[[str], None]) -> Rounds:
    """Read, again and again, what is new or has changed since it was listed last.

    A source that has gone was rotated or removed, which is no error; one that is missing is waited for.

    Args:
        find: Lists the sources.
        read: Reads some of them.
        wait: Waits for the next round; False to end.
        say: Told of every error once, and again when it comes back.
    """
    rounds = Rounds()
    seen: dict[str, object] = {}
    told: set[str] = set()
    going = True
    while going:
        listing = find()
        now = {source.name: source.version for source in listing.sources}
        changed = [name for name, version in now.items() if version is None or seen.get(name) != version]
        for outcome in read(changed) if changed else ():
            rounds.add(outcome)
        for name in seen.keys() - now.keys():
            rounds.outcomes[name].error = None
        seen = now
        absent = [str(error) for error in listing.errors if isinstance(error, SourceGoneError)]
        rounds.missing = [str(error) for error in listing.errors if not isinstance(error, SourceGoneError)]
        for error in dict.fromkeys([*absent, *rounds.errors]):
            if error not in told:
                say(error)
        told = {*absent, *rounds.errors}
        going = wait()
    return rounds
