"""Upstreams: the tool servers and model routes of this process. Each has places for calls, and a breaker before them.

A slow one keeps its own places busy and nobody else's; a dead one is not asked. Whoever finds no place is told when to
come back, each at a moment of its own: at the pace at which the upstream works, so that they do not return all at once.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from remit.core import Limits
from remit.gateway.breaker import Breaker, BreakerState, Pauses

# Nobody is sent away for longer; when there is room again, those who were are called before their time.
LATEST = 600.0
# Nobody comes back sooner, nor more often than this in a second: to come back costs two commits. One that is out of
# reach needs no more than a probe now and then.
SOONEST, MOST_A_SECOND, MOST_PROBES_A_SECOND = 0.25, 50.0, 2.0
# How soon those who were sent away are called, when somebody has left: where this process sent some away, and where
# another may have.
CALL_SECONDS, LOOK_SECONDS = 0.2, 5.0
# Who is sent away is parked by a commit, somewhat later: until then a call finds nobody, and means little.
PARKED_SECONDS = 2.0
MOST_CALLED = 500
# How much the latest call says of how long calls take.
WEIGHT = 0.2


OnRoom = Callable[[str, int], Awaitable[int]]
"""Calls so many of those who were sent away from an upstream, and returns how many there were."""


def upstream_kind(name: str) -> str:
    """Returns what an upstream is, in words; only a tool has two underscores in a row in its name."""
    kind, _, of = name.partition(":")
    if kind == "model":
        return "model route"
    return "tool" if "__" in of else "tool server"


class UpstreamBusyError(Exception):
    """A call was not made: every place is taken, or the breaker is open. Come back in `seconds`."""

    def __init__(self, upstream: str, why: str, seconds: float) -> None:
        super().__init__(f"{upstream} {why}")
        self.upstream = upstream
        self.seconds = seconds
        self.is_repeat = False
        """Whether a try before may have reached it."""


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """How one upstream stands in this process."""

    name: str
    """`tools:SERVER`, `model:ROUTE`, or `tools:TOOL` of a tool that is bounded over all processes."""
    breaker: BreakerState
    why: str
    places: int
    under_way: int
    waiting: int

    @property
    def is_shut(self) -> bool:
        """Whether it is not asked, but for probes."""
        return self.breaker is not BreakerState.CLOSED


class Place:
    """Room for one call at an upstream, from `Upstream.enter` until `leave`; the call may be tried more than once."""

    def __init__(self, upstream: "Upstream", breaker: Breaker) -> None:
        self._upstream = upstream
        self._breaker = breaker
        self._is_probe = False
        self._is_left = False

    def begin(self) -> None:
        """Says that a try is made now; raises `UpstreamBusyError` when the breaker does not let it through."""
        if self._is_probe:
            return
        if not self._breaker.lets_through():
            raise self._upstream.busy()
        self._is_probe = self._breaker.is_open

    def answered(self) -> None:
        """Says that the upstream has answered, whatever it said."""
        self._breaker.answered(is_probe=self._is_probe)
        self._is_probe = False

    def failed(self, why: object) -> None:
        """Says that the upstream could not be reached, or has not answered."""
        self._breaker.failed(str(why), is_probe=self._is_probe)
        self._is_probe = False

    @property
    def is_shut(self) -> bool:
        """Whether the breaker is open, or only lets probes through."""
        return self._breaker.is_open

    def leave(self, *, is_used: bool = True) -> None:
        """Gives the place to the next; more than once does no more than once. One without a call says nothing of calls."""
        if self._is_left:
            return
        self._is_left = True
        if self._is_probe:
            self._breaker.give_back()
        self._upstream.left(self, is_used=is_used)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class Upstream:
    """One tool server or model route, as this process sees it."""

    def __init__(
        self,
        name: str,
        *,
        places: int,
        limits: Limits,
        on_change: Callable[["Upstream"], None] = lambda _: None,
        on_room: OnRoom | None = None,
        pauses: Pauses = Pauses(),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._places = places
        self._wait = limits.busy_seconds
        self._now = now
        self._free = asyncio.Semaphore(places)
        self._waiting = 0
        self._entered: dict[Place, float] = {}
        self._seconds = 0.0
        """What a call takes, by those that have ended."""
        self._turn = 0.0
        """When the last of those who were sent away comes back."""
        self._on_room = on_room
        self._has_sent_away = False
        """Whether somebody may be parked for it, as far as this process knows."""
        self._sent_at = self._called_at = now()
        self._call: asyncio.TimerHandle | None = None
        self._calling: asyncio.Task[None] | None = None
        self._on_change = on_change
        self._breaker = Breaker(
            failures=limits.upstream_failures, pauses=pauses, on_change=lambda _: self._changed(), now=now
        )

    @property
    def state(self) -> UpstreamState:
        """How it stands now."""
        breaker = self._breaker
        return UpstreamState(self.name, breaker.state, breaker.why, self._places, len(self._entered), self._waiting)

    @property
    def is_shut(self) -> bool:
        """Whether its breaker is open, or only lets probes through."""
        return self._breaker.is_open

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[Place]:
        """Holds a place for a call."""
        with await self.enter() as place:
            yield place

    async def enter(self) -> Place:
        """Returns a place, for which it waits a little if that is likely to help, or raises `UpstreamBusyError`."""
        if not self._breaker.may_let_through():
            raise self.busy()
        if self._free.locked():
            await self._wait_for_place()
        else:
            await self._free.acquire()
        place = Place(self, self._breaker)
        self._entered[place] = self._now()
        try:
            place.begin()
        except UpstreamBusyError:
            place.leave()
            raise
        return place

    def left(self, place: Place, *, is_used: bool) -> None:
        """Takes a place back, learns how long a call takes, and calls others, unless there was none: then what kept this
        one from it keeps others as well.
        """
        took = self._now() - self._entered.pop(place)
        self._free.release()
        if is_used:
            self._seconds += WEIGHT * (took - self._seconds) if self._seconds else took
            self._call_others()

    def busy(self) -> UpstreamBusyError:
        """Returns the refusal, with a moment to come back that is nobody else's."""
        breaker, now = self._breaker, self._now()
        self._has_sent_away, self._sent_at = True, now
        earliest = breaker.seconds if breaker.is_open else self._takes()
        pace = max(self._takes() / self._places, 1 / MOST_A_SECOND)
        if breaker.is_open:
            pace = 1 / MOST_PROBES_A_SECOND
        self._turn = max(now + max(earliest, SOONEST), self._turn + pace)
        seconds = self._turn - now
        if seconds > LATEST:  # the pace may change until then, and they must not all come at that moment
            seconds, self._turn = random.uniform(LATEST / 2, LATEST), now + LATEST  # noqa: S311  keeps no secret
        if breaker.is_open:
            return UpstreamBusyError(self.name, f"is out of reach: {breaker.why}", seconds)
        return UpstreamBusyError(self.name, f"is busy: {len(self._entered)} calls are under way", seconds)

    def _takes(self) -> float:
        """Returns the seconds a call takes; one that hangs is not to be waited out before that is known."""
        eldest = next(iter(self._entered.values()), None)
        return max(self._seconds, self._now() - eldest if eldest is not None else 0.0)

    async def _wait_for_place(self) -> None:
        if (self._waiting + 1) * self._takes() / self._places > self._wait:
            raise self.busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except TimeoutError:
            raise self.busy() from None
        finally:
            self._waiting -= 1

    def _changed(self) -> None:
        self._turn, self._has_sent_away = self._now(), True  # at another pace from now on
        self._on_change(self)

    def _call_others(self) -> None:
        """Calls those who were sent away, where there is room for them before their time."""
        if self._on_room is None or self._breaker.is_open or self._waiting or self._call or self._calling:
            return
        rest = CALL_SECONDS if self._has_sent_away else LOOK_SECONDS
        if (left := self._called_at + rest - self._now()) <= 0:
            self._begin_call()
        else:  # this may have been the last one to leave
            self._call = asyncio.get_running_loop().call_later(left, self._begin_call)

    def _begin_call(self) -> None:
        self._call = None
        if self._on_room is None or self._breaker.is_open or self._waiting or self._free.locked():
            return  # whoever leaves next sees to it
        self._called_at = self._now()
        self._calling = asyncio.get_running_loop().create_task(self._call_some(), name=f"room at {self.name}")

    async def _call_some(self) -> None:
        assert self._on_room is not None  # noqa: S101  else nobody is called
        served_meanwhile = CALL_SECONDS / max(self._seconds, 0.001)
        number = min(MOST_CALLED, math.ceil(self._places * (1 + served_meanwhile)))
        try:
            came = await self._on_room(self.name, number)
        finally:
            self._calling = None
        if came < number:  # that was all of them, but for who is being parked just now
            self._turn = self._now()
            self._has_sent_away = self._sent_at > self._called_at - PARKED_SECONDS
        if self._has_sent_away:
            self._call_others()

    def close(self) -> None:
        """Calls nobody any more."""
        self._on_room = None
        if self._call is not None:
            self._call.cancel()
        if self._calling is not None:
            self._calling.cancel()


