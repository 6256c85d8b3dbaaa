"""Workers claim what can go on: the most urgent first, units in turns, never more than there are places, and no run twice."""

import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from remit.core import MINUTE, SECOND
from remit.journal import Claims, Journal, Places, Run, RunState
from remit.store import Commit, CommitRefused, Committed, Database, Statement, Writer, open_database
from remit.store.queries import Queries
from remit.testing import SettableClock

LEASE = 6.0
_Q = Queries(
    "tests",
    """
-- name: add_version
insert into versions (agent, version, contract, release, unit, class, owner, created_at)
values (:agent, '1', 'c', :release, :unit, 'internal', 'o', 0) on conflict do nothing
""",
)


class Floor:
    """A store with runs of many units, and who claims them."""

    def __init__(self, database: Database, clock: SettableClock) -> None:
        self.clock = clock
        self.writer = Writer(database)
        self.journal = Journal(database, clock)

    def commit(self, *statements: Statement) -> Committed | CommitRefused:
        return self.writer.commit_now(Commit(statements))

    def add(self, unit: str, count: int = 1, *, agent: str = "", release: str = "", priority: int = 5) -> list[Run]:
        """Takes on runs, one after the other."""
        agent, release = agent or f"{unit}-agent", release or f"{agent or unit}-r"
        self.commit(Statement(_Q["add_version"], {"agent": agent, "release": release, "unit": unit}, want=None))
        task, kept = self.journal.new_task(agent=agent, value={}, on_behalf_of="ann")
        self.commit(*kept)
        runs: list[Run] = []
        for _ in range(count):
            self.clock.advance(1)
            run, queued = self.journal.new_run(task, agent=agent, version="1", release=release, priority=priority)
            runs.append(run)
            self.commit(queued)
        return runs

    def worker(self, name: str = "w", **places: int | dict[str, int]) -> Claims:
        return Claims(self.clock, executor=name, seconds=LEASE, places=Places(**places))  # type: ignore[arg-type]

    def claim(self, worker: Claims, room: int, *unknown: str) -> list[Run]:
        result = self.writer.commit_now(worker.claim(room=room, unknown=unknown))
        assert isinstance(result, Committed)
        return worker.claimed(result)

    def begin(self, run: Run, executor: str = "w") -> bool:
        begun = self.commit(*self.journal.begin_attempt(run, b"s", executor, claimed=True))
        return isinstance(begun, Committed)

    def end(self, run: Run) -> None:
        self.commit(*self.journal.end(run, 1, RunState.DONE, output=None))


@pytest.fixture(params=["sqlite", "postgresql"])
def floor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Floor]:
    """A migrated store of either kind."""
    url = "sqlite:///claims.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    database = open_database(url, folder=tmp_path)
    database.migrate()
    floor = Floor(database, SettableClock())
    yield floor
    floor.writer.close()
    database.close()


def units(runs: list[Run]) -> Counter[str]:
    return Counter(run.agent.removesuffix("-agent") for run in runs)


def test_a_claim_takes_as_much_as_there_is_room_for_the_longest_ready_first(floor: Floor) -> None:
    runs = floor.add("care", 5)
    worker = floor.worker()
    assert {run.id for run in floor.claim(worker, 3)} == {run.id for run in runs[:3]}
    assert {run.id for run in floor.claim(worker, 3)} == {run.id for run in runs[3:]}
    assert floor.claim(worker, 3) == []


def test_what_one_has_claimed_another_does_not_get_and_cannot_begin(floor: Floor) -> None:
    (run,) = floor.add("care")
    assert [each.id for each in floor.claim(floor.worker("a"), 5)] == [run.id]
    assert floor.claim(floor.worker("b"), 5) == []
    assert not floor.begin(run, "b")
    assert floor.begin(run, "a")


def test_a_claim_that_is_not_begun_in_time_is_anybodys_again_and_its_owner_begins_nothing(floor: Floor) -> None:
    (run,) = floor.add("care")
    late, other = floor.worker("late"), floor.worker("other")
    floor.claim(late, 1)
    floor.clock.advance(int(LEASE * SECOND) - 1)
    floor.writer.commit_now(other.expire())
    assert floor.claim(other, 1) == []
    floor.clock.advance(1)
    floor.writer.commit_now(other.expire())
    assert not floor.begin(run, "late")
    assert [each.id for each in floor.claim(other, 1)] == [run.id]
    assert not floor.begin(run, "late")
    assert floor.begin(run, "other")


def test_what_is_given_back_can_be_claimed_at_once(floor: Floor) -> None:
    floor.add("care", 4)
    leaving, other = floor.worker("leaving"), floor.worker("other")
    claimed = floor.claim(leaving, 4)
    assert floor.begin(claimed[0], "leaving")
    floor.writer.commit_now(leaving.give_back(claimed[1:2]))
    assert [run.id for run in floor.claim(other, 4)] == [claimed[1].id]
    floor.writer.commit_now(leaving.release())
    assert {run.id for run in floor.claim(other, 4)} == {run.id for run in claimed[2:]}


def test_what_is_not_ready_yet_is_left_alone(floor: Floor) -> None:
    (run,) = floor.add("care")
    (claimed,) = floor.claim(floor.worker(), 1)
    assert floor.begin(claimed)
    floor.commit(*floor.journal.park(run.id, 1, "sleeps", waits_for="timer", until=floor.clock.now() + MINUTE))
    assert floor.claim(floor.worker(), 1) == []
    floor.clock.advance(MINUTE)
    assert [each.attempt for each in floor.claim(floor.worker(), 1)] == [1]


