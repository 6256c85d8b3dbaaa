"""A worker in a process of its own: works until every run is over or waits for a person, and dies where it is told to.

python driver.py FLEET SECONDS [POINT NTH]

`CRASH_CLOCK` says by how many seconds this process's clock is wrong, or in which file that stands; `CRASH_HOLD` names a
folder: at its point it does not die, but waits there until it is told to go on. It ends with 3 when it has stopped itself,
with 4 when the database was away.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from remit.app import Cell, build
from remit.core import SECOND, BusyError, SystemClock
from remit.journal import RunState
from remit.runtime import FencedError
from remit.testing import kill_at

LOOK_SECONDS = 0.05
FENCED, AWAY = 3, 4


class WrongClock:
    """The system's clock, but for so many seconds; a file may say anew how many."""

    def __init__(self, told: str) -> None:
        self._right = SystemClock()
        self._file = Path(told) if "/" in told else None
        self._off = 0 if self._file else int(float(told) * SECOND)

    def now(self) -> int:
        """Returns microseconds since the epoch, UTC, as this process believes."""
        if self._file is not None:
            with suppress(OSError, ValueError):
                self._off = int(float(self._file.read_text(encoding="utf-8")) * SECOND)
        return self._right.now() + self._off


def hold_at(point: str, folder: Path, *, nth: int) -> Callable[[str], None]:
    """Returns a `reach` that waits the `nth` time it passes `point`, from when `held` is there until `go` is."""
    passed = 0

    def reach(name: str) -> None:
        nonlocal passed
        passed += name == point
        if name == point and passed == nth:
            (folder / "held").touch()
            while not (folder / "go").exists():
                time.sleep(LOOK_SECONDS)

    return reach


def reach_of(point: str, nth: str) -> Callable[[str], None] | None:
    """Returns what happens at the points that are passed."""
    if folder := os.environ.get("CRASH_HOLD"):
        return hold_at(point, Path(folder), nth=int(nth))
    return kill_at(point, nth=int(nth)) if point else None


async def main(folder: str, seconds: str, point: str = "", nth: str = "1") -> None:
    """Works; a run that is not over within `seconds` is a `TimeoutError`."""
    cell = build(
        Path(folder),
        engine="claims",
        clock=WrongClock(os.environ.get("CRASH_CLOCK", "0")),
        reach=reach_of(point, nth),
    )
    try:
        await cell.operations.load()
        worker, deadline = cell.worker(last_resort=give_up), time.monotonic() + float(seconds)
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


def give_up(why: str) -> None:
    """Ends this process where it hangs."""
    print("it has stopped itself and hung:", why, file=sys.stderr, flush=True)  # noqa: T201  as below
    os._exit(FENCED)


def is_idle(cell: Cell) -> bool:
    """Whether every run is over, or waits for a person, or for a run that does."""
    try:
        now, open_runs = cell.parts.clock.now(), [run for run in cell.parts.journal.runs() if not run.state.is_over]
    except BusyError:  # nobody knows just now
        return False
    return all(
        run.state is RunState.WAITING and not run.is_ready(now) and run.waits_for.startswith(("apr_", "run_"))
        for run in open_runs
    )


def run(arguments: list[str]) -> int:
    """Works and returns what the process is to end with."""
    try:
        asyncio.run(main(*arguments))
    except (FencedError, BusyError) as fault:
        print(fault, file=sys.stderr)  # noqa: T201  whoever reads what a worker said
        return FENCED if isinstance(fault, FencedError) else AWAY
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
