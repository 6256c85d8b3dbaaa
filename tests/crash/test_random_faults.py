"""Faults of every kind at random moments: killed and frozen workers, a server that crashes, a way to it that is cut.

    REMIT_CRASH_SECONDS=3600 REMIT_CRASH_SEED=7 pytest tests/crash/test_random_faults.py

New tasks come all the time; in the end every one has its outcome, and each effect happened once.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.crash.proxy import Proxy, proxied
from tests.crash.sample import SEED
from tests.crash.server import crash, own_server
from tests.crash.shift import Shift, looked
from tests.crash.station import TOOLS, Station

from remit.journal import Run
from remit.testing import PostgresServer

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("REMIT_CRASH_SECONDS", "10"))
EXECUTOR_SECONDS = 2.0
# Between two faults: the middle of a time that may be long or short.
PAUSE_SECONDS = 1.0
STEPS, CALL_SECONDS, ACCOUNTS = 4, 0.05, 12
# Runs that are open at once, about.
OPEN = 12


@pytest.fixture
def server() -> Generator[PostgresServer]:
    """A server that may crash."""
    with own_server() as running:
        yield running


@pytest.fixture
def variables(server: PostgresServer) -> dict[str, str]:
    """What workers on it are told."""
    return {
        "REMIT_LIMITS__EXECUTOR_SECONDS": str(EXECUTOR_SECONDS),
        "REMIT_LIMITS__DRAIN_SECONDS": "2",
        # A run that loses its process again and again is put to a person, which is tried elsewhere.
        "REMIT_LIMITS__LOST_ATTEMPTS": "1000",
        "REMIT_DATABASE__STATEMENT_SECONDS": "1",
        "REMIT_DATABASE__LOCK_SECONDS": "1",
        "REMIT_DATABASE__CONNECT_SECONDS": "1",
        "REMIT_DATABASE_URL": server.fresh(),
    }


@dataclass(slots=True)
class Faults:
    """Breaks something, at random; what is held up goes on after a while."""

    draw: random.Random
    shift: Shift
    proxy: Proxy
    server: PostgresServer
    made: Counter[str] = field(default_factory=Counter[str])

    async def happen(self) -> None:
        """Makes one fault and returns when it is over."""
        fault = self.draw.choice([self.kill, self.freeze, self.crash, self.cut, self.refuse, self.lose])
        self.made[fault.__name__] += 1
        await fault()

    async def kill(self) -> None:
        """Kills some worker."""
        self.draw.choice(self.shift.workers).kill()

    async def freeze(self) -> None:
        """Stops a worker where it stands, often for so long that it is taken over from."""
        worker = self.draw.choice(self.shift.workers)
        worker.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._while())
        worker.send_signal(signal.SIGCONT)

    async def crash(self) -> None:
        """Crashes the server; it recovers."""
        crash(self.server)

    async def cut(self) -> None:
        """Cuts the way of one worker to the server, without anybody being told."""
        self.proxy.freeze()
        await asyncio.sleep(self._while())
        self.proxy.mend()

    async def refuse(self) -> None:
        """Breaks its connections, and lets no new ones pass for a while."""
        self.proxy.refuse()
        await asyncio.sleep(self._while() / 2)
        self.proxy.mend()

    async def lose(self) -> None:
        """Loses the answers to its next commits, or the commits."""
        self.proxy.lose(self.draw.randint(1, 3), requests=self.draw.random() < 0.5)

    def _while(self) -> float:
        return self.draw.uniform(0.1, 2 * EXECUTOR_SECONDS)


async def test_whatever_breaks_every_task_has_its_outcome_and_each_effect_happens_once(
    floor: Station, server: PostgresServer, tmp_path: Path
) -> None:
    told = f"REMIT_CRASH_SEED={SEED} REMIT_CRASH_SECONDS={SECONDS:g}"
    print(told)  # noqa: T201  to have the same faults again, as far as the machine allows
    draw = random.Random(SEED)
    runs: list[Run] = []
    # A process that is frozen right before a call makes it when it goes on; nothing can tell a `post` from one made anew.
    floor.hesitates = 3 * EXECUTOR_SECONDS
    with proxied(floor.variables["REMIT_DATABASE_URL"]) as proxy:
        shift = Shift(floor, told=[{"REMIT_DATABASE_URL": proxy.url}, {}])
        faults, until = Faults(draw, shift, proxy, server), time.monotonic() + SECONDS
        shift.begin()
        while time.monotonic() < until:
            await take_on(floor, draw, runs)
            shift.keep()
            await looked(floor.answer)
            await asyncio.sleep(draw.expovariate(1 / PAUSE_SECONDS))
            await faults.happen()
        await shift.finish()
    told = f"{told}; {dict(faults.made)}; workers ended: {dict(shift.ended)}; {len(runs)} runs"
    print(told)  # noqa: T201  as above
    for run in runs:
        given, output = floor.told(run)
        assert output == {"done": STEPS}, (told, floor.story(run))
        floor.check_effects(run, tool=given["tool"], count=STEPS)
    floor.check_over(tmp_path)


async def take_on(floor: Station, draw: random.Random, runs: list[Run]) -> None:
    """Takes tasks on until there is work; what is not taken on is not counted."""
    open_runs = await looked(lambda: len(floor.cell.parts.journal.open_runs()))
    for _ in range(OPEN - (OPEN if open_runs is None else open_runs)):
        account = f"a-{draw.randrange(ACCOUNTS)}"
        task: dict[str, Any] = {"tool": draw.choice(TOOLS), "account": account, "steps": STEPS, "seconds": CALL_SECONDS}
        if draw.random() < 0.2:
            task["heavy_at"] = 2
        if run := await looked(lambda task=task: floor.submit(**task)):
            runs.append(run)