def test_the_more_urgent_goes_first(floor: Floor) -> None:
    usual, low, high = floor.add("care", 2), floor.add("care", 2, agent="low", priority=0), None
    high = floor.add("sales", 2, priority=9)
    worker = floor.worker()
    order = [{run.id for run in floor.claim(worker, 2)} for _ in range(3)]
    assert order == [{run.id for run in batch} for batch in (high, usual, low)]


def test_units_take_turns_however_much_one_of_them_wants(floor: Floor) -> None:
    floor.add("flood", 200)
    floor.add("care", 3)
    floor.add("sales", 1)
    worker = floor.worker()
    assert units(floor.claim(worker, 4)) == {"flood": 2, "care": 1, "sales": 1}
    floor.add("sales", 1)
    assert units(floor.claim(worker, 4)) == {"flood": 2, "care": 1, "sales": 1}


def test_units_take_turns_also_from_one_claim_to_the_next(floor: Floor) -> None:
    for unit in ("a", "b", "c"):
        floor.add(unit, 4)
    worker = floor.worker()
    turns: list[str] = []
    for _ in range(9):
        floor.clock.advance(1)
        turns += units(floor.claim(worker, 1))
    assert turns == ["a", "b", "c"] * 3


@pytest.mark.parametrize("floods", [1, 20])
def test_a_units_single_run_waits_for_one_claim_at_most_behind_any_number_of_floods(floor: Floor, floods: int) -> None:
    for n in range(floods):
        floor.add(f"flood-{n}", 40)
    worker = floor.worker()
    for _ in range(floods):
        floor.claim(worker, 1)
    (run,) = floor.add("care")
    assert [each.id for each in floor.claim(worker, 1)] == [run.id]


def test_the_least_urgent_is_not_starved_for_ever_nor_does_it_go_before_its_time(floor: Floor) -> None:
    (low,) = floor.add("care", priority=3)
    floor.add("flood", 60, priority=5)
    worker, waited = floor.worker(), 0
    while floor.claim(worker, 1)[0].id != low.id:
        floor.clock.advance(MINUTE // 10)
        waited += 1
    assert 20 <= waited <= 32


def test_a_flood_that_waits_does_not_become_more_urgent_than_others(floor: Floor) -> None:
    floor.add("flood", 30)
    worker = floor.worker()
    for _ in range(20):
        floor.claim(worker, 1)
        floor.clock.advance(MINUTE // 2)
    (run,) = floor.add("care")
    assert run.id in {each.id for each in floor.claim(worker, 2)}


def test_places_of_an_agent_hold_over_all_workers(floor: Floor) -> None:
    floor.add("care", 10)
    floor.add("sales", 10)
    first, second = floor.worker("a", per_agent=3), floor.worker("b", per_agent=3)
    taken = floor.claim(first, 20)
    assert units(taken) == {"care": 3, "sales": 3}
    assert floor.claim(second, 20) == []
    assert floor.begin(taken[0], "a")
    assert floor.claim(second, 20) == []
    floor.end(taken[0])
    assert units(floor.claim(second, 20)) == units([taken[0]])


def test_places_of_a_unit_are_shared_by_its_agents(floor: Floor) -> None:
    for agent in ("a", "b", "c"):
        floor.add("care", 5, agent=agent)
    assert len(floor.claim(floor.worker(per_unit=4), 20)) == 4


def test_a_contract_may_allow_its_agent_less_than_the_setting(floor: Floor) -> None:
    floor.add("care", 10, agent="a")
    floor.add("care", 10, agent="b")
    worker = floor.worker(per_agent=5, of_agents={"a": 2})
    assert Counter(run.agent for run in floor.claim(worker, 20)) == {"a": 2, "b": 5}


def test_an_agent_without_a_free_place_does_not_hold_up_the_others_of_its_unit(floor: Floor) -> None:
    floor.add("care", 50, agent="busy")
    worker = floor.worker(per_agent=2)
    assert len(floor.claim(worker, 20)) == 2
    floor.add("care", 1, agent="idle")
    assert [run.agent for run in floor.claim(worker, 20)] == ["idle"]


def test_runs_of_releases_that_are_not_loaded_are_left_to_others(floor: Floor) -> None:
    floor.add("care", 5, release="new")
    floor.add("care", 2, agent="other", release="old")
    assert {run.release for run in floor.claim(floor.worker(), 20, "new")} == {"old"}


def test_a_cancelled_run_keeps_no_place(floor: Floor) -> None:
    runs = floor.add("care", 2)
    worker = floor.worker(per_agent=1)
    assert [run.id for run in floor.claim(worker, 5)] == [runs[0].id]
    floor.commit(floor.journal.cancel(runs[0].id, "a test"))
    assert not floor.begin(runs[0])
    assert [run.id for run in floor.claim(worker, 5)] == [runs[1].id]


@pytest.mark.slow
def test_claims_stay_cheap_with_a_hundred_units_and_many_thousand_ready(floor: Floor) -> None:
    for n in range(100):
        floor.add(f"unit-{n:02}", 30)
    worker = floor.worker(per_agent=20)
    floor.claim(worker, 1)
    before = time.perf_counter()
    claimed = sum(len(floor.claim(worker, 50)) for _ in range(20))
    took = time.perf_counter() - before
    assert claimed == 1_000
    assert took / 20 < 0.5  # generous: a claim takes 5 ms on a machine that does nothing else
