"""Stopping a command that goes on until it is told: SIGTERM and Ctrl-C, at once while it waits, else after its work."""

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


class Stop:
    """Whether to stop, and why."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()  # may be filled by a signal handler

    def __call__(self) -> bool:
        """Tell whether to stop."""
        return self.signal is not None

    def wait(self, seconds: float) -> None:
        """Wait, or less if told to stop."""
        if not self():
            with suppress(queue.Empty):
                self._arrived.get(timeout=seconds)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self() and number == signal.SIGINT:
            raise KeyboardInterrupt  # the second Ctrl-C means now
        self.signal = number
        self._arrived.put(number)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Take SIGTERM and SIGINT as a wish to stop; a second Ctrl-C interrupts as ever."""
    stop = Stop()
    before = {number: signal.signal(number, stop._handle) for number in (signal.SIGTERM, signal.SIGINT)}  # noqa: SLF001
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
