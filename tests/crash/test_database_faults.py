"""The database breaks: its server crashes, the way to it is cut, an answer is lost. What was begun is done, once."""

import asyncio
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.crash.driver import FENCED
from tests.crash.proxy import Proxy, proxied
from tests.crash.server import crash, own_server
from tests.crash.shift import Shift
from tests.crash.station import PATIENCE, TOOLS, Station, wait_for

from remit.journal import Run
from remit.runtime.last_resort import END_SECONDS
from remit.testing import PostgresServer

pytestmark = pytest.mark.slow

EXECUTOR_SECONDS, STATEMENT_SECONDS = 2.0, 1.0
STEPS, EACH = 4, 3
# As it is without settings.
PATIENT = {"STATEMENT": "30", "LOCK": "10", "CONNECT": "5"}
CALL_SECONDS = 0.1
# Where a worker is when the server crashes.
MOMENTS = ("in sequencer", "claimed", "after claim", "before effect", "after effect", "taking over", "inside commit",
  "after commit")  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """A server that may crash."""
    with own_server() as running:
        yield running


@pytest.fixture
def variables(server: PostgresServer) -> Generator[dict[str, str]]:
    """What workers on it are told."""
    url = server.fresh()
    yield {
        "REMIT_LIMITS__EXECUTOR_SECONDS": str(EXECUTOR_SECONDS),
        "REMIT_LIMITS__DRAIN_SECONDS": "2",
        "REMIT_DATABASE__STATEMENT_SECONDS": str(STATEMENT_SECONDS),
        "REMIT_DATABASE__LOCK_SECONDS": "1",
        "REMIT_DATABASE__CONNECT_SECONDS": "1",
        "REMIT_DATABASE_URL": url,
    }
    server.drop(url)


@pytest.fixture
def proxy(variables: dict[str, str]) -> Generator[Proxy]:
    """A way to the database that can be cut."""
    with proxied(variables["REMIT_DATABASE_URL"]) as opened:
        yield opened


async def take_on(floor: Station, each: int = EACH) -> list[Run]:
    """Takes runs on, some with each tool, all on few accounts; some need a yes."""
    runs: list[Run] = []
    for tool in TOOLS:
        for n in range(each):
            told: dict[str, Any] = {"tool": tool, "account": f"a-{n}", "steps": STEPS, "seconds": CALL_SECONDS}
            if n == 1:
                told["heavy_at"] = 2
            runs.append(await floor.submit(**told))
    return runs


def check(floor: Station, runs: list[Run], folder: Path) -> None:
    """Each run is done, each effect happened once, and nothing is left."""
    floor.check_done(runs, STEPS, folder)
    assert floor.read("select * from log_pending") == []
    assert floor.read("select stream from log group by stream having max(seq) <> count(*)") == []


async def test_a_server_that_crashes_while_workers_work_costs_time_and_nothing_else(
    floor: Station, server: PostgresServer, tmp_path: Path
) -> None:
    runs = await take_on(floor)
    shift, calls = Shift(floor), len(floor.desk.calls())
    shift.begin()
    for more in (2, 8, 14):
        await shift.until(lambda more=more: len(floor.desk.calls()) >= calls + more)
        crash(server)
    await shift.finish()
    check(floor, runs, tmp_path)


async def test_a_server_that_crashes_at_a_point_of_one_worker_has_lost_nothing_that_counts(
    floor: Station, server: PostgresServer, tmp_path: Path
) -> None:
    runs: list[Run] = []
    for point in MOMENTS:
        runs += await take_on(floor, 1)
        held = floor.driver(point, 1, {"CRASH_HOLD": str(folder := made(tmp_path / point))})
        wait_for(lambda folder=folder: (folder / "held").exists())
        crash(server)
        (folder / "go").touch()
        await asyncio.sleep(CALL_SECONDS)  # it goes on for a while, and the next one takes over what is left
        held.kill()
        held.wait()
    shift = Shift(floor)
    shift.begin()
    await shift.finish()
    check(floor, runs, tmp_path)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("is_mended", [False, True], ids=["cut for good", "cut until it is too late"])
