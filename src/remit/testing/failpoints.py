"""Failpoints: the process is killed at a named point between claim, effect and outcome."""

import os
import signal
from collections.abc import Callable

POINTS = (
    "claimed",
    "taking over",
    "after claim",
    "before effect",
    "after effect",
    "before outcome",
    "inside commit",
    "after commit",
    "in sequencer",
    "after outcome",
    "parked",
    "resuming",
)
"""Every point a cell passes; `build(reach=…)` is told of each."""


def kill_at(point: str, *, nth: int = 1) -> Callable[[str], None]:
    """Returns a `reach` that kills the process, as `kill -9` does, the `nth` time it passes `point`."""
    if point not in POINTS:
        raise ValueError(f"there is no point {point!r}; there are {', '.join(POINTS)}")
    passed = 0

    def reach(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
