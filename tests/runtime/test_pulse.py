"""A process trusts itself no longer than others do: what they may have taken over meanwhile, it asks about."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.engines import looks, open_cell, submit, until
from tests.runtime.relay import Desk

from remit.core import SECOND, SystemClock
from remit.gateway.tools import UnreachableError
from remit.journal import Executors
from remit.runtime import InlineEngine, RunHandle
from remit.runtime.pulse import Pulse
from remit.store import Commit, Committed, Database, Writer, open_database
from remit.testing import SettableClock

SECONDS = 6.0
ELSEWHERE = "elsewhere/1/other"


class Wrist:
    """A pulse, and both clocks that it goes by."""

    def __init__(self) -> None:
        self.ticks, self.clock = 0.0, SettableClock()
        self.pulse = Pulse(self.clock, SECONDS, lambda: self.ticks)

    def wait(self, seconds: float) -> None:
        self.ticks += seconds
        self.clock.advance(int(seconds * SECOND))

    def beat(self) -> None:
        self.pulse.said(self.pulse.now())


def test_what_began_before_a_silence_is_not_trusted_though_it_is_told_of_after_it() -> None:
    wrist = Wrist()
    wrist.beat()
    begun = wrist.pulse.now()  # its commit is durable at once, but the process freezes before it hears of it
    wrist.wait(60)
    wrist.beat()
    wrist.pulse.said(begun)
    assert not wrist.pulse.was_heard_since(begun)
    assert not wrist.pulse.is_silent()


def test_what_began_is_trusted_for_as_long_as_signs_of_life_come_in_time() -> None:
    wrist = Wrist()
    begun = wrist.pulse.now()
    wrist.pulse.said(begun)
    for _ in range(5):
        wrist.wait(SECONDS / 3)
        assert wrist.pulse.was_heard_since(begun)
        wrist.beat()
    wrist.wait(SECONDS)
    assert not wrist.pulse.was_heard_since(begun)
    wrist.beat()
    assert not wrist.pulse.was_heard_since(begun)
    again = wrist.pulse.now()
    wrist.pulse.said(again)
    assert wrist.pulse.was_heard_since(again)


def test_a_process_asks_before_others_take_over_whose_clock_is_a_little_ahead() -> None:
    wrist = Wrist()
    begun = wrist.pulse.now()
    wrist.pulse.said(begun)
    wrist.wait(SECONDS * 0.7)
    assert not wrist.pulse.was_heard_since(begun)
    wrist.beat()
    assert not wrist.pulse.was_heard_since(begun)
    assert wrist.pulse.fault() == ""  # it asks; it does not end itself


def test_a_sign_of_life_that_came_too_late_stays_noted() -> None:
    wrist = Wrist()
    for seconds, is_late in ((0, False), (SECONDS - 1, False), (SECONDS - 1, False), (SECONDS + 1, True), (1, True)):
        wrist.wait(seconds)
        wrist.beat()
        assert not wrist.pulse.is_silent()
        assert ("frozen" in wrist.pulse.fault()) is is_late


@pytest.mark.parametrize("seconds", [60, -60])
def test_a_clock_that_jumped_stays_noted(seconds: int) -> None:
    wrist = Wrist()
    wrist.beat()
    wrist.clock.advance(seconds * SECOND)
    assert "jumped" in wrist.pulse.fault()
    wrist.beat()
    assert "jumped" in wrist.pulse.fault()


# --- what others see of it


@pytest.mark.parametrize(("off", "trusted"), [(0.9, True), (1.2, False), (-0.9, True), (-1.2, False)])
def test_who_is_off_the_databases_clock_by_what_others_would_take_for_silence_is_not_trusted(
    off: float, trusted: bool
) -> None:
    wrist = Wrist()
    asked, theirs = wrist.pulse.now(), wrist.clock.now() - int(off * SECOND)
    wrist.pulse.said(asked)
    wrist.pulse.compared(asked, theirs)
    told = "" if trusted else f"its clock is {off:+.1f} s off the database's; set both by a time server"
    assert wrist.pulse.fault() == told
    wrist.beat()
    assert wrist.pulse.fault() == told, "once is enough"


def test_an_answer_that_comes_late_says_nothing_of_the_clock() -> None:
    wrist = Wrist()
    asked = wrist.pulse.now()
    wrist.wait(1.9)
    theirs = wrist.clock.now()
    wrist.wait(1.9)
    wrist.pulse.said(asked)
    wrist.pulse.compared(asked, theirs)
    assert not wrist.pulse.fault()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    """A migrated store of either kind."""
    url = "sqlite:///pulse.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    opened = open_database(url, folder=tmp_path)
    opened.migrate()
    yield opened
    opened.close()


def test_a_sign_of_life_that_comes_late_does_not_hide_a_later_one(database: Database) -> None:
    clock, writer = SettableClock(), Writer(database)
    executors = Executors(database, clock, seconds=SECONDS)
    late = executors.beat(ELSEWHERE)
    clock.advance(SECOND)
    writer.commit_now(Commit([executors.beat(ELSEWHERE)]))
    writer.commit_now(Commit([late]))
    (seen,) = executors.listing()
    assert seen.seen_at == clock.now()
    writer.close()


def test_a_database_with_a_clock_of_its_own_tells_it_with_each_sign_of_life(database: Database) -> None:
    writer, clock = Writer(database), SettableClock()
    executors = Executors(database, clock, seconds=SECONDS)
    committed = writer.commit_now(Commit([executors.beat(ELSEWHERE), executors.database_time()]))
    assert isinstance(committed, Committed)
    told = [row["now"] for row in committed.rows[1]]
    assert len(told) == (database.dialect == "postgresql")
    assert all(abs(each - SystemClock().now()) < SECOND for each in told)
    writer.close()


# --- a call that outlives its attempt


class Away(Desk):
    """A desk that cannot be reached until somebody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_there, self.tried = False, 0

    async def look(self, call: Any, *, order: str) -> dict[str, int]:
        self.tried += 1
        if not self.is_there:
            raise UnreachableError("it is down")
        return await super().look(call, order=order)


