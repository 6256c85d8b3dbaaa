"""The database has no room left: work stops and says so, nothing is lost, and it goes on when there is room again."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.crash.station import ANN, Desk, write_fleet
from tests.databases import execute, sqlite_only

from remit.app import Cell, build
from remit.audit import verify_export, write_export
from remit.core import BusyError, load_settings
from remit.gateway import ToolCall
from remit.journal import RunState
from remit.operations import lock_server
from remit.runtime import claims
from remit.store import SqliteDatabase

pytestmark = pytest.mark.slow

RUNS, STEPS, CALL_SECONDS = 6, 6, 0.1
FULL = """
create function no_room() returns trigger language plpgsql as
$$begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end$$;
create trigger no_room before insert on steps for each row execute function no_room();
create trigger no_room before insert on tasks for each row execute function no_room();
"""


class Pencil:
    """The tools, in this process: they write down what came."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def mark(self, call: ToolCall, *, n: int, **_: Any) -> dict[str, int]:
        self.came.append(call.key)
        await asyncio.sleep(CALL_SECONDS)
        return {"n": n}

    send = post = mark


@contextmanager
def full_file(cell: Cell, connections: list[sqlite3.Connection]) -> Generator[None]:
    """Lets the file of a cell not grow any more."""
    assert isinstance(cell.database, SqliteDatabase)
    with closing(cell.database.connect()) as own:
        (pages,) = own.execute("pragma page_count").fetchone()
    limit(connections, pages)
    try:
        yield
    finally:
        limit(connections, 1_000_000)


def limit(connections: list[sqlite3.Connection], pages: int) -> None:
    for connection in connections:
        with suppress(sqlite3.ProgrammingError):  # it is closed by now
            connection.execute(f"pragma max_page_count = {pages}")


@contextmanager
def full_server(cell: Cell) -> Generator[None]:
    """Has the server say, as it does then, that there is no room for a step or a task."""
    with psycopg.connect(cell.settings.database_url, autocommit=True) as own:
        own.execute(FULL)
        try:
            yield
        finally:
            own.execute("drop function no_room cascade")


@pytest.mark.parametrize("database", [pytest.param("sqlite", marks=sqlite_only("a file that is full")), "postgresql"])
async def test_work_stops_while_there_is_no_room_and_goes_on_when_there_is(
    tmp_path: Path, desk: Desk, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    fleet, pencil = write_fleet(tmp_path, desk), Pencil()
    await lock_server(fleet, "desk")
    settings = load_settings(fleet)
    if database == "postgresql":
        settings = settings.model_copy(update={"database_url": request.getfixturevalue("postgresql_url")})
    connections = remembered(monkeypatch)
    cell = build(fleet, engine="claims", settings=settings, servers={"desk": pencil})
    await cell.operations.load()
    told = [{"account": f"a-{n}", "tool": "post", "steps": STEPS} for n in range(RUNS)]
    runs = [(await cell.operations.submit("worker", each, on_behalf_of=ANN)).run for each in told]
    worker = cell.worker()
    working = asyncio.create_task(worker.work())
    await until(lambda: len(pencil.came) >= RUNS)
    with full_file(cell, connections) if database == "sqlite" else full_server(cell):
        await refused(cell)
        await asyncio.sleep(CALL_SECONDS * STEPS * 2)
        left = [run for run in runs if not cell.parts.journal.run(run.id).state.is_over]
        came = len(pencil.came)
    assert len(left) == RUNS
    await until(lambda: set(cell.parts.journal.counts()) == {"done"})
    worker.stop()
    await working
    ended = [cell.parts.journal.run(run.id) for run in runs]
    assert {run.state for run in ended} == {RunState.DONE}, [(run.reason, run.waits_for) for run in ended]
    assert came < len(pencil.came) == len(set(pencil.came))
    assert {f"{run.id}:{step}" for run in runs for step in range(1, STEPS + 1)} <= set(pencil.came)
    assert execute(cell.database, "select * from holds") == []
    assert execute(cell.database, "select * from locks where holder is not null") == []
    cell.sign()
    write_export(cell.log, tmp_path / "export")
    assert verify_export(tmp_path / "export", cell.log.public_key).ok
    await cell.close()


async def refused(cell: Cell) -> None:
    """Takes tasks on until there is no room for one: the pages there are hold some."""
    with pytest.raises(BusyError, match=r"The database cannot be written\..*(full|No space left)"):
        await asyncio.gather(*(submitted(cell) for _ in range(100)))


async def submitted(cell: Cell) -> None:
    await cell.operations.submit("worker", {"account": "b", "tool": "mark", "steps": 1}, on_behalf_of=ANN)


def remembered(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Has every connection to a file noted that is opened from now on; runs that could not be driven go on soon."""
    connections: list[sqlite3.Connection] = []
    connect = SqliteDatabase.connect

    def noted(self: SqliteDatabase) -> sqlite3.Connection:
        connections.append(connect(self))
        return connections[-1]

    monkeypatch.setattr(SqliteDatabase, "connect", noted)
    monkeypatch.setattr(claims, "RETRY_SECONDS", 0.5)
    return connections


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  the journal is all there is to see
            await asyncio.sleep(0.05)
