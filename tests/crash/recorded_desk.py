"""The retail desk with recorded models, in a process of its own that dies when its fuse has burnt down.

    python -m tests.crash.recorded_desk FOLDER [SEED]

The shop is a server elsewhere and the customers are in a file, so both outlive this process. Started again, it goes on
with the same tasks; without a seed it lives to their end.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.core import ModelRoute, load_settings
from remit.gateway.providers import RecordedProvider
from remit.journal import Run, RunState
from remit.operations import lock_server
from remit.testing import POINTS
from remit_fleets.retail import Conversation, Customer
from remit_fleets.retail.behind_mcp import put_shop_behind_mcp

AT_ONCE = 4
# How many points between claim, effect and outcome are passed before the process dies.
FUSE = (20, 150)
# Half of the deaths are immediate; the others come this much later at most, in the middle of whatever is under way.
LATER_SECONDS = 0.01
# Whether the shop is just being asked to change something.
UNDER_WAY = "select 1 from steps where state = 'decided' and name like 'shop__%_order%' and name not like '%__get_%'"


async def write_desk(folder: Path, conversations: Sequence[Conversation], url: str) -> Path:
    """Writes the fleet and the work it is given; its shop is the server at `url`."""
    source = Path(str(files("remit_fleets"))) / "retail"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    put_shop_behind_mcp(folder, url=url)
    await lock_server(folder, "shop")
    work = [
        {"key": key_of(each), "value": each.task_input, "answers": each.answers, "replies": each.replies}
        for each in conversations
    ]
    (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
    return folder


def key_of(conversation: Conversation) -> str:
    """Returns what the conversation's task is known by."""
    return f"{conversation.model}:{conversation.ticket}"


def work_of(folder: Path) -> list[dict[str, Any]]:
    """Reads the work of the desk in `folder`."""
    return json.loads((folder / "work.json").read_text(encoding="utf-8"))


async def open_desk(folder: Path, reach: Callable[[str], None] | None = None) -> Cell:
    """Opens the desk in `folder`."""
    work = work_of(folder)
    route = ModelRoute(kind="recorded", model="recorded", cloud=False)
    customer = folder / ".remit" / "customer.db"
    customer.parent.mkdir(exist_ok=True)
    cell = build(
        folder,
        settings=load_settings(folder).model_copy(update={"models": {"recorded": route}}),
        servers={"customer": Customer({each["value"]["ticket"]: each["replies"] for each in work}, customer)},
        providers={"recorded": RecordedProvider({each["key"]: each["answers"] for each in work})},
        reach=reach,
    )
    await cell.operations.load()
    return cell


async def play(cell: Cell, key: str, value: dict[str, Any]) -> Run:
    """Plays one conversation to its end, from wherever it is; every question is answered with yes."""
    started = await cell.operations.submit("retail-desk", value, on_behalf_of="a customer", dedup=key)
    run = await cell.operations.drive(started.run.id)
    while run.state is RunState.WAITING:
        for asked in cell.parts.approvals.of_run(run.id):
            if asked.state is ApprovalState.PENDING:
                person = cell.parts.people.holding(asked.roles)[0]
                await cell.operations.answer(asked.id, person=person.id, answer="approve")
        run = await cell.operations.drive(run.id)
    return run


class Fuse:
    """A `reach` that kills the process at a random point; every other time, at one where a write is under way."""

    def __init__(self, seed: str, database: Path) -> None:
        drawn = random.Random(seed)
        self._left = drawn.randint(*FUSE)
        self._writes_left = drawn.choice([0, drawn.randint(3, 5)])
        self._later = drawn.choice([0.0, drawn.uniform(0, LATER_SECONDS)])
        self._database = database
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        """Burns down by one point, which may be the last."""
        assert point in POINTS
        with self._lock:
            self._left -= 1
            self._writes_left -= self._writes_left > 0 and self._writing()
            if self._left == 0 or self._writes_left == 1:
                threading.Timer(self._later, die).start() if self._later else die()

    def _writing(self) -> bool:
        connection = sqlite3.connect(self._database)
        try:
            return connection.execute(UNDER_WAY).fetchone() is not None
        finally:
            connection.close()


def die() -> None:
    """Ends this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, seed: str) -> None:
    """Plays all of the desk's work."""
    cell = await open_desk(folder, Fuse(seed, folder / ".remit" / "remit.db") if seed else None)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(work: dict[str, Any]) -> None:
        async with slots:
            await play(cell, work["key"], work["value"])

    await asyncio.gather(*(one(work) for work in work_of(folder)))
    await cell.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), "".join(sys.argv[2:])))