async def test_who_hears_no_answer_any_more_stops_itself_and_another_goes_on(
    floor: Station, proxy: Proxy, tmp_path: Path, is_mended: bool
) -> None:
    runs, calls = await take_on(floor), len(floor.desk.calls())
    cut = floor.driver(variables={"REMIT_DATABASE_URL": proxy.url})
    wait_for(lambda: len(floor.desk.calls()) >= calls + 4)
    proxy.freeze()
    shift = Shift(floor, told=[{}])
    shift.begin()
    began = time.monotonic()
    await shift.until(lambda: floor.read("select 1 from attempts where state = 'lost'"))
    # Two seconds, as a rule; cut off in the middle of what it sent, the server ends its transaction in four.
    assert time.monotonic() - began < EXECUTOR_SECONDS * 5
    if is_mended:
        proxy.mend()
    await shift.finish()
    _, told = cut.communicate(timeout=PATIENCE)
    assert (cut.returncode, "stopped itself" in told) == (FENCED, True), told
    check(floor, runs, tmp_path)


async def test_who_freezes_in_the_middle_of_a_commit_holds_nobody_up_for_long_and_ends_when_it_wakes(
    floor: Station, tmp_path: Path
) -> None:
    runs, calls = await take_on(floor), len(floor.desk.calls())
    frozen = floor.driver("inside commit", 12, {"CRASH_HOLD": str(folder := made(tmp_path / "held"))})
    wait_for(lambda: (folder / "held").exists())
    frozen.send_signal(signal.SIGSTOP)
    began, before = time.monotonic(), len(floor.desk.calls())
    shift = Shift(floor, told=[{}])
    shift.begin()
    await shift.until(lambda: len(floor.desk.calls()) >= before + 2)
    assert time.monotonic() - began < EXECUTOR_SECONDS * 5
    (folder / "go").touch()
    frozen.send_signal(signal.SIGCONT)
    await shift.finish()
    _, told = frozen.communicate(timeout=PATIENCE)
    assert (frozen.returncode, "stopped itself" in told) == (FENCED, True), told
    assert len(floor.desk.calls()) > calls
    check(floor, runs, tmp_path)


async def test_who_is_cut_off_ends_soon_however_long_it_would_wait_for_answers(
    floor: Station, proxy: Proxy, tmp_path: Path
) -> None:
    runs, calls = await take_on(floor, 1), len(floor.desk.calls())
    patient = {f"REMIT_DATABASE__{name}_SECONDS": said for name, said in PATIENT.items()}
    cut = floor.driver(variables={"REMIT_DATABASE_URL": proxy.url, **patient})
    wait_for(lambda: len(floor.desk.calls()) >= calls + 1)
    proxy.freeze()
    began = time.monotonic()
    _, told = cut.communicate(timeout=PATIENCE)
    assert (cut.returncode, "stopped itself" in told) == (FENCED, True), told
    assert time.monotonic() - began < EXECUTOR_SECONDS + END_SECONDS + 5
    shift = Shift(floor, told=[{}])
    shift.begin()
    await shift.finish()
    check(floor, runs, tmp_path)


async def test_who_is_refused_for_a_moment_comes_back(floor: Station, proxy: Proxy, tmp_path: Path) -> None:
    runs, calls = await take_on(floor), len(floor.desk.calls())
    shift = Shift(floor, told=[{"REMIT_DATABASE_URL": proxy.url}, {}])
    shift.begin()
    for more in (3, 9):
        await shift.until(lambda more=more: len(floor.desk.calls()) >= calls + more)
        proxy.refuse()
        await asyncio.sleep(EXECUTOR_SECONDS / 4)
        proxy.mend()
    await shift.finish()
    check(floor, runs, tmp_path)


@pytest.mark.parametrize("requests", [False, True], ids=["answers", "requests"])
async def test_a_commit_whose_connection_breaks_is_found_out_about_and_not_done_twice(
    floor: Station, proxy: Proxy, tmp_path: Path, requests: bool
) -> None:
    runs = await take_on(floor)
    shift = Shift(floor, told=[{"REMIT_DATABASE_URL": proxy.url}])
    lost = 0
    shift.begin()
    while not shift.is_over():
        if proxy.lost >= lost:
            lost = proxy.lost + 2
            proxy.lose(2, requests=requests)
        await shift.until(lambda lost=lost: proxy.lost >= lost or shift.is_over())
    shift.end()
    assert proxy.lost > len(runs)
    check(floor, runs, tmp_path)
