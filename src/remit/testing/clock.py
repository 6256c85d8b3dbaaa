"""A clock that moves only when it is told to."""

# Some moment that is plainly not now: 2023-11-14, 22:13:20 UTC.
SOME_MOMENT = 1_700_000_000_000_000


class SettableClock:
    """Shows the moment it was set to; stands in for `SystemClock` wherever a `Clock` is taken."""

    def __init__(self, moment: int = SOME_MOMENT) -> None:
        self._moment = moment

    def now(self) -> int:
        """Returns microseconds since the epoch, UTC."""
        return self._moment

    def advance(self, micros: int) -> int:
        """Moves on by `micros`, back when they are negative, and returns the new moment."""
        self._moment += micros
        return self._moment

    def set(self, moment: int) -> None:
        """Shows `moment` from now on."""
        self._moment = moment
