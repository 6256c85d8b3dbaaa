"""Several processes at work on one database share its runs: every run is driven once, the most urgent first."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.databases import same_database
from tests.runtime.engines import until
from tests.runtime.relay import ANN, PEOPLE, TOOLS, contract

from journeys.command_line import environment
from remit.app import Cell, build
from remit.journal import RunState

JOBS = """
import asyncio, os
from pathlib import Path

class Desk:
    def __init__(self, log):
        self.log = log

    async def look(self, call, *, order):
        await asyncio.sleep(0.02)
        return {"amount": 7}

    async def pay(self, call, *, order, amount):
        with self.log.open("a") as log:
            log.write(f"{call.key} {os.getpid()}\\n")
        return {"amount": amount}

def connect(folder):
    return Desk(folder / "paid.txt")

async def work(run):
    await run.tool("desk__look", order=run.input["order"])
    await run.tool("desk__pay", order=run.input["order"], amount=5)
    return {"resolved": True}
"""
RUNS = 120


def write_shared_fleet(folder: Path) -> Path:
    """Writes a fleet whose code lies in its folder, so that any process can open it."""
    for path, text in {
        "remit.toml": 'name = "shared"\nreleases = "on-load"\n',
        "jobs_of_two.py": JOBS,
        "tools/desk.yaml": TOOLS.replace("tests.runtime.relay:connect", "jobs_of_two:connect"),
        "people.yaml": PEOPLE,
        "agents/giver.agent.md": contract("giver", hands_to="taker", more="code: jobs_of_two:work\n"),
        "agents/taker.agent.md": contract("taker", takes_from="giver", more="code: jobs_of_two:work\n"),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def start(command: str, folder: Path, *more: str) -> "subprocess.Popen[str]":
    """Starts a command on the fleet."""
    words = [sys.executable, "-m", "remit.cli", command, *more, "--fleet", str(folder), "--json"]
    told = environment(**same_database())
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=told)


def up(folder: Path) -> "subprocess.Popen[str]":
    """Starts `remit up` on the fleet, on a free port."""
    return start("up", folder, "--port", "0")


def ready(process: "subprocess.Popen[str]") -> None:
    """Waits until a process says that it is at work."""
    assert process.stdout
    assert process.stdout.readline(), process.communicate()[1]


async def submit_many(cell: Cell) -> list[str]:
    """Takes tasks on in the journal; nobody here drives them."""
    started = [cell.operations.submit("giver", {"order": f"R-{n}"}, on_behalf_of=ANN) for n in range(RUNS)]
    return [each.run.id for each in await asyncio.gather(*started)]


def all_done(cell: Cell) -> bool:
    """Whether every run of the fleet is done."""
    return list(cell.parts.journal.counts()) == [RunState.DONE.value]


def paid(cell: Cell) -> list[list[str]]:
    """Returns key and process of everything that was paid."""
    return [line.split() for line in (cell.folder / "paid.txt").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_two_processes_on_one_fleet_drive_every_run_though_one_of_them_ends(
    tmp_path: Path, end: signal.Signals
) -> None:
    folder = write_shared_fleet(tmp_path / "fleet")
    cell = build(folder)
    await cell.operations.load()
    first, second = up(folder), up(folder)  # at once
    try:
        ready(first)
        ready(second)
        await submit_many(cell)
        await until(lambda: cell.parts.journal.counts().get("done", 0) > RUNS // 4)
        goes, stays = (first, second) if paid(cell)[-1][1] == str(first.pid) else (second, first)
        goes.send_signal(end)
        await submit_many(cell)
        await until(lambda: all_done(cell))
        assert ended(goes) == (0 if end is signal.SIGTERM else -end, [])
        keys = Counter(key for key, _ in paid(cell))
        assert len(keys) == 2 * RUNS
        if end is signal.SIGTERM:
            assert set(keys.values()) == {1}
        else:  # what was under way is done again, under its key
            assert keys.total() <= sum(run.attempt for run in cell.parts.journal.runs())
        assert {process for _, process in paid(cell)} == {str(goes.pid), str(stays.pid)}
        await cell.close()
        stays.terminate()
        code, said = ended(stays)
        assert (code, [line for line in said if "it is taken over" not in line]) == (0, [])
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """Waits until a process has ended; returns how, and what it complained of."""
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors.splitlines()


@pytest.mark.slow
async def test_a_worker_takes_the_most_urgent_first(tmp_path: Path) -> None:
    folder = write_shared_fleet(tmp_path / "fleet")
    cell = build(folder)
    await cell.operations.load()
    urgencies = [2, 9, 5, 0, 7]
    started = [
        await cell.operations.submit("giver", {"order": f"R-{n}"}, on_behalf_of=ANN, priority=n) for n in urgencies
    ]
    worker = start("worker", folder, "--concurrency", "1")
    try:
        await until(lambda: all_done(cell))
        begun = [key.partition(":")[0] for key, _ in paid(cell)]
        order = {one.run.id: urgency for one, urgency in zip(started, urgencies, strict=True)}
        assert [order[run] for run in begun] == sorted(urgencies, reverse=True)
        worker.terminate()
        assert ended(worker) == (0, [])
    finally:
        worker.kill()
        worker.communicate()
        await cell.close()