class Upstreams:
    """Every upstream of this process. What they know is of this process only: another finds out by itself."""

    def __init__(self, limits: Limits | None = None, *, pauses: Pauses | None = None) -> None:
        self._limits = limits or Limits()
        self._pauses = pauses or Pauses()
        self._known: dict[str, Upstream] = {}
        self._on_change: Callable[[UpstreamState], None] | None = None
        self._on_room: OnRoom | None = None

    def get(self, name: str, *, places: int) -> Upstream:
        """Returns the upstream of that name, with so many places if it is new."""
        if name not in self._known:
            self._known[name] = Upstream(
                name,
                places=places,
                limits=self._limits,
                on_change=self._changed,
                on_room=self._room,
                pauses=self._pauses,
            )
        return self._known[name]

    def states(self) -> list[UpstreamState]:
        """Returns how each stands."""
        return [upstream.state for _, upstream in sorted(self._known.items())]

    def tell(self, on_change: Callable[[UpstreamState], None], on_room: OnRoom | None = None) -> None:
        """Has `on_change` called, on the event loop, when a breaker opens or closes again, `on_room` when there is room."""
        self._on_change, self._on_room = on_change, on_room

    def close(self) -> None:
        """Calls nobody any more."""
        for upstream in self._known.values():
            upstream.close()

    async def _room(self, name: str, number: int) -> int:
        return await self._on_room(name, number) if self._on_room is not None else 0

    def _changed(self, upstream: Upstream) -> None:
        if self._on_change is not None:
            self._on_change(upstream.state)