async def test_a_call_that_is_still_tried_when_its_attempt_was_broken_off_is_not_made_once_it_was_taken_over(
    tmp_path: Path,
) -> None:
    desk = Away()
    async with open_cell(tmp_path, server=desk, giver=looks) as cell:
        parts = cell.parts
        engine = InlineEngine(cell.runtime, parts.journal, executor_seconds=SECONDS)
        run = await submit(cell)
        engine.dispatch(run.id)
        await until(lambda: desk.tried > 0)
        await engine.close()
        now = parts.journal.run(run.id)
        left = parts.executors.left_runs(cell.runtime.executor, ())
        assert [each.run.id for each in left] == [run.id]
        await parts.writer.commit(Commit(parts.journal.take_over(left[0], b"secret", ELSEWHERE)))
        assert parts.journal.run(run.id).attempt == now.attempt + 1
        desk.is_there = True
        async with asyncio.timeout(10):
            await cell.gateway.settle(run.id)
        assert desk.calls == []


async def test_a_call_of_an_attempt_before_is_not_sent_because_the_next_one_is_this_processs_too(
    tmp_path: Path,
) -> None:
    may: list[bool] = []

    async def giver(run: RunHandle) -> Any:
        number = cell.parts.journal.run(run.id).attempt
        may[:] = [await cell.runtime.may_send(run.id, each) for each in range(1, number + 1)]
        await run.ask_person({"resolved": True}, because="a test", role="lead")

    async with open_cell(tmp_path, giver=giver) as cell:
        run = await cell.operations.drive((await submit(cell)).id)
        assert may == [True]
        await cell.parts.writer.commit(Commit([cell.parts.journal.ready(run.id)]))
        await cell.operations.drive(run.id)
        assert may == [False, True]
