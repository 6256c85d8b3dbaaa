"""A newer Remit's migrations while processes of this one are at work: they go on, and none is started any more."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import LiteralString, cast

import psycopg
import pytest
from tests.gateway.desk import CARA, REFUNDS

from remit.app import Cell, probe_of
from remit.core import ConflictError, Settings
from remit.journal import RunState
from remit.operations import local_actor
from remit.store import Dialect, Migration, Query, load_migrations, migrate, open_database
from remit.store.postgresql import PostgresDatabase
from remit.store.postgresql.migrate import migrate_postgresql
from remit.testing import open_fleet

ADD = "alter table {} add column later integer"


def add_everywhere(cell: Cell, url: str) -> int:
    """Adds a column to each table, as somebody else does it; returns to how many."""
    if url:
        with psycopg.connect(url, autocommit=True) as server:
            names = [name for (name,) in server.execute("select tablename from pg_tables where schemaname = 'public'")]
            for name in names:
                server.execute(cast("LiteralString", ADD.format(name)))
        return len(names)
    with closing(sqlite3.connect(cell.folder / ".remit" / "remit.db")) as file:
        rows = file.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
        names = [name for (name,) in rows.fetchall()]
        for name in names:
            file.execute(ADD.format(name))
    return len(names)


async def work(cell: Cell) -> None:
    """Does one of everything that processes at work do."""
    run = (
        await cell.operations.submit(
            "refund-desk", {"order_id": "R-2", "message": "Please refund 400."}, on_behalf_of="ann@shop.example"
        )
    ).run
    assert (await cell.operations.drive(run.id)).state is RunState.WAITING
    (question,) = cell.parts.approvals.listing(state="pending")
    await cell.operations.answer(question.id, person=CARA, answer="reject", reason="to see")
    assert (await cell.operations.drive(run.id)).state.is_over
    await cell.operations.stop("tool:shop__get_order", because="to see", by="ann@shop.example")
    await cell.operations.resume("tool:shop__get_order", because="seen", by="ann@shop.example")
    assert [each.id for each in cell.parts.executors.listing()] == [cell.runtime.executor]


async def look(cell: Cell) -> None:
    """Shows one of everything, to somebody who logs in."""
    session = await cell.access.redeem(await cell.access.issue_link(CARA, by=local_actor("tests")), client="here")
    cara = cell.access.session(session.secret)
    assert cara is not None
    await cell.access.create_token(cell.access.actor(cara), name="later", days=1)
    assert cell.access.tokens(cell.access.actor(cara))
    views = cell.views(local_actor("tests"))
    assert views.overview().log.size
    (first, *_) = views.runs.listing()
    assert views.runs.get(first.run).steps
    assert views.tasks.get(views.runs.get(first.run).task).task
    assert views.approvals.page().rows
    assert views.agents.get("refund-desk").agent
    assert views.switches.listing()
    assert views.upstreams.listing()
    assert views.log.page().rows
    assert views.log.verify().ok


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_whoever_is_at_work_goes_on_when_every_table_gets_a_column(
    tmp_path: Path, dialect: str, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("postgresql_url")) if dialect == "postgresql" else ""

    def there(settings: Settings) -> Settings:
        return settings.model_copy(update={"database_url": url or "sqlite:///.remit/remit.db"})

    async with open_fleet(REFUNDS, tmp_path / "fleet", change=there) as cell:
        await work(cell)
        await look(cell)
        assert add_everywhere(cell, url) > 25
        await work(cell)
        await look(cell)
        assert (await probe_of(cell).look()).ready


LATER = Migration(9_998, "later", "create table later (id integer not null);")
TIDY = Migration(9_999, "tidy", "drop table later;", is_post=True)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_takes_away_waits_until_it_is_said_and_an_older_remit_is_not_started_then(
    tmp_path: Path, dialect: Dialect, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("postgresql_url")) if dialect == "postgresql" else "sqlite:///store.db"
    database = open_database(url, folder=tmp_path)
    newer = [*load_migrations(dialect), LATER, TIDY]

    def applied(*, post: bool) -> list[str]:
        if dialect == "postgresql":
            with cast("PostgresDatabase", database).connect() as connection:
                return [each.name for each in migrate_postgresql(connection, newer, post=post)]
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as file:
            return [each.name for each in migrate(file, newer, post=post)]

    database.migrate()
    reading = Query("later.runs", "select count(*) as count from runs")
    assert database.read(reading)[0]["count"] == 0
    assert applied(post=False) == ["later"]
    assert applied(post=False) == []
    assert database.read(reading)[0]["count"] == 0, "whoever is at work goes on"
    with pytest.raises(ConflictError, match="made by a newer Remit"):
        open_database(url, folder=tmp_path).migrate()
    assert applied(post=True) == ["tidy"]
    database.close()
