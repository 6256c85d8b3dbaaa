"""Workers that share a database drive each run once: the most urgent first, units in turns, never more than allowed."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.databases import execute
from tests.runtime.engines import DONE, until
from tests.runtime.relay import ANN, PEOPLE, PLAYS, SETTINGS, TOOLS, contract

from remit.app import Cell, build
from remit.core import MINUTE, SECOND, Limits, SystemClock, load_settings
from remit.identity import issue_secret
from remit.journal import Run, RunState
from remit.runtime import ClaimsEngine, FencedError, RunHandle
from remit.runtime.claims import LEFT_SHARE, PREPARED_AT_ONCE
from remit.store import Commit
from remit.store.postgresql.committer import PostgresCommitter
from remit.testing import SettableClock

pytestmark = pytest.mark.slow

# By agent: its unit, and what else its contract says.
AGENTS = {
    "flood": ("sales", ""),
    "single": ("care", ""),
    "urgent": ("sales", "priority: 9\n"),
    "humble": ("care", "priority: 3\n"),
    "other": ("sales", ""),
    "few": ("care", "limits: {concurrent: 2}\n"),
}
TOOK_SECONDS = 0.02
LOOK_SECONDS = 0.02
URLS = ("sqlite", "postgresql")


@dataclass(slots=True)
class Floor:
    """A fleet's folder and database, the cells that are open on it, and what their agents did."""

    folder: Path
    url: str
    stack: AsyncExitStack
    begun: list[str] = field(default_factory=list[str])
    """The agent of each attempt, in the order in which they began."""
    active: Counter[str] = field(default_factory=Counter[str])
    most: dict[str, int] = field(default_factory=dict[str, int])
    """By agent and unit, how many attempts were under way at once."""
    seconds: float = TOOK_SECONDS
    on_play: Callable[[], object] = lambda: None

    async def play(self, run: RunHandle) -> Any:
        """Takes some time."""
        terms = run.contract.terms
        names = (terms.agent, f"unit {terms.unit}")
        self.begun.append(terms.agent)
        self.active.update(names)
        self.most |= {name: max(self.most.get(name, 0), self.active[name]) for name in names}
        self.on_play()
        await asyncio.sleep(self.seconds)
        self.active.subtract(names)
        return DONE

    async def cell(self, *, folder: Path | None = None, clock: SettableClock | None = None, **limits: Any) -> Cell:
        """Opens one more cell on the database: one more worker, that claims nothing until it is started."""
        settings = load_settings(folder or self.folder)
        update: dict[str, Any] = {"database_url": self.url}
        if limits:
            update["limits"] = Limits(**{**settings.limits.model_dump(), **limits})
        cell = build(folder or self.folder, settings=settings.model_copy(update=update), engine="claims", clock=clock)
        self.stack.push_async_callback(cell.close)
        await cell.operations.load()
        return cell

    def newer(self, agent: str) -> Path:
        """Returns a copy of the folder in which an agent has one version more; its cell is the same."""
        folder = self.folder.with_name("newer")
        shutil.copytree(self.folder, folder)
        path = folder / "agents" / f"{agent}.agent.md"
        path.write_text(path.read_text(encoding="utf-8").replace("1.0.0", "2.0.0"), encoding="utf-8")
        return folder


@pytest.fixture(params=URLS)
async def floor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Floor]:
    """A fleet of agents of two units, on a database of either kind."""
    folder = tmp_path / "fleet"
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    for path, text in {"remit.toml": SETTINGS, "tools/desk.yaml": TOOLS, "people.yaml": PEOPLE}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "agents").mkdir()
    for name, (unit, more) in AGENTS.items():
        text = contract(name, more=f"code: tests.runtime.relay:play\n{more}").replace("unit: care", f"unit: {unit}")
        (folder / "agents" / f"{name}.agent.md").write_text(text, encoding="utf-8")
    async with AsyncExitStack() as stack:
        opened = Floor(folder, url, stack)
        PLAYS.clear()
        PLAYS.update(dict.fromkeys(AGENTS, opened.play))
        yield opened


async def take_on(cell: Cell, agent: str, count: int = 1) -> list[Run]:
    """Takes tasks on, in one commit: a flood that is there at once."""
    journal = cell.parts.journal
    version = next(each for each in cell.parts.registry.versions() if each.agent == agent and each.version == "1.0.0")
    task, statements = journal.new_task(agent=agent, value={"order": "R-1"}, on_behalf_of=ANN)
    urgency = cell.fleet.contracts[agent].terms.priority
    runs: list[Run] = []
    for _ in range(count):
        run, queued = journal.new_run(
            task, agent=agent, version=version.version, release=version.release, priority=urgency
        )
        runs.append(run)
        statements = [*statements, queued]
    await cell.parts.writer.commit(Commit(statements))
    return runs


