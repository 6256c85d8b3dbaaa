"""A server that goes away while it is asked is a refusal with what to do, wherever in the store it happens."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from remit.core import BusyError, Connections
from remit.store import Query
from remit.store.postgresql.connection import Connection, connect
from remit.store.postgresql.database import PostgresDatabase

ONE = Query("one", "select 1 as one")


def end(url: str, *processes: int) -> None:
    """Ends connections from the server's side, and returns when they have ended."""
    with connect(url, Connections()) as other:
        for process in processes:
            other.execute("select pg_terminate_backend(%s::int, 5000)", [process])


class Ending(PostgresDatabase):
    """The server ends each connection as soon as it is there."""

    def connect(self, name: str = "remit", *, is_brief: bool = False) -> Connection:
        """Opens one, and has it ended."""
        connection = super().connect(name, is_brief=is_brief)
        end(self._url, connection.info.backend_pid)
        return connection


@pytest.fixture
def database(postgresql_url: str) -> Iterator[PostgresDatabase]:
    """A database of which everything is known already."""
    with closing(PostgresDatabase(postgresql_url, limits=Connections())) as database:
        database.migrate()
        yield database


def test_a_migration_whose_server_goes_away_is_refused_and_says_what_to_do(postgresql_url: str) -> None:
    with (
        closing(Ending(postgresql_url, limits=Connections())) as database,
        pytest.raises(BusyError, match="cannot be reached"),
    ):
        database.migrate()


def reader_of(database: PostgresDatabase) -> int:
    row: Any = database.read_one(Query("process", "select pg_backend_pid() as process"))
    return row["process"]


def test_a_snapshot_begins_on_another_connection_when_the_server_has_ended_the_one_at_hand(
    database: PostgresDatabase, postgresql_url: str
) -> None:
    end(postgresql_url, before := reader_of(database))
    with database.snapshot():
        assert reader_of(database) != before


def test_a_snapshot_whose_connection_ends_inside_it_is_refused_and_the_next_one_reads(
    database: PostgresDatabase, postgresql_url: str
) -> None:
    with database.snapshot():
        end(postgresql_url, reader_of(database))
        with pytest.raises(BusyError, match="cannot be reached"):
            reader_of(database)
    with database.snapshot():
        assert database.read(ONE) == [{"one": 1}]
