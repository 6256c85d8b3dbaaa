"""Migrations on PostgreSQL while somebody reads for long: they wait, and what commits meanwhile does not wait for them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import psycopg
import pytest

from remit.core import BusyError, Connections
from remit.store import Commit, Committed, Migration, Writer
from remit.store.postgresql import PostgresDatabase
from remit.store.postgresql import migrate as migrating
from remit.store.postgresql.connection import connect
from remit.store.postgresql.migrate import migrate_postgresql
from store.notes import add

READ_SECONDS = 5.0
# Half of what a worker has to give a sign of life.
PASSES_SECONDS = 3.0
QUESTION = "select id, text, 'zebra' from notes"
LATER = Migration(1, "later", "alter table notes add column later integer;")
SLOW = Migration(1, "slow", "select pg_sleep(1.5); create table later (id bigint);", written_for="postgresql")


@pytest.fixture
def database(postgresql_url: str) -> Iterator[PostgresDatabase]:
    """A database with a table of notes."""
    with connect(postgresql_url, Connections()) as connection:
        connection.execute("create table notes (id bigint primary key, text text not null)")
    with closing(PostgresDatabase(postgresql_url, limits=Connections())) as database:
        yield database


@pytest.fixture
def reader(database: PostgresDatabase, postgresql_url: str) -> Iterator["psycopg.Connection"]:
    """Somebody in the middle of a long report, who is not of ours."""
    with psycopg.connect(postgresql_url, application_name="a report") as connection:
        connection.execute(QUESTION)
        yield connection
        connection.rollback()


def migrated(database: PostgresDatabase, migration: Migration) -> list[str]:
    look = partial(database.connect, "remit migrate")
    with database.connect("remit migrate") as connection:
        return [each.name for each in migrate_postgresql(connection, [migration], look=look)]


def slowest_commit(database: PostgresDatabase, seconds: float) -> float:
    slowest, until, number = 0.0, time.monotonic() + seconds, 0
    with closing(Writer(database)) as writer:
        while time.monotonic() < until:
            number, began = number + 1, time.monotonic()
            assert isinstance(writer.commit_now(Commit([add(number)])), Committed)
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.05)
    return slowest


def test_commits_pass_while_a_migration_waits_for_a_reader_and_it_is_applied_in_the_end(
    database: PostgresDatabase, reader: psycopg.Connection
) -> None:
    with ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(migrated, database, LATER)
        time.sleep(0.5)
        assert slowest_commit(database, READ_SECONDS) < PASSES_SECONDS
        assert not waiting.done()
        reader.rollback()
        assert waiting.result(timeout=10) == ["later"]


def test_a_migration_that_somebody_keeps_waiting_says_who_and_leaves_nothing(
    database: PostgresDatabase, reader: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TRIES": 2, "WAIT_SECONDS": 1.0, "PAUSE_SECONDS": 0.1}.items():
        monkeypatch.setattr(migrating, name, value)
    with pytest.raises(BusyError, match="The tables cannot be changed now") as told:
        migrated(database, LATER)
    assert f"a report (process {reader.info.backend_pid} of postgres, for " in told.value.why
    assert "zebra" not in str(told.value), "what it asks may hold anything"
    reader.rollback()
    assert migrated(database, LATER) == ["later"]


def test_a_migration_takes_as_long_as_it_takes(postgresql_url: str) -> None:
    impatient = Connections(statement_seconds=0.3, lock_seconds=0.3)
    with closing(PostgresDatabase(postgresql_url, limits=impatient)) as database:
        assert migrated(database, SLOW) == ["slow"]
