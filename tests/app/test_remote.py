"""A cell that drives nothing leaves its runs to other processes, and still hears how they end."""

import asyncio
import shutil
from pathlib import Path

from remit.app import build
from remit.cli.shipped import shipped_fleet
from remit.journal import RunState
from remit.operations import local_actor

ASKED = {"request": "Please order 2 coffee."}


async def test_what_a_cell_leaves_to_others_is_done_by_them(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shipped_fleet("starter"), tmp_path / "fleet"))
    watching = build(folder, engine="remote")
    await watching.operations.load()
    started = await watching.verbs(local_actor("ann")).start("supplies-desk", ASKED)
    await asyncio.sleep(0.3)
    assert watching.parts.journal.run(started.run.id).state is RunState.QUEUED
    hearing = asyncio.create_task(watching.operations.drive(started.run.id))

    working = build(folder)
    await working.operations.load()
    await working.engine.drive(started.run.id)
    assert (await asyncio.wait_for(hearing, 10)).state is RunState.DONE
    assert watching.engine.room() == 0
    await working.close()
    await watching.close()
