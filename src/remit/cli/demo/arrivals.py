"""Work that comes in: first into the outside world's inbox, then as events; and what became of each piece."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from remit.app import Arrival, Cell, LiveDemo
from remit.cli.demo.arrival_times import ArrivalTimes, at_rate
from remit.cli.demo.terms import LiveTerms
from remit.core import BusyError, RefusedError
from remit.journal import Task
from remit.operations import Actor, local_actor
from remit.runtime import Received

# As many events are handed in at once as one commit takes along easily.
BATCH = 16
# How soon an event is sent again that nobody could take.
PAUSE = 2.0


@dataclass(slots=True)
class Piece:
    """One arrival, and the tasks it started."""

    arrival: Arrival
    belongs_to: str
    """The key of the arrival it is about: its own, or that of the task it appeals against."""
    tasks: dict[str, Task | None] = field(default_factory=dict[str, Task | None])
    """By id; the task as it ended, None while it is open."""
    refused: str = ""
    is_taken: bool = False
    """Whether its event has been handed in."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen; what no agent took is over at once."""
        return self.is_taken and all(task is not None for task in self.tasks.values())

    @property
    def succeeded(self) -> bool:
        """Whether every task it started came out as its contract means it."""
        ended = [task for task in self.tasks.values() if task is not None]
        return bool(ended) and len(ended) == len(self.tasks) and all(task.outcome == "success" for task in ended)


class Arrivals:
    """Lets arrivals come at a rate, or as fast as they are worked through, and knows which of them are open."""

    def __init__(self, cell: Cell, work: LiveDemo, terms: LiveTerms) -> None:
        self._cell = cell
        self._work = work
        self._terms = terms
        self._open: dict[str, Piece] = {}
        self._has_room = asyncio.Event()
        self._times = ArrivalTimes(iter(terms.moments)) if terms.moments else at_rate(terms.rate)
        self._began = 0.0
        self.pieces: dict[str, Piece] = {}
        self.by_task: dict[str, Piece] = {}
        self.actor: Actor = local_actor(work.on_behalf_of)
        self.is_over = False
        """Whether nothing more will arrive but appeals."""
        self.moved_at = 0.0
        """When something arrived or ended for the last time, by the event loop's clock."""

    @property
    def open(self) -> int:
        """How many tasks have not ended."""
        return len(self._open)

    @property
    def tickets(self) -> list[Piece]:
        """The arrivals of the queue, without appeals."""
        return [piece for key, piece in self.pieces.items() if piece.belongs_to == key]

    def of(self, ticket: str) -> list[Piece]:
        """Returns an arrival of the queue and what belongs to it."""
        return [piece for piece in self.pieces.values() if piece.belongs_to == ticket]

    async def feed(self) -> None:
        """Lets everything arrive that the demo has."""
        self._move()
        self._began = self.moved_at
        queue = self._work.arrivals()
        while batch := await self._next(queue):
            await self.send(batch)
        self.is_over = True

    async def send(self, arrivals: Sequence[Arrival], *, belongs_to: str = "") -> None:
        """Puts arrivals into the outside world and hands their events in."""
        self._work.put_in(arrivals)
        await asyncio.gather(*(self._send(arrival, belongs_to or arrival.key) for arrival in arrivals))
        self._move()

    def ended(self) -> list[Piece]:
        """Returns the arrivals whose last task has ended since it was asked for."""
        found: list[Piece] = []
        for task in self._cell.parts.journal.tasks_among(self._open) if self._open else ():
            if task.ended_at is None:
                continue
            piece = self._open.pop(task.id)
            piece.tasks[task.id] = task
            if piece.has_ended:
                found.append(piece)
            self._has_room.set()
        if found:
            self._move()
        return found

    async def _next(self, queue: Iterator[Arrival]) -> list[Arrival]:
        """Waits until something may arrive, and returns it."""
        while (due := await self._due()) == 0:
            if (moment := self._times.next) is None:
                return []
            await asyncio.sleep(max(0.0, moment - self._running()))
        return list(islice(queue, due))

    async def _due(self) -> int:
        """Returns how many may arrive now; waits while too many are open."""
        while (room := self._terms.most_open - len(self._open)) <= 0:
            self._has_room.clear()
            await self._has_room.wait()
        return self._times.take(self._running(), min(room, BATCH))

    def _running(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def _send(self, arrival: Arrival, belongs_to: str) -> None:
        """Hands one event in, again and again while a switch is pulled or the store is busy, as a mail server would."""
        piece = self.pieces[arrival.key] = Piece(arrival, belongs_to)
        while True:
            received = await self._received(arrival)
            if received is not None and not _may_pass(received):
                break
            await asyncio.sleep(PAUSE)
        piece.refused = "; ".join(f"{one.agent}: {one.why}" for one in received.refused)
        for started in received.tasks:
            piece.tasks[started.task.id] = None
            self._open[started.task.id] = self.by_task[started.task.id] = piece
        piece.is_taken = True

    async def _received(self, arrival: Arrival) -> Received | None:
        with suppress(BusyError):
            verbs = self._cell.verbs(self.actor)
            return await verbs.send(arrival.event, arrival.data, identifier=arrival.key, source=self._work.source)
        return None

    def _move(self) -> None:
        self.moved_at = asyncio.get_running_loop().time()


def _may_pass(received: Received) -> bool:
    """Whether no agent took the event for now, but one would take it later."""
    return not received.tasks and any(type(one.fault) is RefusedError for one in received.refused)
