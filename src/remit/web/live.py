"""Cues: whoever looks at a page hears when something on it changed, and asks for it again.

One task follows the log for everybody. A stream holds the topics that changed since it last spoke, so a slow client
costs a handful of words and misses nothing but repetitions.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from remit.audit import Happened

LOOK_SECONDS = 5.0
# Past so many new entries at once everything counts as changed.
MOST_ENTRIES = 500
# A person has some tabs, not a thousand; hidden ones close their stream.
MOST_PER_PERSON, MOST_STREAMS, MOST_TOPICS = 16, 256, 16

EVERYTHING = "*"
ASKING = frozenset({"question", "approval", "run.parked", "run.completed", "run.cancelled"})
"""Kinds of entries after which people may be asked something else."""
TOP = frozenset({"approvals", "switches"})
"""What the bar on top of every page shows."""


def topics_of(entry: Happened) -> set[str]:
    """Returns what somebody would have to look at again."""
    topics = {"log"}
    if entry.stream.startswith("run_"):
        topics |= {"runs", f"run:{entry.stream}"}
    if entry.kind in ASKING:
        topics.add("approvals")
    if entry.kind == "switch":
        topics |= {"switches", "agents", "runs"}
    if entry.kind.startswith("release."):
        topics.add("agents")
    if entry.kind.startswith(("login", "logout", "link.", "sessions.", "token.", "access.")):
        topics.add("people")
    return topics


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are done, in seconds."""

    coalesce: float = 0.25  # a busy fleet makes one cue of many entries; people see no difference
    keepalive: float = 15.0  # proxies cut off what is silent for half a minute
    recheck: float = 60.0  # how soon somebody who was put out stops hearing anything


@dataclass(eq=False, slots=True)
class _Stream:
    person: str
    wanted: frozenset[str]
    news: set[str] = field(default_factory=set[str])
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, topics: Iterable[str]) -> None:
        heard = set(topics)
        self.news |= self.wanted if EVERYTHING in heard else self.wanted & heard
        if self.news:
            self.called.set()


class Live:
    """Follows the log while anybody listens."""

    def __init__(
        self,
        *,
        size: Callable[[], int],
        happened: Callable[[int, int], Sequence[Happened]],
        position: Callable[[], int],
        wait: Callable[[int], Awaitable[int]],
        pace: Pace | None = None,
    ) -> None:
        self._size = size
        self._happened = happened
        self._position = position
        self._wait = wait
        self._pace = pace or Pace()
        self._streams: set[_Stream] = set()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def has_room(self, person: str) -> bool:
        """Whether a person may open another stream, in whichever of their sessions."""
        own = sum(stream.person == person for stream in self._streams)
        return own < MOST_PER_PERSON and len(self._streams) < MOST_STREAMS and not self._ended

    async def listen(
        self, *, person: str, topics: Iterable[str], since: int, is_valid: Callable[[], bool]
    ) -> AsyncGenerator[str]:
        """Yields server-sent events: `cue` with the topics that changed since the entry `since`, `top`, `gone`."""
        stream = _Stream(person, frozenset(list(topics)[:MOST_TOPICS]) | TOP)
        self._streams.add(stream)
        try:
            self._follow()
            yield ": here\n\n"
            stream.hear(self._news(since)[0])
            checked = asyncio.get_running_loop().time()
            while not self._ended:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.keepalive):
                        await stream.called.wait()
                now = asyncio.get_running_loop().time()
                if now - checked >= self._pace.recheck:
                    checked = now
                    if not is_valid():
                        yield "event: gone\ndata: session\n\n"
                        return
                yield self._said(stream)
        finally:
            self._streams.discard(stream)

    def end(self) -> None:
        """Ends every stream at once: the process stops."""
        self._ended = True
        if self._task is not None:
            self._task.cancel()
        for stream in self._streams:
            stream.called.set()

    def _said(self, stream: _Stream) -> str:
        stream.called.clear()
        news, stream.news = stream.news, set[str]()
        if not news:
            return ": still here\n\n"
        said = f"id: {self._size()}\nevent: cue\ndata: {' '.join(sorted(news))}\n\n"
        return said + "event: top\ndata: \n\n" if news & TOP else said

    def _follow(self) -> None:
        if self._task is None or self._task.done():
            # Read now, the position first: what is committed before the task has begun must not be lost.
            position = self._position()
            self._task = asyncio.create_task(self._watch(position, self._size()), name="live cues")

    async def _watch(self, position: int, index: int) -> None:
        while self._streams and not self._ended:
            position = await self._wait(position)
            topics, index = self._news(index)
            for stream in self._streams:
                stream.hear(topics)
            await asyncio.sleep(self._pace.coalesce)

    def _news(self, since: int) -> tuple[set[str], int]:
        """Returns what changed since an entry, and where the log stands now."""
        entries = self._happened(since, MOST_ENTRIES + 1)
        if len(entries) > MOST_ENTRIES:
            return {EVERYTHING}, self._size()
        return set[str]().union(*map(topics_of, entries)), since + len(entries)
