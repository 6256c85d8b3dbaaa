"""Whether this process may still trust itself: others take over the work of one that they have not heard of."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from remit.core import SECOND, Clock

# From this share of others' patience on, what is about to be done is asked about: their clocks may be a little ahead.
DOUBT = 2 / 3


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was said, by both clocks, and how often this process had been silent for too long by then."""

    ticks: float
    at: int
    lapses: int


class Pulse:
    """When this process last said that it is alive, by a clock that nobody sets and by the one that everybody shares."""

    def __init__(self, clock: Clock, seconds: float, ticks: Callable[[], float] = time.monotonic) -> None:
        """Counts on others taking over after `seconds` of silence."""
        self._clock = clock
        self._seconds = seconds
        self._ticks = ticks
        self._last: Moment | None = None
        self._fault = ""
        self._lapses = 0

    def now(self) -> Moment:
        """Returns this moment; hand it to `said` once what was said then is durable."""
        return Moment(self._ticks(), self._clock.now(), self._lapses)

    def said(self, moment: Moment) -> None:
        """Notes that a sign of life from `moment` is durable. One that came too late stays noted as that, for ever."""
        if self.is_silent():
            self._lapses += 1
        self._fault = self.fault()
        if self._last is None or moment.ticks > self._last.ticks:
            self._last = moment

    def compared(self, asked: Moment, theirs: int) -> None:
        """Notes what the database's clock said after `asked` and before now. One that is too far off is not trusted again.

        Others go by their own clocks when they judge how old a sign of life is: were two of them apart by more than what
        lies between doubt and taking over, one could take over what the other still trusts in.
        """
        ahead, behind = asked.at - theirs, theirs - self._clock.now()
        if max(ahead, behind) / SECOND > self._seconds * (1 - DOUBT) / 2:
            off = (ahead if ahead > 0 else -behind) / SECOND
            self._fault = self.fault() or f"its clock is {off:+.1f} s off the database's; set both by a time server"

    def fault(self) -> str:
        """Returns why others have taken over from this process, or may have, now or before; empty when all is well."""
        return self._fault or self._why(self._seconds)

    def is_silent(self) -> bool:
        """Whether others may take over now, as far as clocks can be trusted."""
        return bool(self._why(self._seconds * DOUBT))

    def was_heard_since(self, moment: Moment) -> bool:
        """Whether others have had to leave alone, until now, what was this process's own when it spoke at `moment`."""
        return moment.lapses == self._lapses and not self.is_silent()

    def _why(self, patience: float) -> str:
        if self._last is None:
            return ""
        silent = self._ticks() - self._last.ticks
        jumped = (self._clock.now() - self._last.at) / SECOND - silent
        if silent > patience:
            return f"it could not say for {silent:.1f} s that it is alive: it was frozen, or its database was away"
        # Half of what others wait: from there on a jump and a late sign of life together look like the end of a process.
        if abs(jumped) > self._seconds / 2:
            return f"its clock jumped by {jumped:+.1f} s"
        return ""
