"""Which questions somebody at the console looks at: a simulated colleague leaves those to them for some time."""

from remit.core import SECOND, Clock

# To read a question, to change what is asked and to say why takes somebody new to it some minutes.
LEFT_SECONDS = 300.0


class LookedAt:
    """When each question was looked at first; what is left open in a browser does not wait for ever."""

    def __init__(self, clock: Clock, patience: float) -> None:
        self._clock = clock
        self._left = int(max(LEFT_SECONDS, patience) * SECOND)
        self._since: dict[str, int] = {}

    def note(self, approval: str) -> float:
        """Notes that somebody who may answer looks at a question; returns for how many seconds it is left to them."""
        since = self._since.setdefault(approval, self._clock.now())
        return max(0, since + self._left - self._clock.now()) / SECOND

    def is_left(self, approval: str) -> bool:
        """Whether a question is left to whoever looks at it."""
        since = self._since.get(approval)
        return since is not None and self._clock.now() < since + self._left
