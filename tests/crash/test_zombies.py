"""A process that was silent between a permit and its call: it calls only if nobody has taken the run over meanwhile."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.crash.station import ANN, Desk, write_fleet

from remit.app import Cell, build
from remit.gateway import ToolCall
from remit.gateway.tools import NotSentError
from remit.journal import Executors, Journal, LeftRun, Run, RunState, StepState
from remit.operations import lock_server
from remit.store import Commit, Writer, open_database
from remit.store.queries import load_queries, postgresql_text
from remit.testing import SettableClock

SECONDS, FROZEN = 0.4, 1.0
ELSEWHERE = "elsewhere/1/other"


@dataclass(slots=True)
class Pencil:
    """The tools, in this process: they write down what came, or are out of reach."""

    came: list[str] = field(default_factory=list[str])
    away: Callable[[ToolCall], None] | None = None

    async def mark(self, call: ToolCall, *, n: int, **_: Any) -> dict[str, int]:
        if self.away is not None:
            self.away(call)
            raise NotSentError("it is out of reach")
        self.came.append(call.key)
        return {"n": n}

    send = post = mark


@dataclass(slots=True)
class Freezer:
    """Stops the process before its first call, and does something meanwhile."""

    meanwhile: Callable[[], object] | None = None
    has_frozen: bool = False

    def reach(self, point: str) -> None:
        if point == "before effect" and self.meanwhile is not None and not self.has_frozen:
            self.has_frozen = True
            time.sleep(FROZEN)
            self.meanwhile()


@dataclass(frozen=True, slots=True)
class Scene:
    """A cell whose process freezes, and its tools."""

    cell: Cell
    pencil: Pencil
    freezer: Freezer

    async def submit(self) -> Run:
        told = {"account": "a-1", "tool": "post", "steps": 2}
        return (await self.cell.operations.submit("worker", told, on_behalf_of=ANN)).run

    def take_over(self, run: str) -> None:
        """Another process finds this one silent and takes the run over."""
        parts = self.cell.parts
        left = parts.executors.left(parts.journal.run(run), self.cell.runtime.executor)
        assert left is not None
        taken = parts.journal.take_over(left, b"secret", ELSEWHERE)
        parts.writer.commit_now(Commit([*taken, parts.executors.beat(ELSEWHERE)]))


@pytest.fixture
async def scene(tmp_path: Path, desk: Desk) -> AsyncGenerator[Scene]:
    fleet = write_fleet(tmp_path, desk)
    text = (fleet / "remit.toml").read_text(encoding="utf-8")
    (fleet / "remit.toml").write_text(f"{text}executor_seconds = {SECONDS}\n", encoding="utf-8")
    await lock_server(fleet, "desk")
    pencil, freezer = Pencil(), Freezer()
    cell = build(fleet, servers={"desk": pencil}, reach=freezer.reach)
    await cell.operations.load()
    yield Scene(cell, pencil, freezer)
    await cell.close()


def decided(scene: Scene, run: str) -> bool:
    """Whether the first step has no outcome yet, and its money is held."""
    row = scene.cell.parts.journal.step(run, 1)
    return row is not None and row.state is StepState.DECIDED and scene.cell.parts.ledger.holds() == 1


async def test_who_was_silent_and_still_has_the_pen_calls_once(scene: Scene) -> None:
    run = await scene.submit()
    scene.freezer.meanwhile = lambda: None
    ended = await scene.cell.engine.drive(run.id)
    assert (ended.state, ended.attempt, scene.freezer.has_frozen) == (RunState.DONE, 1, True)
    assert scene.pencil.came == [f"{run.id}:1", f"{run.id}:2"]


async def test_who_was_silent_and_taken_over_calls_nothing(scene: Scene) -> None:
    run = await scene.submit()
    scene.freezer.meanwhile = lambda: scene.take_over(run.id)
    left = await scene.cell.engine.drive(run.id)
    assert (left.state, left.attempt, scene.freezer.has_frozen) == (RunState.RUNNING, 2, True)
    assert scene.pencil.came == []
    assert decided(scene, run.id)  # for who has it now


async def test_who_was_taken_over_does_not_say_that_a_call_was_not_sent(scene: Scene) -> None:
    run = await scene.submit()

    def away(_: ToolCall) -> None:
        time.sleep(FROZEN)
        scene.take_over(run.id)

    scene.pencil.away = away
    left = await scene.cell.engine.drive(run.id)
    assert (left.state, left.attempt) == (RunState.RUNNING, 2)
    assert decided(scene, run.id)  # who took it over may have sent it


async def test_a_takeover_sees_a_sign_of_life_of_the_same_moment(postgresql_url: str, tmp_path: Path) -> None:
    database, clock = open_database(postgresql_url, folder=tmp_path), SettableClock()
    database.migrate()
    journal, writer = Journal(database, clock), Writer(database)
    executors, own = Executors(database, clock, seconds=1.0), "here/1/own"
    task, kept = journal.new_task(agent="a", value={}, on_behalf_of="ann")
    run, queued = journal.new_run(task, agent="a", version="1", release="r")
    writer.commit_now(Commit([*kept, queued, executors.beat(own), *journal.begin_attempt(run, b"s", own)]))
    seen = clock.now()
    left = LeftRun(journal.run(run.id), own, seen)
    beat = load_queries("remit.journal")["beat"]
    with psycopg.connect(postgresql_url) as alive:
        told = {"id": own, "host": "here", "pid": 1, "at": clock.advance(1)}
        alive.execute(postgresql_text(beat.sql).encode(), told)
        taking = threading.Thread(target=writer.commit_now, args=[Commit(journal.take_over(left, b"t", ELSEWHERE))])
        taking.start()
        await asyncio.sleep(FROZEN)  # it has begun, and waits
        alive.commit()
        taking.join(10)
    assert journal.run(run.id).attempt == 1
    writer.close()
    database.close()
