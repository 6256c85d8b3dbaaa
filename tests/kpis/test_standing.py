"""What stands in which state: kept by the day, and never other than counting everything says."""

import threading
from pathlib import Path

import pytest
from tests.gateway.desk import ANN, CARA, REFUNDS, Till
from tests.kpis.history import STATES, open_history
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import DAY, HOUR
from remit.kpis import Kpis
from remit.kpis import standing as module
from remit.store import Database, Query
from remit.store.postgresql.sequencer import PostgresSequencer
from remit.testing import SettableClock, open_fleet

TICKET = {"order_id": "R-1", "message": "Please refund 20"}


class Listening:
    """A database that remembers which statements it was asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[str] = []
        self.dialect, self.snapshot = database.dialect, database.snapshot

    def read(self, query: Query, parameters: object = None) -> object:
        self.asked.append(query.name.partition(".")[2])
        return self._database.read(query, parameters)  # type: ignore[arg-type]


def moves_nothing(_sequencer: PostgresSequencer, *, wait: bool, most: int = 0) -> None:
    """Leaves every entry where it waits."""


def as_it_is(cell: Cell) -> None:
    """What this process has kept and brought on is what is there."""
    kpis = cell.kpis
    kept = {"runs": kpis.runs_by_state(), "tasks": kpis.tasks_by_state(), "approvals": kpis.approvals_by_state()}
    for what, told in kept.items():
        assert told == {row["state"]: row["count"] for row in cell.database.read(STATES[what])}, what


async def test_every_change_of_a_run_or_a_task_is_seen_at_the_next_look(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        as_it_is(cell)
        first = await work(cell, "Please refund 400", order="R-2")  # waits for a person
        as_it_is(cell)
        clock.advance(3 * HOUR)  # the next day
        failed = await work(cell, "Please refund 41")
        as_it_is(cell)
        begun = await cell.operations.submit("refund-desk", TICKET, on_behalf_of=ANN)
        assert cell.kpis.runs_by_state() == {"failed": 1, "queued": 1, "waiting": 1}
        await cell.operations.drive(begun.run.id)
        as_it_is(cell)
        again = await cell.operations.fork(failed.id, 1, by=CARA, effects=True)
        assert cell.kpis.tasks_by_state() == {"done": 1, "open": 2}, "a task that is tried again is open"
        await cell.operations.cancel(again.id, because="enough", by=CARA)
        as_it_is(cell)
        clock.advance(3 * HOUR)
        (question,) = cell.parts.approvals.of_run(first.id)
        await cell.operations.answer(question.id, person=CARA, answer="approve", reason="fine")
        await cell.operations.drive(first.id)
        as_it_is(cell)
        assert cell.kpis.runs_by_state() == {"cancelled": 1, "done": 2, "failed": 1}


async def test_only_the_days_on_which_something_moved_are_counted_again(tmp_path: Path) -> None:
    with open_history(tmp_path) as history:
        history.take_on("ada")
        listening = Listening(history.store.database)
        kpis = Kpis(listening, history.settings)  # type: ignore[arg-type]
        assert kpis.tasks_by_state() == {"open": 1}
        history.clock.advance(3 * DAY)
        history.end(history.take_on("bob"), "success")
        listening.asked.clear()
        assert kpis.tasks_by_state() == {"done": 1, "open": 1}
        assert kpis.tasks_by_state() == {"done": 1, "open": 1}
        assert listening.asked == ["log_end", "days_of_tasks", "tasks_of_days", "log_end", "days_of_tasks"]


def test_after_a_long_time_everything_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ENTRIES", 3)
    with open_history(tmp_path) as history:
        for _ in range(3):
            assert history.kpis.runs_by_state() == ({"queued": len(history.works)} if history.works else {})
            for _ in range(3):
                history.take_on("ada")
            history.take_on("cy")


def test_whoever_looks_while_others_do_is_told_nothing_older(tmp_path: Path) -> None:
    with open_history(tmp_path) as history:
        told: dict[str, list[int]] = {name: [] for name in "abcd"}
        stop = threading.Event()

        def look(name: str) -> None:
            while not stop.is_set():
                told[name].append(history.kpis.runs_by_state().get("queued", 0))

        lookers = [threading.Thread(target=look, args=(name,)) for name in told]
        for looker in lookers:
            looker.start()
        for number in range(1, 31):
            history.take_on("ada")
            assert history.kpis.runs_by_state() == {"queued": number}
        stop.set()
        for looker in lookers:
            looker.join()
        assert all(each == sorted(each) for each in told.values())


def test_what_still_waits_for_its_place_in_the_log_is_counted(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_DATABASE_URL", postgresql_url)
    with open_history(tmp_path) as history:
        first = history.take_on("ada")
        assert (history.kpis.runs_by_state(), history.kpis.tasks_by_state()) == ({"queued": 1}, {"open": 1})
        with monkeypatch.context() as stuck:
            stuck.setattr(PostgresSequencer, "_move_all", moves_nothing)
            history.take_on("bob")
            history.cancel_run(first)
            assert history.kpis.runs_by_state() == {"cancelled": 1, "queued": 1}
            history.end(first, "cancelled")
            assert history.kpis.tasks_by_state() == {"cancelled": 1, "open": 1}
        history.take_on("cy")
        assert history.kpis.runs_by_state() == {"cancelled": 1, "queued": 2}


def test_who_was_charged_most_is_told_anew_where_a_charge_of_a_day_that_is_over_came_late(tmp_path: Path) -> None:
    with open_history(tmp_path) as history:
        begun = history.clock.now()
        ada, bob = history.take_on("ada"), history.take_on("bob")
        history.charge(ada, "tool", 5)
        history.charge(bob, "tool", 4)
        history.clock.advance(2 * DAY)
        history.charge(bob, "tool", 1)
        history.roll_up_all()
        listening = Listening(history.store.database)
        kpis = Kpis(listening, history.settings)  # type: ignore[arg-type]
        for _ in range(2):
            assert kpis.spenders(since=begun, limit=2) == [("ada", 5), ("bob", 5)]
        assert listening.asked.count("spenders") == 1
        assert kpis.spenders(since=history.clock.now(), limit=2) == [("bob", 1)]
        history.charge(bob, "tool", 7)
        assert kpis.spenders(since=begun, limit=1) == [("bob", 12)], "as long as it is not rolled up"
        history.clock.advance(-2 * DAY)
        history.charge(ada, "tool", 9)
        assert kpis.spenders(since=begun, limit=1) == [("ada", 14)]
        history.roll_up_all()
        assert kpis.spenders(since=begun, limit=1) == [("ada", 14)]
        assert listening.asked.count("spenders") == 3, "one more for each day that has more than it had"
