"""Workers on one database, as processes of their own: one is killed, one freezes, one is stopped, and all work is done once."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from tests.crash.crew import DESK
from tests.crash.station import Station, environment, open_desk, open_station, wait_for
from tests.databases import ON_POSTGRESQL, SQLITE_ONLY

from remit.identity import Tokens
from remit.journal import Run, RunState
from remit.store import Commit

pytestmark = pytest.mark.slow

STEPS, RUNS, CALL_SECONDS = 4, 10, 0.25
# Runs one worker drives at once: few, so that each has some.
EACH = 3
TOOLS = ("mark", "send")  # of what becomes of a `post` that is broken off, people are asked
TAKEN_OVER_WITHIN = 10.0
# Of silence, until others take over; on a machine that is busy a worker must not take itself for frozen.
FREEZE_SECONDS = 4.0
OTTO = "otto@desk.example"


class Process:
    """One `remit` process, and what it has said so far."""

    def __init__(self, station: Station, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "remit.cli", *arguments, "--fleet", str(station.folder), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**{DESK: station.desk.pages, **station.variables, **variables}),
        )
        station.processes.append(self.process)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.said: list[dict[str, Any]] = []

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Returns what a worker has said of this kind."""
        while not self._lines.empty():
            self.said.append(json.loads(self._lines.get()))
        return [each for each in self.said if each["event"] == name]

    def at_work(self) -> str:
        """Waits until a worker is at work and returns its name."""
        (said,) = wait_for(lambda: self.events("at work"))
        return str(said["executor"])

    def document(self) -> dict[str, Any]:
        """Waits for the one document that others say, and returns it."""
        lines = [self._lines.get(timeout=60)]
        while lines[-1].rstrip() != "}":
            lines.append(self._lines.get(timeout=60))
        return json.loads("".join(lines))

    def ended(self) -> tuple[int, str]:
        """Waits until it has ended, and returns its exit code and what it said of errors."""
        code = self.process.wait(timeout=60)
        self._reading.join(10)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()


@pytest.fixture(params=["postgresql"])
async def station(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Station]:
    """A fleet on PostgreSQL, or where a test says so on SQLite, its tool server, and nobody at work."""
    if ON_POSTGRESQL and request.param == "sqlite":
        pytest.skip(f"{SQLITE_ONLY}: its twin on PostgreSQL stands beside it")
    told = {"REMIT_DATABASE_URL": request.getfixturevalue("postgresql_url")} if request.param == "postgresql" else {}
    with open_desk(tmp_path) as desk:
        async with open_station(tmp_path, desk, told) as opened:
            yield opened


async def take_on(station: Station) -> list[Run]:
    told: dict[str, Any] = {"steps": STEPS, "seconds": CALL_SECONDS}
    tasks = (station.submit(account=f"a-{n}", tool=TOOLS[n % 2], **told) for n in range(RUNS))
    return await asyncio.gather(*tasks)


def drivers(station: Station) -> set[str]:
    """Returns who drives runs now."""
    return {str(row[0]) for row in station.read("select executor from attempts where state = 'running'")}


def both_drive(station: Station, names: set[str]) -> Callable[[], bool]:
    return lambda: drivers(station) == names and len(station.desk.calls()) > 2


def check(station: Station, runs: list[Run], folder: Path) -> None:
    """Waits until every run is done, and sees to it that each effect has happened once."""
    wait_for(lambda: {station.run(run).state for run in runs} == {RunState.DONE})
    for number, run in enumerate(runs):
        station.check_effects(run, tool=TOOLS[number % 2], count=STEPS)
    station.check_over(folder)


@pytest.mark.parametrize("station", ["sqlite", "postgresql"], indirect=True)
async def test_the_runs_of_a_worker_that_is_killed_go_on_elsewhere_within_ten_seconds(
    station: Station, tmp_path: Path
) -> None:
    killed, other = (Process(station, "worker", "--concurrency", str(EACH)) for _ in range(2))
    name, left_to = killed.at_work(), other.at_work()
    runs = await take_on(station)
    wait_for(both_drive(station, {name, left_to}))
    assert [each.events("at work")[0]["concurrency"] for each in (killed, other)] == [EACH, EACH]
    busiest = station.read("select count(*) from attempts where state = 'running' group by executor order by 1 desc")
    assert busiest[0][0] <= EACH
    killed.process.kill()
    killed.process.wait()  # its number is gone then, and nobody need wait for its heartbeat
    since = time.monotonic()
    wait_for(lambda: drivers(station) == {left_to})
    assert time.monotonic() - since < TAKEN_OVER_WITHIN
    check(station, runs, tmp_path)
    lost = {str(row[0]) for row in station.read("select run from attempts where state = 'lost'")}
    told = other.events("took over")
    assert ({each["run"] for each in told}, {each["from"] for each in told}) == (lost, {name})
    other.process.terminate()
    assert other.ended() == (0, "")


