"""What is erased, and what stays: content goes with its names, the log verifies as before, and work is not held up."""

import asyncio
from pathlib import Path

import pytest
from tests.gateway.desk import REFUNDS

from remit.app import Cell
from remit.audit import verify_log
from remit.core import DAY, ConflictError, NotFoundError, Retention
from remit.journal import Run, RunState
from remit.operations import local_actor
from remit.operations.upkeep import Forgetting
from remit.store import Commit, Committed, Statement, load_queries
from remit.testing import SettableClock, open_fleet

ORDER = {"order_id": "R-1", "message": "Please refund 40.00 of my order R-1."}
LARGE = {"order_id": "R-2", "message": "Please refund 450.00 of my order R-2."}
ANN = "ann@shop.example"
MONTH = Retention(content_days=30)


async def done(cell: Cell, value: dict[str, str] = ORDER) -> Run:
    started = await cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
    return await cell.operations.drive(started.run.id)


def forget(cell: Cell, clock: SettableClock, terms: Retention = MONTH) -> int:
    """Forgets what is due; returns in how many commits."""
    forgetting, commits = Forgetting(cell.database, clock, terms), 0
    while commit := forgetting.next_commit():
        assert isinstance(cell.parts.writer.commit_now(commit), Committed)
        commits += 1
    return commits


async def test_content_that_is_old_goes_and_the_log_verifies_as_before(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        run = await done(cell)
        assert run.state is RunState.DONE
        views = cell.views(local_actor("op"))
        before = cell.parts.journal.task(run.task)
        clock.advance(29 * DAY)
        assert forget(cell, clock) == 0
        clock.advance(2 * DAY)
        assert forget(cell, clock) == 1
        assert forget(cell, clock) == 0, "once is enough"
        after = cell.parts.journal.task(run.task)
        assert (after.erased_at, after.salt != before.salt, len(after.salt)) == (clock.now(), True, 32)
        with pytest.raises(NotFoundError, match="erased"):
            cell.parts.journal.content(before.input)
        assert cell.parts.journal.subjects(run.task) == {}
        shown = views.runs.get(run.id)
        assert shown.steps, "what was done, by whom and why stays"
        assert shown.output == "erased"
        assert views.tasks.get(run.task).input == "erased"
        entry = cell.log.entries("cell")[-1]
        assert (entry.kind, entry.fields["tasks"], entry.fields["payloads"] > 5) == ("retention.erased", 1, True)
        cell.sign()
        assert verify_log(cell.log).ok


async def test_what_is_not_over_in_every_way_is_kept(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        waiting = await done(cell, LARGE)
        assert waiting.state is RunState.WAITING
        ended = await done(cell)
        await cell.operations.fork(ended.id, 1, by=ANN)
        clock.advance(400 * DAY)
        assert forget(cell, clock) == 0
        for run in (waiting.id, cell.parts.journal.runs_of(ended.task)[-1].id):
            await cell.operations.cancel(run, because="too old", by=ANN)
        assert forget(cell, clock) == 1, "the fork's task ended long ago"
        assert forget(cell, clock) == 0, "the other one ended just now"
        clock.advance(31 * DAY)
        assert forget(cell, clock) == 1


async def test_nothing_is_forgotten_unless_somebody_says_so(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        await done(cell)
        clock.advance(4000 * DAY)
        assert Forgetting(cell.database, clock, cell.settings.retention).next_commit() is None


async def test_what_was_erased_is_neither_begun_anew_nor_added_to(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        run = await done(cell)
        clock.advance(31 * DAY)
        forget(cell, clock)
        with pytest.raises(ConflictError, match="cannot be begun anew"):
            await cell.operations.fork(run.id, 1, by=ANN)
        verbs = cell.verbs(local_actor("op"))
        with pytest.raises(ConflictError, match="Nothing can be said of this task"):
            await verbs.feedback(run.task, kind="person")


async def test_two_processes_erase_everything_once_and_in_small_commits(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        runs = [await done(cell) for _ in range(25)]
        clock.advance(31 * DAY)
        same = [Forgetting(cell.database, clock, MONTH).next_commit() for _ in range(2)]
        commits = [commit for commit in same if commit]
        results = await asyncio.gather(*(cell.parts.writer.commit(commit) for commit in commits))
        assert sorted(isinstance(result, Committed) for result in results) == [False, True]
        assert forget(cell, clock) == 1
        assert all(cell.parts.journal.task(run.task).erased_at for run in runs)
        counted = [entry.fields["tasks"] for entry in cell.log.entries("cell") if entry.kind == "retention.erased"]
        assert counted == [20, 5]


async def test_a_task_that_goes_on_just_then_is_kept(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        run = await done(cell)
        clock.advance(31 * DAY)
        commit = Forgetting(cell.database, clock, MONTH).next_commit()
        assert isinstance(commit, Commit)
        await cell.operations.fork(run.id, 1, by=ANN)
        assert not isinstance(cell.parts.writer.commit_now(commit), Committed)
        assert cell.parts.journal.task(run.task).erased_at is None


async def test_tokens_that_ended_long_ago_are_dropped(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_fleet(REFUNDS, tmp_path / "fleet", clock=clock) as cell:
        row = {"secret": b"x" * 32, "name": "ci", "owner": ANN, "program": "", "permissions": "[]", "now": clock.now()}
        create = load_queries("remit.identity")["create_token"]
        ends = {"old": clock.now() + DAY, "new": clock.now() + 300 * DAY}
        statements = [Statement(create, {**row, "id": name, "expires_at": end}) for name, end in ends.items()]
        cell.parts.writer.commit_now(Commit(statements))
        clock.advance(100 * DAY)
        assert forget(cell, clock, Retention(access_days=30)) == 1
        left = cell.database.read(load_queries("remit.identity")["tokens"], {"owner": ""})
        assert [token["id"] for token in left] == ["new"]
