"""What runs that wait for people cost: a restart of the process that drives them, and its memory.

3,000 runs do one step and then wait for an approval. A fresh process opens the cell with the engine that claims, as
`remit up` does; it is ready once each of its chores was done (ready runs queued, left ones taken over). A waiting run
has ended its attempt, so there is nothing to bring back. Beside it, in the same run: as many DBOS workflows that do one
step and wait in `DBOS.recv_async` (SQLite in WAL mode), recovered by a fresh process until all wait again; --quick has
fewer of them, and the figures say how many. Times count from the start of the process, imports included.

Then what claiming costs: CPU per run of one step, against the inline engine, and against a DBOS workflow
with one step that nobody governs.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _report import Goal, Measured, main
from remit.app import Cell, build
from remit.approvals import ApprovalState
from remit.journal import RunState

HERE = Path(__file__).parent
PARKED = 3_000
ANSWERED = 50
KILOBYTE = 1_024
PERSON = "lead@bench.example"


@dataclass(frozen=True, slots=True)
class Milestone:
    """What a process said of itself, and how many seconds after its start."""

    seconds: float
    cpu: float
    rss: int


class Process:
    """A process in one of the roles of `_parked.py`."""

    def __init__(self, role: str, folder: Path, count: int, *more: str) -> None:
        command = [sys.executable, str(HERE / "_parked.py"), role, str(folder), str(count), *more]
        self._began = time.perf_counter()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def milestone(self) -> Milestone:
        """Waits until the process has reached its next milestone."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        seconds = time.perf_counter() - self._began
        assert line, "it has ended before"
        told: dict[str, Any] = json.loads(line)
        return Milestone(seconds, told["cpu"], told["rss"])

    def end(self) -> None:
        """Lets it end."""
        self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0


@contextmanager
def process(role: str, folder: Path, count: int, *more: str) -> Generator[Process]:
    """Starts a process and lets it end."""
    started = Process(role, folder, count, *more)
    yield started
    started.end()


