"""A worker in a process of its own: works until every run is over or waits for a person, and dies where it is told to.

python driver.py FLEET SECONDS [POINT NTH]
"""

import asyncio
import sys
import time
from pathlib import Path

from remit.app import Cell, build
from remit.journal import RunState
from remit.testing import kill_at

LOOK_SECONDS = 0.05


async def main(folder: str, seconds: str, point: str = "", nth: str = "1") -> None:
    """Works; a run that is not over within `seconds` is a `TimeoutError`."""
    cell = build(Path(folder), engine="durable", reach=kill_at(point, nth=int(nth)) if point else None)
    try:
        await cell.operations.load()
        worker, deadline = cell.worker(), time.monotonic() + float(seconds)
        working = asyncio.create_task(worker.work())
        while not is_idle(cell) and not working.done():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    [(run.id, run.state, run.waits_for, run.reason) for run in cell.parts.journal.runs()]
                )
            await asyncio.sleep(LOOK_SECONDS)
        worker.stop()
        await working
    finally:
        await cell.close()


def is_idle(cell: Cell) -> bool:
    """Whether every run is over, or waits for a person, or for a run that does."""
    now, open_runs = cell.parts.clock.now(), [run for run in cell.parts.journal.runs() if not run.state.is_over]
    return all(
        run.state is RunState.WAITING and not run.is_ready(now) and run.waits_for.startswith(("apr_", "run_"))
        for run in open_runs
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
