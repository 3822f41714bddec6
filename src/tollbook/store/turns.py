"""Taking turns at the store: who writes again and again lets those go first who wait for it.

DuckDB's lock on the store is nobody's turn: whoever asks at the right moment gets it, and a report would hardly ever
do so between the batches of a few writers. So whoever waits holds a lock on a file beside the store, and writers look
whether anybody does.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: whoever waits there has to be lucky
    fcntl = None  # type: ignore[assignment]

_LONGEST_PAUSE_S = 1.5  # longer than whoever waits sleeps between two attempts
_LOOK_AGAIN_S = 0.02


def _file(store: Path) -> Path:
    return store.with_name(f"{store.name}.waiting")


@contextmanager
def waiting(store: Path) -> Iterator[None]:
    """Let writers of a store know, for the time of a `with` block, that somebody waits for it."""
    with ExitStack() as stack:
        if fcntl:
            with suppress(OSError):  # the folder is not ours to write: wait without a word
                fcntl.flock(stack.enter_context(_file(store).open("ab")), fcntl.LOCK_SH)
        yield
    is_awaited(store)


def is_awaited(store: Path) -> bool:
    """Tell whether somebody waits for a store; remove the file where nobody does."""
    if fcntl:
        with suppress(FileNotFoundError, PermissionError), _file(store).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            _file(store).unlink()
    return False


def give_way(store: Path) -> None:
    """Pause while others wait for a store, for a moment at most."""
    deadline = time.monotonic() + _LONGEST_PAUSE_S
    while is_awaited(store) and time.monotonic() < deadline:
        time.sleep(_LOOK_AGAIN_S)
