"""Workers that are started again when they end, as whatever supervises processes does."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from tests.crash.driver import AWAY, FENCED
from tests.crash.station import LOOK_SECONDS, NOTHING, PATIENCE, Station
from tests.crash.worker import Worker

from remit.core import BusyError

DONE = 0
EXPECTED = (DONE, FENCED, AWAY, -signal.SIGKILL)


@dataclass(slots=True)
class Shift:
    """A number of workers, each told what it is told whenever it is started."""

    station: Station
    told: Sequence[Mapping[str, str]] = (NOTHING, NOTHING)
    workers: list[Worker] = field(default_factory=list[Worker])
    ended: Counter[int] = field(default_factory=Counter[int])
    """How often a worker has ended, by how."""

    def begin(self) -> None:
        """Starts every worker."""
        self.workers = [self.station.driver(variables=told) for told in self.told]

    def keep(self) -> None:
        """Starts again what has ended; how it ended must be one of the ways in which workers do."""
        for place, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self._note(worker)
                self.workers[place] = self.station.driver(variables=self.told[place])

    def end(self) -> None:
        """Lets every worker end by itself: nothing is left to do."""
        for worker in self.workers:
            self._note(worker)

    def _note(self, worker: Worker) -> None:
        _, told = worker.communicate(timeout=PATIENCE)
        assert worker.returncode in EXPECTED, told
        self.ended[worker.returncode] += 1

    async def until(self, holds: Callable[[], Any]) -> None:
        """Keeps all at work, answering what people are asked, until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not await looked(holds):
            assert time.monotonic() < deadline, self.station.read("select id, state, reason from runs")
            self.keep()
            await looked(self.station.answer)
            await asyncio.sleep(LOOK_SECONDS)

    async def finish(self) -> None:
        """Keeps all at work until every run is over."""
        await self.until(self.is_over)
        self.end()

    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.station.read("select id from runs where state in ('queued', 'running', 'waiting') limit 1")


async def looked(look: Callable[[], Any]) -> Any:
    """Returns what is seen; nothing when the database is away."""
    try:
        found: Any = look()
        return await found if isawaitable(found) else found
    except BusyError:
        return None