async def test_a_worker_that_freezes_loses_its_runs_and_ends_itself_when_it_wakes(
    station: Station, tmp_path: Path
) -> None:
    short = {"REMIT_LIMITS__EXECUTOR_SECONDS": str(FREEZE_SECONDS)}
    frozen, other = (Process(station, "worker", "--concurrency", str(EACH), **short) for _ in range(2))
    name, left_to = frozen.at_work(), other.at_work()
    runs = await take_on(station)
    wait_for(both_drive(station, {name, left_to}))
    freeze(station, frozen.process.pid)
    since = time.monotonic()
    wait_for(lambda: drivers(station) <= {left_to})
    assert time.monotonic() - since < TAKEN_OVER_WITHIN
    assert other.events("took over")
    frozen.process.send_signal(signal.SIGCONT)
    code, told = frozen.ended()
    fault = json.loads(told.splitlines()[-1])
    assert (code, fault["what"], fault["which"]) == (1, "This worker has stopped itself", name)
    assert "frozen" in fault["why"]
    assert fault["hint"]
    check(station, runs, tmp_path)
    assert frozen.events("took over") == []


def freeze(station: Station, pid: int) -> None:
    """Stops a process where it stands, but not in the middle of a commit: how long that lasts, the server says."""
    busy = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in trans%'"
    with closing(psycopg.connect(station.variables["REMIT_DATABASE_URL"], autocommit=True)) as server:
        for _ in range(100):
            os.kill(pid, signal.SIGSTOP)
            for _ in range(20):  # what others commit just now ends in a moment
                row = server.execute(busy).fetchone()
                if row == (0,):
                    return
                time.sleep(0.02)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
    raise AssertionError("it is always in the middle of a commit")


def token(station: Station) -> dict[str, str]:
    """Returns the header that shows a token of somebody who may start work."""
    tokens = Tokens(station.cell.database, station.cell.parts.clock)
    may = ["fleet:runs:start", "fleet:runs:read"]
    _, text, kept = tokens.create(name="tests", owner=OTTO, program="", permissions=may, days=1)
    station.cell.parts.writer.commit_now(Commit([kept]))
    return {"authorization": f"Bearer {text}"}


@pytest.mark.parametrize("station", ["sqlite", "postgresql"], indirect=True)
async def test_a_worker_that_is_stopped_loses_nothing_and_a_server_beside_it_takes_tasks_on(
    station: Station, tmp_path: Path
) -> None:
    with (station.folder / "people.yaml").open("a", encoding="utf-8") as people:
        people.write(f"  - {{id: {OTTO}, roles: [operator]}}\n")
    server = Process(station, "serve", "--port", "0")
    stopped, other = (Process(station, "worker", "--concurrency", str(EACH)) for _ in range(2))
    address, name, left_to = server.document()["address"], stopped.at_work(), other.at_work()
    with httpx2.Client(base_url=f"{address}/api/v1", headers=token(station), timeout=40) as client:
        given = {"tool": "mark", "steps": STEPS, "seconds": CALL_SECONDS}
        tasks = [{"agent": "worker", "input": given | {"account": f"a-{n}"}} for n in range(RUNS)]
        begun = [client.post("/tasks", json=task) for task in tasks]
        assert {each.status_code for each in begun} == {201}, begun[0].text
        wait_for(both_drive(station, {name, left_to}))
        stopped.process.terminate()
        assert stopped.ended() == (0, "")
        assert [len(stopped.events(each)) for each in ("at work", "stopping", "stopped")] == [1, 1, 1]
        shown = [client.get(f"/runs/{each.json()['run']}").json()["state"] for each in begun]
        assert set(shown) <= {"done", "running", "waiting", "queued"}
    runs = [station.cell.parts.journal.run(each.json()["run"]) for each in begun]
    wait_for(lambda: {station.run(run).state for run in runs} == {RunState.DONE})
    for run in runs:
        station.check_effects(run, tool="mark", count=STEPS)
        assert len(station.desk.calls(run.id)) == STEPS
    assert station.read("select * from attempts where state = 'lost'") == []
    for each in (other, server):
        each.process.terminate()
    assert [other.ended(), server.ended()] == [(0, ""), (0, "")]
    station.check_over(tmp_path)
