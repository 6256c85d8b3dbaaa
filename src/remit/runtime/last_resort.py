"""The end of a process that others may have taken over, at the latest after a while, whatever hangs in it."""

import os
import sys
import threading
from collections.abc import Callable

# From when others may have taken over; whoever can end in order has done so by then, twice over.
END_SECONDS = 10.0
LOOK_SECONDS = 0.5

EndProcess = Callable[[str], object]
"""Ends the process, for the reason it is told."""


def end_at_once(why: str) -> None:
    """Ends this process as a kill would; nothing it still has to say would be taken from it."""
    sys.stderr.write(f"This worker has stopped itself, and did not come to its end: {why}\n")
    sys.stderr.flush()
    os._exit(1)


class LastResort:
    """Ends the process `seconds` after others may have taken it over, from a thread: what hangs may be the loop."""

    def __init__(self, fault: Callable[[], str], end: EndProcess, *, seconds: float = END_SECONDS) -> None:
        """Asks `fault` why others may have taken over; empty is that they have not."""
        self._fault = fault
        self._end = end
        self._seconds = seconds
        self._disarmed = threading.Event()

    def arm(self) -> None:
        """Begins to watch."""
        threading.Thread(target=self._watch, name="remit-last-resort", daemon=True).start()

    def disarm(self) -> None:
        """Watches no more: the process ends, or goes on without driving anything."""
        self._disarmed.set()

    def _watch(self) -> None:
        look = min(LOOK_SECONDS, self._seconds)
        while not self._disarmed.wait(look):
            if why := self._fault():
                if not self._disarmed.wait(self._seconds):
                    self._end(why)
                return