@asynccontextmanager
async def at_work(cell: Cell, concurrency: int) -> AsyncGenerator[ClaimsEngine]:
    """Has the cell claim and drive runs, until it is left; then it gives back what it has not begun."""
    engine = cell.engine
    assert isinstance(engine, ClaimsEngine)
    engine.concurrency = concurrency
    await cell.runtime.beat()
    await engine.start()

    async def look() -> None:
        while True:
            await engine.refill()
            await asyncio.sleep(LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield engine
    finally:
        looking.cancel()
        cell.runtime.drain()
        await engine.drain(10)


def are_done(cell: Cell, runs: Sequence[Run]) -> bool:
    return all(cell.parts.journal.run(run.id).state is RunState.DONE for run in runs)


def drivers(cell: Cell, runs: Sequence[Run]) -> set[str]:
    """Returns who drove the first attempts; each run has had one."""
    assert {cell.parts.journal.run(run.id).attempt for run in runs} == {1}
    return {cell.parts.journal.executor(run.id, 1) for run in runs}


async def test_the_more_urgent_goes_first_whatever_was_there_before(floor: Floor) -> None:
    cell = await floor.cell()
    runs = [*await take_on(cell, "humble", 3), *await take_on(cell, "single", 3), *await take_on(cell, "urgent", 3)]
    async with at_work(cell, 1):
        await until(lambda: are_done(cell, runs))
    assert floor.begun == ["urgent"] * 3 + ["single"] * 3 + ["humble"] * 3


async def test_a_flood_of_one_unit_does_not_delay_anothers_single_run_by_more_than_a_claim(floor: Floor) -> None:
    cell, room = await floor.cell(), 4
    await take_on(cell, "flood", 500)
    async with at_work(cell, room):
        await until(lambda: len(floor.begun) > 3 * room)
        (run,) = await take_on(cell, "single")
        before = len(floor.begun)
        await until(lambda: are_done(cell, [run]))
    behind = floor.begun.index("single") - before
    # What is under way then ends, and one claim may have been made just before.
    assert behind <= 2 * room
    assert len(floor.begun) < 500


async def test_the_less_urgent_is_served_in_time_though_more_urgent_work_never_ends(floor: Floor) -> None:
    clock = SettableClock(SystemClock().now())
    cell = await floor.cell(clock=clock, executor_seconds=3_600)  # or it would not trust itself any more
    floor.seconds, floor.on_play = 0.0, lambda: clock.advance(MINUTE // 4)
    await take_on(cell, "flood", 40)
    (humble,) = await take_on(cell, "humble")
    async with at_work(cell, 1):
        await until(lambda: are_done(cell, [humble]))
    assert 4 <= floor.begun.index("humble") <= 16  # two minutes, and the claim that came before


async def test_places_of_agents_and_units_hold_over_two_workers(floor: Floor) -> None:
    cells = [await floor.cell(concurrent_runs_per_agent=3, concurrent_runs_per_unit=4) for _ in range(2)]
    floor.seconds = 0.1
    runs = [run for agent in ("flood", "other", "single", "few") for run in await take_on(cells[0], agent, 10)]
    async with at_work(cells[0], 5), at_work(cells[1], 5):
        await until(lambda: are_done(cells[0], runs))
    assert len(drivers(cells[0], runs)) == 2
    allowed = {"few": 2, "flood": 3, "other": 3, "single": 3, "unit sales": 4, "unit care": 4}  # `few` says less itself
    assert {name: most for name, most in floor.most.items() if most > allowed[name]} == {}
    assert max(floor.most.values()) > 1


async def test_two_workers_drive_each_run_once(floor: Floor) -> None:
    cells = [await floor.cell() for _ in range(2)]
    runs = await take_on(cells[0], "flood", 60)
    async with at_work(cells[0], 5), at_work(cells[1], 5):
        await until(lambda: are_done(cells[0], runs))
    assert (len(floor.begun), len(drivers(cells[1], runs))) == (60, 2)


async def test_what_a_worker_has_claimed_and_not_begun_others_have_at_once_when_it_drains(floor: Floor) -> None:
    leaving, other = await floor.cell(), await floor.cell()
    runs = await take_on(leaving, "flood", 8)
    leaving.runtime.drain()  # asked to stop in the moment of its claim
    async with at_work(leaving, 5):
        await until(lambda: claimed(leaving, runs) >= 5)  # five, and as none of them begins, soon the others, too
    assert (claimed(leaving, runs), floor.begun) == (0, [])
    async with at_work(other, 8):
        await until(lambda: are_done(other, runs))
    assert drivers(other, runs) == {other.runtime.executor}


async def test_what_a_worker_claimed_and_never_began_runs_out_and_cannot_be_begun_by_it_any_more(floor: Floor) -> None:
    clock, lease = SettableClock(SystemClock().now()), 6
    frozen, other = await floor.cell(clock=clock), await floor.cell(clock=clock, executor_seconds=3_600)
    (run,) = await take_on(frozen, "single")
    assert isinstance(frozen.engine, ClaimsEngine)
    assert isinstance(other.engine, ClaimsEngine)
    other.engine.expire_seconds = 0.1
    await frozen.parts.writer.commit(frozen.engine.claims.claim(room=1, unknown=()))
    async with at_work(other, 1):
        clock.advance(lease * SECOND - 1)
        await asyncio.sleep(0.3)
        assert (claimed(other, [run]), floor.begun) == (1, [])
        clock.advance(1)
        await until(lambda: are_done(other, [run]))
    await frozen.runtime.drive_claimed(run)
    assert drivers(other, [run]) == {other.runtime.executor}
    assert floor.begun == ["single"]


async def test_to_begin_what_another_has_begun_is_refused_and_is_no_fault_of_the_database(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    halved = list[object]()

    def isolate(*given: object) -> None:
        halved.append(given)

    monkeypatch.setattr(PostgresCommitter, "_isolate", isolate)
    late, other = await floor.cell(), await floor.cell()
    (run,) = await take_on(late, "single")
    async with at_work(other, 1):
        await until(lambda: are_done(other, [run]))
    await late.runtime.drive_claimed(run)
    assert drivers(other, [run]) == {other.runtime.executor}
    assert halved == [], "what others commit at the same moment is sent again for a fault, half by half"


async def test_no_more_is_claimed_than_can_be_prepared_before_the_claims_run_out(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, is_compiled = await floor.cell(), asyncio.Event()

    async def prepare(_: str) -> None:
        await is_compiled.wait()

    monkeypatch.setattr(cell.parts.releases, "prepare", prepare)
    runs = await take_on(cell, "flood", PREPARED_AT_ONCE + 20)
    async with at_work(cell, len(runs)):
        await until(lambda: claimed(cell, runs) >= PREPARED_AT_ONCE)
        await asyncio.sleep(5 * LOOK_SECONDS)
        assert claimed(cell, runs) == PREPARED_AT_ONCE
        is_compiled.set()
        await until(lambda: are_done(cell, runs))
    assert drivers(cell, runs) == {cell.runtime.executor}


async def test_what_is_claimed_while_its_last_attempt_still_ends_here_does_not_wait_until_that_claim_runs_out(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, has_ended = await floor.cell(executor_seconds=3_600), asyncio.Event()

    async def ending(_: str) -> None:
        await has_ended.wait()

    monkeypatch.setattr(cell.runtime, "take_over", ending)
    async with at_work(cell, 5) as engine:
        (run,) = await take_on(cell, "single")
        assert engine.take_over(run.id)
        (other,) = await take_on(cell, "flood")
        await until(lambda: are_done(cell, [other]))
        assert floor.begun == ["flood"]
        has_ended.set()
        async with asyncio.timeout(10):
            await until(lambda: are_done(cell, [run]))


@pytest.mark.parametrize("floor", ["sqlite"], indirect=True)
async def test_who_may_have_been_taken_over_from_goes_on_where_all_share_a_clock(floor: Floor) -> None:
    clock = SettableClock(SystemClock().now())
    cell = await floor.cell(clock=clock)
    async with at_work(cell, 5) as engine:
        clock.advance(MINUTE)
        runs = await take_on(cell, "flood", 3)
        await until(lambda: are_done(cell, runs) and engine.room() == 5)
    assert drivers(cell, runs) == {cell.runtime.executor}


@pytest.mark.parametrize("floor", ["postgresql"], indirect=True)
async def test_who_may_have_been_taken_over_from_claims_nothing_more(floor: Floor) -> None:
    clock = SettableClock(SystemClock().now())
    late, right = await floor.cell(clock=clock), await floor.cell()
    runs = await take_on(late, "flood", 3)
    async with at_work(late, 5) as engine:
        await until(lambda: are_done(late, runs))
        clock.advance(-MINUTE)
        runs = await take_on(late, "flood", 3)
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert {right.parts.journal.run(run.id).state for run in runs} == {RunState.QUEUED}
        assert (claimed(right, runs), engine.room(), "jumped" in late.runtime.fault()) == (0, 5, True)
    async with at_work(right, 5):
        await until(lambda: are_done(right, runs))


@pytest.mark.parametrize("floor", ["postgresql"], indirect=True)
async def test_a_worker_whose_clock_is_off_the_databases_for_good_stops_itself(floor: Floor) -> None:
    cell = await floor.cell(clock=SettableClock(SystemClock().now() + 10 * SECOND))
    runs = await take_on(cell, "flood", 3)
    async with asyncio.timeout(10):
        with pytest.raises(FencedError, match=r"its clock is \+\d+\.\d s off the database's"):
            await cell.worker().work()
    assert (claimed(cell, runs), floor.begun) == (0, [])


async def test_what_a_process_has_left_does_not_wait_behind_what_waits_already(floor: Floor) -> None:
    cell, places, gone = await floor.cell(), 2, "elsewhere/1/gone"
    floor.seconds = 1.5
    left = await take_on(cell, "single", 5)
    for run in left:
        begun = cell.parts.journal.begin_attempt(run, issue_secret()[1], gone)
        await cell.parts.writer.commit(Commit([*begun, cell.parts.executors.beat(gone)]))
    await cell.parts.writer.commit(Commit([cell.parts.executors.end(gone)]))
    await take_on(cell, "flood", 20)
    async with at_work(cell, places) as engine:
        await until(lambda: len(floor.begun) == places)
        took = [run for run in cell.runtime.left_runs() if engine.take_over(run)]
        await until(lambda: floor.begun.count("single") == len(took))
        assert len(took) == LEFT_SHARE * places - places, "as many again as it has places, and no more"
        assert (engine.room(), floor.begun.count("flood")) == (0, places), "nothing new is claimed meanwhile"


async def test_two_versions_side_by_side_each_worker_drives_what_it_has_loaded(floor: Floor) -> None:
    old = await floor.cell()
    new = await floor.cell(folder=floor.newer("single"))
    version = next(each for each in new.parts.registry.versions() if (each.agent, each.version) == ("single", "2.0.0"))
    task, kept = new.parts.journal.new_task(agent="single", value={"order": "R-1"}, on_behalf_of=ANN)
    newer, queued = new.parts.journal.new_run(task, agent="single", version="2.0.0", release=version.release)
    await new.parts.writer.commit(Commit([*kept, queued]))
    older = await take_on(old, "single", 3)
    async with at_work(old, 5):
        await until(lambda: are_done(old, older))
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert new.parts.journal.run(newer.id).state is RunState.QUEUED
        assert claimed(old, [newer]) == 0
        assert old.parts.executors.loaded() == {old.runtime.executor: frozenset(old.parts.releases)}
        assert version.release not in old.parts.releases
    (last,) = await take_on(new, "single")  # of the old version, which the new worker has from the registry
    async with at_work(new, 5):
        await until(lambda: are_done(new, [newer, last]))
    assert (drivers(old, older), drivers(new, [newer, last])) == ({old.runtime.executor}, {new.runtime.executor})


def claimed(cell: Cell, runs: Sequence[Run]) -> int:
    """Returns how many of these runs somebody has claimed and not begun."""
    owners = {str(run): by for run, by in execute(cell.database, "select id, claimed_by from runs")}
    return sum(owners[run.id] is not None for run in runs)


async def test_claims_are_given_back_also_when_draining_was_broken_off(floor: Floor) -> None:
    cell = await floor.cell()
    engine = cell.engine
    assert isinstance(engine, ClaimsEngine)
    await engine.start()
    await take_on(cell, "single")
    await cell.parts.writer.commit(engine.claims.claim(room=1, unknown=()))
    assert execute(cell.database, "select count(*) from runs where claimed_by is not null") == [(1,)]
    await engine.drain(0)
    await engine.close()
    assert execute(cell.database, "select count(*) from runs where claimed_by is not null") == [(0,)]
