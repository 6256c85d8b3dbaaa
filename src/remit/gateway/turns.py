"""Turns at locks: who waits for one that is held gets it in the order of coming, in this process.

What happens in other processes nobody here knows: between those who are first in theirs, chance decides. So that one
process does not keep a lock to itself, it hands it on directly only for a while; then all look for it at the same pace.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from types import TracebackType
from typing import Self

# Whoever is first looks again so often: another process may have freed what it waits for.
PAUSE = 0.05
# For how long a lock is handed on directly. A few times in a row costs others little.
STREAK_SECONDS = 0.2


class Turns:
    """Who waits in this process, for which locks, the first to come first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: dict[Turn, None] = {}
        self._streaks: dict[str, float] = {}
        """Since when a lock is handed on directly."""

    def turn(self, locks: Collection[str]) -> "Turn":
        """Returns a turn at `locks`, to be held while they are tried for."""
        return Turn(self, frozenset(locks), self._now)

    def freed(self, locks: Collection[str]) -> None:
        """Has whoever is first for one of the locks look at once, most of the time."""
        if self._waiting:
            self._wake(frozenset(each for each in locks if self._may_hand_on(each)))

    def is_first(self, turn: "Turn") -> bool:
        """Whether nobody who came before it waits for one of its locks."""
        for other in self._waiting:
            if other is turn:
                return True
            if not other.locks.isdisjoint(turn.locks):
                return False
        return True

    def wait(self, turn: "Turn") -> None:
        """Puts a turn at the end, unless it waits already."""
        self._waiting.setdefault(turn)

    def leave(self, turn: "Turn") -> None:
        """Lets those go before who came after it."""
        if turn in self._waiting:
            del self._waiting[turn]
            self._wake(turn.locks)
        if not self._waiting:
            self._streaks.clear()

    def _may_hand_on(self, lock: str) -> bool:
        now = self._now()
        if now - self._streaks.setdefault(lock, now) <= STREAK_SECONDS:
            return True
        del self._streaks[lock]
        return False

    def _wake(self, locks: frozenset[str]) -> None:
        for other in self._waiting:
            if not other.locks.isdisjoint(locks) and self.is_first(other):
                other.wake()


class Turn:
    """One action's place among those that wait for the same locks."""

    __slots__ = ("_event", "_now", "_turns", "locks")

    def __init__(self, turns: Turns, locks: frozenset[str], now: Callable[[], float]) -> None:
        self.locks = locks
        self._turns = turns
        self._now = now
        self._event: asyncio.Event | None = None

    @property
    def is_first(self) -> bool:
        """Whether nobody who came before waits for one of its locks."""
        return self._turns.is_first(self)

    async def wait(self, seconds: float) -> float:
        """Waits until it is worth a look, at most `seconds`, and returns what is left of these."""
        self._turns.wait(self)
        if self._event is None:
            self._event = asyncio.Event()
        began = self._now()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(PAUSE, seconds) if self.is_first else seconds):
                await self._event.wait()
        self._event.clear()
        return seconds - (self._now() - began)

    def wake(self) -> None:
        """Has it look at once."""
        if self._event is not None:
            self._event.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.leave(self)