def new_fleet(folder: Path) -> Path:
    """Writes the fleet of the no-op agent, whose code is in `_parked.py`."""
    shutil.copytree(HERE / "fleets" / "noop", folder)
    for path in (folder / "agents" / "noop.agent.md", folder / "tools" / "noop.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("step_cost:", "_parked:"), encoding="utf-8")
    return folder


def both(role: str, folder: Path, count: int, *more: str) -> tuple[Milestone, Milestone]:
    """Returns both milestones of a process."""
    with process(role, folder, count, *more) as started:
        return started.milestone(), started.milestone()


# --- Remit


def parked(fleet: Path) -> dict[str, float]:
    """Parks runs in one process and says what each has cost it."""
    before, after = both("park", fleet, PARKED)
    count = PARKED - 200
    return {
        "remit, runs parked": PARKED,
        "remit, parking a run, CPU ms": (after.cpu - before.cpu) / count * 1000,
        "remit, parking process, kB a run (caches)": (after.rss - before.rss) / count / KILOBYTE,
    }


def memory(fleet: Path, empty: Path, times: int) -> dict[str, float]:
    """Starts fresh processes with and without parked runs, in turn, and compares what is resident."""
    full: list[Milestone] = []
    none: list[Milestone] = []
    for _ in range(times):
        for folder, found in ((fleet, full), (empty, none)):
            with process("restart", folder, 0) as started:
                found += [min(started.milestone(), started.milestone(), key=lambda each: each.seconds)]
    with_runs, without = (statistics.median(each.rss for each in found) for found in (full, none))
    return {
        f"remit, fresh process with {PARKED} parked, MB": with_runs / KILOBYTE**2,
        "remit, fresh process with none parked, MB": without / KILOBYTE**2,
        "remit, kB a parked run in a fresh process": (with_runs - without) / PARKED / KILOBYTE,
        "remit, ready, s": statistics.median(each.seconds for each in full),
        "remit, ready with none parked, s": statistics.median(each.seconds for each in none),
        "remit, ready, CPU s": statistics.median(each.cpu for each in full),
    }


async def answered(fleet: Path) -> dict[str, float]:
    """Answers runs while no process is at work, starts one, and answers one more when it is ready."""
    cell = build(fleet)
    await cell.operations.load()
    first, *questions = [asked.id for asked in cell.parts.approvals.listing(state="pending")[: ANSWERED + 1]]
    for question in questions:
        await cell.operations.answer(question, person=PERSON, answer="approve")
    with process("restart", fleet, ANSWERED) as started:
        started.milestone()
        done = started.milestone()
        latency = await answer_one(cell, first)
    assert cell.parts.journal.counts() == {"done": ANSWERED + 1, "waiting": PARKED - ANSWERED - 1}
    await cell.close()
    return {
        f"remit, {ANSWERED} answered runs done, s": done.seconds,
        f"remit, {ANSWERED} answered runs done, CPU s": done.cpu,
        "remit, from an answer to the end of its run, s": latency,
    }


async def answer_one(cell: Cell, question: str) -> float:
    """Returns how long a run takes that another process drives, from its answer to its end."""
    run = cell.parts.approvals.get(question).run
    began = time.perf_counter()
    await cell.operations.answer(question, person=PERSON, answer="approve")
    assert cell.parts.approvals.get(question).state is not ApprovalState.PENDING
    while cell.parts.journal.run(run).state is not RunState.DONE:  # noqa: ASYNC110  another process's doing
        await asyncio.sleep(0.005)
    return time.perf_counter() - began


# --- DBOS


def dbos(folder: Path, count: int) -> dict[str, float]:
    """Parks workflows, kills their process, and restarts it until all wait again."""
    folder.mkdir()
    before, after = both("dbos_park", folder, count)
    ready, done = both("dbos_restart", folder, count, str(ANSWERED))
    return {
        "dbos, workflows waiting": count,
        "dbos, parking process, kB a workflow": (after.rss - before.rss) / (count - 200) / KILOBYTE,
        "dbos, fresh process, all waiting again, MB": ready.rss / KILOBYTE**2,
        "dbos, all waiting again, s": ready.seconds,
        "dbos, all waiting again, CPU s": ready.cpu,
        f"dbos, {ANSWERED} answered workflows done, s": done.seconds,
    }


# --- what claiming adds


def per_run(folder: Path, count: int, times: int) -> dict[str, float]:
    """Returns CPU milliseconds of a run of one step under each engine, measured in turn."""
    found: dict[str, list[float]] = {"run_inline": [], "run_claims": [], "dbos_run": []}
    for number in range(times):
        for role, costs in found.items():
            place = folder / f"{role}-{number}" / "work"
            if role == "dbos_run":
                place.mkdir(parents=True)
            else:
                new_fleet(place)
            before, after = both(role, place, count)
            costs.append((after.cpu - before.cpu) / count * 1000)
    inline, claims, plain = (statistics.median(costs) for costs in found.values())
    return {
        "run of one step, inline engine, CPU ms": inline,
        "run of one step, claims engine, CPU ms": claims,
        "claims engine, added by each attempt, CPU ms": claims - inline,
        "ungoverned DBOS workflow of one step, CPU ms": plain,
    }


def measure(arguments: argparse.Namespace) -> Measured:
    """Returns the figures and their goals."""
    quick = arguments.quick
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fleet, empty = new_fleet(folder / "full"), new_fleet(folder / "empty")
        figures = parked(fleet)
        figures |= memory(fleet, empty, 2 if quick else 5)
        figures |= asyncio.run(answered(fleet))
        figures |= dbos(folder / "dbos", 600 if quick else PARKED)
        figures |= per_run(folder, 300 if quick else 1_000, 1 if quick else 3)
    told = {name: round(value, 4) for name, value in figures.items()}
    a_run = figures["dbos, all waiting again, s"] / figures["dbos, workflows waiting"]
    return told, [
        Goal("ready again, s", told["remit, ready, s"], 3),
        Goal(f"{ANSWERED} answered runs done, s", told[f"remit, {ANSWERED} answered runs done, s"], 3),
        Goal("kB a parked run in a fresh process", told["remit, kB a parked run in a fresh process"], 1),
        Goal("ready again / DBOS's time a workflow", round(figures["remit, ready, s"] / PARKED / a_run, 3), 1),
    ]


if __name__ == "__main__":
    main(__doc__ or "", measure)
