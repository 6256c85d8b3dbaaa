"""A worker that is asked to stop finishes its steps and loses nothing; one that is frozen loses its runs, and only once."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from tests.crash.sample import some
from tests.crash.station import PATIENCE, TOOLS, Station, wait_for
from tests.databases import sqlite_only

from remit.journal import Run, RunState

STEPS, RUNS = 6, 12
CALL_SECONDS = 0.2
SHORT = {"REMIT_LIMITS__EXECUTOR_SECONDS": "1.5"}


@pytest.mark.slow
async def test_a_stopped_worker_parks_its_runs_and_the_next_goes_on_at_once(station: Station, tmp_path: Path) -> None:
    runs = [
        await station.submit(account=f"a-{n}", tool=TOOLS[n % 3], steps=STEPS, seconds=CALL_SECONDS)
        for n in range(RUNS)
    ]
    worker = station.up()
    wait_for(lambda: calls_of(station, runs) >= RUNS)
    worker.terminate()
    _, told = worker.communicate(timeout=PATIENCE)
    assert worker.returncode == 0, told
    states = {station.run(run).state for run in runs}
    assert RunState.WAITING in states
    assert states <= {RunState.WAITING, RunState.DONE, RunState.QUEUED}
    assert station.read("select * from attempts where state in ('lost', 'running')") == []
    assert station.read("select * from steps where state = 'decided'") == []
    assert station.read("select * from executors where ended_at is null") == []

    station.work()
    for number, run in enumerate(runs):
        assert station.run(run).state is RunState.DONE
        station.check_effects(run, tool=TOOLS[number % 3], count=STEPS)
        assert len(station.desk.calls(run.id)) == STEPS
    assert station.read("select * from attempts where state = 'lost'") == []
    station.check_over(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_call_that_outlasts_the_drain_is_left_to_the_next_start(
    station: Station, tmp_path: Path, tool: str
) -> None:
    run = await station.submit(tool=tool, steps=STEPS, slow_at=2, seconds=PATIENCE)
    worker = station.up(REMIT_LIMITS__DRAIN_SECONDS="0.5")
    wait_for(lambda: len(station.desk.calls(run.id)) == 2)
    worker.terminate()
    _, told = worker.communicate(timeout=PATIENCE / 2)
    assert worker.returncode == 0, told
    station.work()
    await station.answer()
    station.work()
    assert station.run(run).state is RunState.DONE
    assert [state for _, state in station.attempts(run)].count("lost") == 1
    station.check_effects(run, tool=tool, count=STEPS)
    station.check_over(tmp_path)


@pytest.mark.slow
async def test_a_second_signal_ends_a_worker_at_once(station: Station, tmp_path: Path) -> None:
    run = await station.submit(tool="mark", steps=STEPS, slow_at=2, seconds=PATIENCE)
    worker = station.up(REMIT_LIMITS__DRAIN_SECONDS=str(PATIENCE))
    wait_for(lambda: len(station.desk.calls(run.id)) == 2)
    worker.terminate()
    with pytest.raises(AssertionError, match="never came"):
        wait_for(lambda: worker.poll() is not None, seconds=1)
    worker.terminate()
    worker.communicate(timeout=PATIENCE / 2)
    assert worker.returncode == -signal.SIGTERM
    station.work()
    assert station.run(run).state is RunState.DONE
    station.check_effects(run, tool="mark", count=STEPS)
    station.check_over(tmp_path)


def calls_of(station: Station, runs: list[Run]) -> int:
    """Returns how many calls these runs have made."""
    return sum(len(station.desk.calls(run.id)) for run in runs)


def freeze(station: Station, pid: int) -> None:
    """Stops a process where it stands, but not with the database's write lock in its hand."""
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        connection = sqlite3.connect(station.folder / ".remit" / "remit.db", timeout=0.5, isolation_level=None)
        try:
            connection.execute("begin immediate")
            connection.execute("rollback")
            return
        except sqlite3.OperationalError:
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("it always holds the lock")


@pytest.mark.slow
@sqlite_only("on PostgreSQL a worker that finds itself late ends: tests/journeys/test_workers.py")
@pytest.mark.parametrize("tool", some(TOOLS))
async def test_a_frozen_worker_loses_its_runs_and_what_it_says_later_is_refused(
    station: Station, tmp_path: Path, tool: str
) -> None:
    runs = [await station.submit(account=f"a-{n}", tool=tool, steps=STEPS, seconds=CALL_SECONDS) for n in range(RUNS)]
    frozen = station.up(**SHORT)
    wait_for(lambda: calls_of(station, runs) >= RUNS)
    freeze(station, frozen.pid)
    other = station.driver(variables=SHORT)
    taken_over = "select 1 from attempts where state = 'lost'"
    wait_for(lambda: station.read(taken_over))
    frozen.send_signal(signal.SIGCONT)
    _, told = other.communicate(timeout=PATIENCE * 2)
    assert other.returncode == 0, told
    await station.answer()
    station.work()
    frozen.terminate()
    _, told = frozen.communicate(timeout=PATIENCE)
    assert frozen.returncode == 0, told
    for run in runs:
        assert station.run(run).state is RunState.DONE, station.run(run)
        station.check_effects(run, tool=tool, count=STEPS)
    station.check_over(tmp_path)
