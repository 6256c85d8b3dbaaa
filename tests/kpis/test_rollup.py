"""Rolled up once, corrected by the difference: whatever happens to a task later is found by its entries in the log."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.databases import sqlite_only
from tests.gateway.desk import CARA, NO_RETRY, REFUNDS, Till, open_desk, tools
from tests.kpis.history import History, open_history
from tests.runtime.engines import until
from tests.runtime.workshop import work

from remit.app import Cell
from remit.core import DAY, MINUTE, Settings
from remit.journal import FeedbackKind
from remit.kpis import Kpis
from remit.kpis.counting import count_tasks, counted_tasks
from remit.kpis.rollup import roll_up
from remit.store import CommitRefused, Query, load_queries
from remit.testing import SettableClock, open_fleet

TASKS = Query("test.tasks", "select id from tasks")
QUERIES = load_queries("remit.kpis")
LOOK, REFUND = 200, 10_000  # what the tools cost, in micro-units


async def counted_as_it_is(cell: Cell, limit: int = 3) -> None:
    """Rolls up what is new; then everything is counted as if it were counted now."""
    live = cell.kpis.figures()
    while commit := cell.kpis.roll_up(limit=limit):
        await cell.parts.writer.commit(commit)
    tasks = [row["id"] for row in cell.database.read(TASKS)]
    assert counted_tasks(cell.database, tasks) == count_tasks(cell.database, tasks)
    assert cell.kpis.figures() == live


async def test_what_comes_after_a_task_was_counted_is_counted_too(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Till(failures=1), edit=tools(NO_RETRY)) as desk:
        cell = desk.cell
        unknown = await desk.refund()
        await counted_as_it_is(cell)
        await cell.operations.cancel(desk.run.id, because="wrong order", by=CARA)
        await counted_as_it_is(cell)
        ended = cell.kpis.figures()
        assert (ended.failed, ended.cost, ended.answers, ended.hir) == (1, 0, 0, 1)
        await desk.answer(unknown, CARA, reason="it is in the list")
        await counted_as_it_is(cell)
        told = cell.kpis.figures()
        assert (told.failed, told.cost, told.answers) == (1, REFUND, 1)


async def test_a_task_that_is_tried_again_is_counted_when_it_ends_again(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock, servers={"shop": Till()}) as cell:
        run = await work(cell, "Please refund 41")  # fails by itself
        await counted_as_it_is(cell)
        first = cell.kpis.figures()
        clock.advance(2 * DAY)
        fork = await cell.operations.fork(run.id, 1, by=CARA, effects=True)
        await counted_as_it_is(cell)
        tried = cell.kpis.figures()
        assert (first.failed, tried.tasks, tried.open, tried.cost) == (1, 1, 1, 0)
        await cell.operations.drive(fork.id)
        await counted_as_it_is(cell)
        again = cell.kpis.figures()
        assert (again.tasks, again.open, again.cost) == (1, 0, 2 * first.cost)
        assert cell.kpis.figures(until=clock.now()).tasks == 0, "it left the day it had failed on"


async def test_looking_what_would_happen_costs_money_and_denies_nothing(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", servers={"shop": Till()}) as cell:
        run = await work(cell, "Please refund 20")
        await counted_as_it_is(cell)
        before = cell.kpis.figures()
        fork = await cell.operations.fork(run.id, 1, by=CARA)
        await cell.operations.drive(fork.id)
        await counted_as_it_is(cell)
        after = cell.kpis.figures()
        assert (after.tasks, after.denied) == (before.tasks, before.denied)
        assert after.cost == before.cost + LOOK


async def test_a_cell_at_work_counts_what_has_ended(tmp_path: Path) -> None:
    async with open_fleet(REFUNDS, tmp_path / "fleet", servers={"shop": Till()}) as cell:
        await work(cell, "Please refund 20")
        assert cell.kpis.roll_up() is not None
        worker = cell.worker()
        working = asyncio.create_task(worker.work())
        await until(lambda: cell.kpis.roll_up() is None)
        worker.stop()
        with suppress(asyncio.CancelledError):
            await working


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """An empty history."""
    with open_history(tmp_path) as history:
        yield history


def test_two_processes_that_count_at_once_count_once(history: History) -> None:
    done = history.take_on("ada")
    history.charge(done, "tool", 5)
    history.end(done, "success")
    twice = [history.kpis.roll_up(), roll_up(history.store.database, limit=100)]
    answers = [history.store.writer.commit_now(commit) for commit in twice if commit]
    refused = [answer for answer in answers if isinstance(answer, CommitRefused)]
    assert [one.refusal for one in refused] == ["another process has counted on"]
    assert (history.kpis.roll_up(), history.kpis.figures().cost) == (None, 5)


def test_counting_is_left_to_who_counts_and_taken_over_from_who_does_no_more(history: History) -> None:
    other = Kpis(history.store.database, Settings())
    assert not other.others_count()
    for amount in (5, 6):
        history.charge(history.take_on("ada"), "tool", amount)
        history.roll_up()
        assert other.others_count(), "another process has counted since"
    history.charge(history.take_on("ada"), "tool", 7)
    assert not other.others_count(), "nobody has, so this one does"


def test_what_is_still_open_is_passed_over(history: History) -> None:
    history.charge(history.take_on("ada"), "tool", 5)
    assert history.roll_up()
    assert not history.roll_up()
    figures = history.kpis.figures()
    assert (figures.open, figures.cost, figures.cpso) == (1, 0, None)


def test_times_that_overlap_are_waited_once(history: History) -> None:
    work = history.take_on("ada")
    first, second = history.ask(work, "action"), history.ask(work, "answer")
    history.clock.advance(6 * MINUTE)
    history.answer(work, first, "approve")
    history.clock.advance(2 * MINUTE)
    history.answer(work, second, "approve")
    history.clock.advance(8 * MINUTE)
    history.end(work, "success")
    figures = history.kpis.figures()
    assert (figures.waiting, figures.answer_time) == (0.5, 7 * MINUTE)


LISTS = ("tasks", "states", "agents", "scopes", "moments")


@sqlite_only("it reads SQLite's query plans")
@pytest.mark.parametrize("name", QUERIES.names())
def test_no_page_looks_at_every_row_of_a_large_table(history: History, name: str) -> None:
    for_reports = ("steps", "spending_of_agents", "actions", "blocked", "gates_before", "gates_after", "taken_over")
    if name in for_reports:
        return
    names = ("agent", "unit", "scope", "since", "until", "first", "last", "late", "bucket", "limit", "day", "kind")
    values = dict.fromkeys(names, 1) | {"days": "[1]"} | dict.fromkeys(LISTS, "[]")
    query = QUERIES[name]
    if not query.sql.startswith(("select", "with")):
        return
    plan = Query("test.plan", f"explain query plan {query.sql}")
    told = [row["detail"] for row in history.store.database.read(plan, values)]  # type: ignore[arg-type]
    large = ("log", "charges", "tasks", "t", "r", "s", "c", "f", "task_figures", "steps", "runs", "approvals", "votes")
    scanned = [line for line in told if line.startswith("SCAN") and line.split()[1] in large]
    assert scanned == []


def test_what_is_said_after_its_day_was_counted_counts_on_the_day_the_task_ended(history: History) -> None:
    for outcome, amount in (("success", 5), ("failure", 3)):
        work = history.take_on("ada")
        history.charge(work, "tool", amount)
        history.end(work, outcome)
    ended, quiet = history.works
    history.roll_up_all()
    day = history.clock.now() // DAY * DAY
    before = history.kpis.figures(since=day, until=day + DAY)
    assert (before.satisfaction, before.rated, before.appeals, before.person_asked) == (None, 0, 0, 0)
    assert (before.waste, before.waste_share) == (3, 3 / 8)

    history.clock.advance(9 * DAY)
    history.say(ended, FeedbackKind.SATISFACTION, 1)
    history.say(ended, FeedbackKind.APPEAL)
    history.say(ended, FeedbackKind.SATISFACTION, 4)
    history.say(quiet, FeedbackKind.PERSON)
    asked_for = history.kpis.figures(since=day, until=day + DAY)
    history.roll_up_all()
    told = history.kpis.figures(since=day, until=day + DAY)
    assert asked_for == told
    assert (told.satisfaction, told.rated, told.appeals, told.person_asked) == (4, 1 / 2, 1 / 2, 1 / 2)
    assert history.kpis.figures(agent="ada", since=day, until=day + DAY) == told
    assert history.kpis.figures(since=day + DAY).tasks == 0, "it is no day of its own"


def test_what_is_said_of_an_open_task_counts_when_it_ends(history: History) -> None:
    work = history.take_on("ada")
    history.say(work, FeedbackKind.PERSON)
    history.roll_up_all()
    assert history.kpis.figures().person_asked is None
    history.end(work, "failure")
    history.roll_up_all()
    assert history.kpis.figures().person_asked == 1
