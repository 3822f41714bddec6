"""What can go wrong, as one small hierarchy; each message is a sentence that says what to do next."""


class TollbookError(Exception):
    """Something failed: a store, a file, the network. The message is printed to stderr as it is."""


class UsageError(TollbookError):
    """The command line or the configuration asks for something that does not exist."""


class StoreError(TollbookError):
    """The store is missing, damaged, of another version, or not a store."""


class StoreLockedError(StoreError):
    """Another process kept the store for longer than the lock timeout."""


class SourceError(TollbookError):
    """A source could not be read, or not to its end; the others were."""


class SourceGoneError(SourceError):
    """A source is not there, or not any more."""
