"""A breaker stands before one upstream: after failures in a row it lets nobody through, and then one probe at a time."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

# Of the latest calls, how many are looked at, and from how many on their share of failures says anything.
WINDOW, ENOUGH = 40, 20
# When half of them fail, the other half only came through by luck.
MOST_FAILED = 0.5


class BreakerState(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Pauses:
    """How soon an open breaker lets a probe through: after `first` seconds, then twice as late each time up to `last`."""

    first: float = 1.0
    last: float = 30.0

    def after(self, opened: int) -> float:
        """Returns the seconds to wait when it has opened so often in a row."""
        return min(self.first * 2.0 ** min(opened - 1, 16), self.last)


class Breaker:
    """Closed, open or half-open; it is told how each call ended, and says whether the next may be made.

    It only ever forbids: whatever it lets through must have been permitted before.
    """

    def __init__(
        self,
        *,
        failures: int,
        pauses: Pauses,
        on_change: Callable[[BreakerState], None] = lambda _: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._pauses = pauses
        self._on_change = on_change
        self._now = now
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=WINDOW)
        self._opened = 0  # times in a row, without a success between
        self._probe_at = 0.0
        self._is_probed = False
        self.why = ""
        """What the latest failure said."""

    @property
    def state(self) -> BreakerState:
        """How it stands now."""
        if not self._opened:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN if self._is_probed or self._now() >= self._probe_at else BreakerState.OPEN

    @property
    def seconds(self) -> float:
        """Seconds until the next probe may be made; while one is under way, as long as the pause after it."""
        if not self._opened:
            return 0.0
        return self._pauses.after(self._opened) if self._is_probed else max(0.0, self._probe_at - self._now())

    @property
    def is_open(self) -> bool:
        """Whether it is open or half-open."""
        return self._opened > 0

    def may_let_through(self) -> bool:
        """Whether `lets_through` would now."""
        return not self._opened or (not self._is_probed and self._now() >= self._probe_at)

    def lets_through(self) -> bool:
        """Whether a call may be made now; a half-open one takes the caller as its probe, who must say how it ended."""
        if not self.may_let_through():
            return False
        self._is_probed = self.is_open
        return True

    def answered(self, *, is_probe: bool = False) -> None:
        """Counts an answer, whatever it said; a probe's closes the breaker."""
        if is_probe:
            self._opened, self._is_probed, self.why = 0, False, ""
            self._latest.clear()
        self._in_a_row = 0
        self._latest.append(True)
        if is_probe:
            self._on_change(BreakerState.CLOSED)

    def failed(self, why: str, *, is_probe: bool = False) -> None:
        """Counts a call that did not reach its upstream, or got no answer; late ones do not open an open breaker anew."""
        self.why = why
        if is_probe:
            self._is_probed = False
            self._open()
        if self._opened:
            return
        self._in_a_row += 1
        self._latest.append(False)
        if self._in_a_row >= self._most or self._fails_too_often():
            self._open()
            self._on_change(BreakerState.OPEN)

    def give_back(self) -> None:
        """Ends a probe that has found out nothing: somebody else may make it."""
        self._is_probed = False

    def _open(self) -> None:
        self._opened += 1
        self._probe_at = self._now() + self._pauses.after(self._opened)

    def _fails_too_often(self) -> bool:
        return len(self._latest) >= ENOUGH and self._latest.count(False) > MOST_FAILED * len(self._latest)
