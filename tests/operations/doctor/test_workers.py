"""Who is at work, and what is left lying."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from operations.patients import COFFEE, YOU, amiss, changed, only, said, starter, worked
from remit.core import HOUR, MINUTE, SystemClock
from remit.operations.doctor import Health
from remit.testing import SettableClock, open_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """A fleet that has worked."""
    folder = starter(tmp_path / "office")
    worked(folder, "run", "supplies-desk", "--input", COFFEE)
    return folder


def at_work(connection: sqlite3.Connection, *, ahead: int = 0, loaded: str | None = None) -> None:
    """Somebody on another machine was heard of just now."""
    now = SystemClock().now()
    row = ("other+1/7/abc", "other+1", 7, now - MINUTE, now + ahead)
    columns = "id, host, pid, started_at, seen_at"
    connection.execute(f"insert or replace into executors ({columns}) values (?, ?, ?, ?, ?)", row)  # noqa: S608
    if loaded is not None:
        connection.execute("insert or replace into loaded values (?, ?)", (row[0], loaded))


def test_who_is_at_work_is_told_with_what_they_drive(fleet: Path) -> None:
    assert [each.what for each in said(fleet, "workers")] == ["Nobody is at work"]
    changed(fleet, at_work)
    (found,) = said(fleet, "workers")
    assert (found.health, found.what.startswith("1 at work: other/7 drives 0, heard of ")) == (Health.OK, True)


def test_a_worker_whose_clock_is_ahead_is_named(fleet: Path) -> None:
    changed(fleet, lambda connection: at_work(connection, ahead=HOUR))
    found = only(fleet, "workers")
    assert (found.health, found.what) == (Health.TROUBLE, "The clock of other/7 is 3599 s ahead of this one")


async def queued(fleet: Path) -> None:
    async with open_fleet(fleet, fleet) as cell:
        await cell.operations.submit("supplies-desk", {"request": "3 bags of coffee"}, on_behalf_of=YOU)


def test_work_that_nobody_gets_round_to_is_told(fleet: Path) -> None:
    asyncio.run(queued(fleet))
    changed(fleet, at_work)
    assert amiss(fleet, "backlog") == []
    changed(fleet, lambda connection: connection.execute("update runs set ready_at = ready_at - 120000000"))
    found = only(fleet, "backlog")
    assert (found.health, found.what.startswith("1 runs could go on, the first since ")) == (Health.WARNING, True)


@pytest.mark.parametrize("is_left", [False, True])
def test_runs_whose_release_nobody_at_work_has_loaded_are_told_with_what_to_do(fleet: Path, is_left: bool) -> None:
    asyncio.run(queued(fleet))
    changed(fleet, lambda connection: connection.execute("update runs set ready_at = ready_at - 6000000"))
    if is_left:
        changed(fleet, leave)
    (release,) = {str(row[0]) for row in read(fleet, "select release from runs where state in ('queued', 'running')")}
    for loaded in (None, f'["sha256:other", "{release}"]'):
        changed(fleet, lambda connection, said=loaded: at_work(connection, loaded=said))
        assert amiss(fleet, "loaded_releases") == []
    changed(fleet, lambda connection: at_work(connection, loaded='["sha256:other"]'))
    found = only(fleet, "loaded_releases")
    told = "1 run of supplies-desk@1.0.0 could go on, and nobody at work has loaded its release"
    assert (found.health, found.what, found.command) == (Health.TROUBLE, told, "remit worker")
    assert release in found.why


def leave(connection: sqlite3.Connection) -> None:
    """The queued run was begun by a process that nobody has heard of since."""
    connection.execute("update runs set state = 'running', attempt = 1, ready_at = null where state = 'queued'")
    connection.execute(
        "insert into attempts (run, number, executor, state, started_at)"
        " select id, 1, 'gone/1/x', 'running', 0 from runs where state = 'running'"
    )


def read(fleet: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(fleet / ".remit" / "remit.db")) as connection:
        return connection.execute(sql).fetchall()


def test_a_step_that_was_decided_long_ago_is_named(fleet: Path) -> None:
    changed(fleet, lambda connection: connection.execute("update steps set state = 'decided' where step = 3"))
    assert amiss(fleet, "undecided_steps") == []
    found = only(fleet, "undecided_steps", clock=SettableClock(SystemClock().now() + HOUR))
    assert "store__place_order, was decided at" in found.what


def test_money_that_nothing_can_spend_is_named(fleet: Path) -> None:
    assert amiss(fleet, "stranded_holds") == []
    changed(
        fleet,
        lambda connection: connection.execute(
            "insert into holds (run, step, amount, budgets) select run, step, 250000, '[]' from steps where step = 3"
        ),
    )
    found = only(fleet, "stranded_holds")
    assert (found.health, found.what.startswith("0.25 EUR are held for step 3 of ")) == (Health.WARNING, True)


def test_a_lock_past_its_time_is_named(fleet: Path) -> None:
    until = SystemClock().now() - HOUR
    changed(
        fleet,
        lambda connection: connection.execute("insert into locks values ('shop:1', 'run_x:3', 1, ?)", (until,)),
    )
    assert "shop:1 by run_x:3" in only(fleet, "stale_locks").what
