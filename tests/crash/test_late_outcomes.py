"""An outcome that comes when another attempt has taken the step up: the step ends once, and leaves nothing behind."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.crash.station import ANN, CONTRACTS, Desk, contract, write_fleet

from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.gateway import Gateway, ToolCall
from remit.journal import Run, RunState
from remit.operations import lock_server
from remit.runtime import RunHandle, Runtime
from remit.store import Commit

TURNS = 200


@dataclass(slots=True)
class Scene:
    """What one test holds up: the tool's answers, the second attempt, and the writer."""

    called: asyncio.Queue[ToolCall] = field(default_factory=asyncio.Queue[ToolCall])
    answer: asyncio.Event = field(default_factory=asyncio.Event)
    entered: int = 0
    second: asyncio.Event = field(default_factory=asyncio.Event)
    is_writer_held: bool = False
    inside: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def reach(self, point: str) -> None:
        """Holds the writer up inside a commit."""
        if point == "inside commit" and self.is_writer_held:
            self.is_writer_held = False
            self.inside.set()
            self.go_on.wait()

    async def mark(self, call: ToolCall, **_: Any) -> dict[str, int]:
        self.called.put_nowait(call)
        await self.answer.wait()
        return {"n": 1}

    send = post = mark


SCENES: list[Scene] = []


async def agent(run: RunHandle) -> Any:
    """Calls its tool once; the second attempt waits for its cue."""
    scene = SCENES[-1]
    scene.entered += 1
    if scene.entered == 2:
        await scene.second.wait()
    await run.tool(f"desk__{run.input['tool']}", n=1, account="a-1", weight=1)
    return {"done": 1}


@dataclass(frozen=True, slots=True)
class Stage:
    """Two processes' worth of runtimes over one cell."""

    cell: Cell
    scene: Scene
    other: Runtime

    async def begin(self, tool: str) -> tuple[Run, "asyncio.Task[Run]", "asyncio.Task[Run]"]:
        """Drives a run into its call, and has the other runtime take it over; both are held up."""
        run = (await self.cell.operations.submit("worker", {"account": "a-1", "tool": tool}, on_behalf_of=ANN)).run
        first = asyncio.create_task(self.cell.runtime.drive(run.id))
        async with asyncio.timeout(30):
            await self.scene.called.get()
        ended = self.cell.runtime.end()
        assert ended is not None
        await self.cell.parts.writer.commit(Commit([ended]))
        second = asyncio.create_task(self.other.drive(run.id))
        await until(lambda: self.scene.entered == 2)
        return run, first, second


async def until(holds: Callable[[], bool]) -> None:
    """Waits for something another task or thread does."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  a thread may be who does it
            await asyncio.sleep(0.01)


@pytest.fixture
async def stage(tmp_path: Path, desk: Desk) -> Any:
    scene = Scene()
    SCENES.append(scene)
    text = contract("worker").replace("tests.crash.crew:steps", "tests.crash.test_late_outcomes:agent")
    fleet = write_fleet(tmp_path, desk, {**CONTRACTS, "worker": text})
    await lock_server(fleet, "desk")
    cell = build(fleet, servers={"desk": scene}, reach=scene.reach)
    await cell.operations.load()
    yield Stage(cell, scene, Runtime(cell.parts, Gateway(cell.parts)))
    SCENES.remove(scene)
    await cell.close()


async def together(*tasks: Awaitable[Run]) -> list[Run]:
    async with asyncio.timeout(30):
        return await asyncio.gather(*tasks)


async def test_a_step_that_ends_just_as_it_is_taken_up_leaves_no_lock(stage: Stage) -> None:
    run, first, second = await stage.begin("mark")
    scene, cell = stage.scene, stage.cell
    # The outcome is on its way to the disk when the second attempt looks: it sees an open step.
    scene.is_writer_held = True
    held = asyncio.create_task(cell.runtime.beat())
    await until(scene.inside.is_set)
    scene.answer.set()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    scene.second.set()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    scene.go_on.set()
    await held
    await together(first, second)
    assert cell.parts.journal.run(run.id).state is RunState.DONE
    assert cell.parts.controls.locks() == []
    assert scene.called.empty()


async def test_an_outcome_nobody_knew_ends_the_question_when_it_comes(stage: Stage) -> None:
    run, first, second = await stage.begin("post")
    stage.scene.second.set()
    assert (await second).state is RunState.WAITING
    (question,) = stage.cell.parts.approvals.of_run(run.id)
    assert (question.kind, question.state) == ("unknown", ApprovalState.PENDING)
    stage.scene.answer.set()
    await together(first)
    (question,) = stage.cell.parts.approvals.of_run(run.id)
    assert question.state is ApprovalState.WITHDRAWN
    assert (await stage.other.drive(run.id)).state is RunState.DONE
