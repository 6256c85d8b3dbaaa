"""What a connection to PostgreSQL is bounded by: the server's patience with whoever says nothing more."""

import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from psycopg import OperationalError

from remit.core import BusyError, Connections
from remit.store import Commit, Committed, Query, Statement, Writer, open_database
from remit.store.postgresql.connection import IDLE_SECONDS, KEEPALIVES, Connection, connect

LIMITS = Connections(lock_seconds=0.2)
SLACK = 2.0


@pytest.fixture
def url(postgresql_url: str) -> str:
    """A database with one note."""
    with connect(postgresql_url, Connections()) as connection:
        connection.execute("create table notes (id bigint primary key, text text not null)")
        connection.execute("insert into notes values (1, 'a note')")
    return postgresql_url


def change(connection: Connection) -> None:
    connection.execute("update notes set text = 'changed' where id = 1")


def seconds_until_others_may_change(url: str) -> float:
    began = time.monotonic()
    with connect(url, Connections(lock_seconds=30)) as other:
        change(other)
    return time.monotonic() - began


def test_who_is_cut_off_in_the_middle_of_a_pipeline_holds_others_up_for_seconds(url: str) -> None:
    silent = connect(url, LIMITS, name="remit writer", is_brief=True)
    seconds = float("inf")
    with suppress(OperationalError), silent.pipeline():  # its end finds the connection closed
        silent.execute("begin")
        change(silent)
        # The server answers, and waits for the rest of what it is sent: to it, this is not idleness.
        silent.pgconn.send_flush_request()
        silent.pgconn.flush()
        wait_for_lock(url)
        seconds = seconds_until_others_may_change(url)
        silent.close()
    assert seconds < LIMITS.lock_seconds + IDLE_SECONDS + SLACK


def test_who_says_nothing_between_two_statements_holds_others_up_for_seconds(url: str) -> None:
    with connect(url, LIMITS) as silent:
        silent.execute("begin")
        change(silent)
        assert seconds_until_others_may_change(url) < IDLE_SECONDS + SLACK
        silent.close()


def test_the_server_looks_whether_a_machine_is_still_there_as_soon_as_we_do(url: str) -> None:
    asked = "select name, reset_val::int as value from pg_settings where name like 'tcp_keepalives_%'"
    with connect(url, LIMITS) as connection:
        told = {row["name"]: row["value"] for row in connection.execute(asked)}
    assert told == {f"tcp_keepalives_{name}": value for name, value in KEEPALIVES.items()}


def wait_for_lock(url: str) -> None:
    """Returns when somebody holds the note."""
    with connect(url, Connections()) as looking:
        while not looking.execute(
            "select 1 from pg_locks where relation = 'notes'::regclass and mode = 'RowExclusiveLock'"
        ).fetchall():
            time.sleep(0.01)


def test_a_commit_that_takes_too_long_is_busy_to_all_its_callers_and_is_not_tried_again_and_again(
    postgresql_url: str,
) -> None:
    with closing(open_database(postgresql_url, folder=Path(), limits=LIMITS)) as database:
        database.migrate()
        writer = Writer(database)
        stuck = Statement(Query("test.stuck", "select pg_sleep(60)"), {}, want=None)
        began = time.monotonic()
        futures = [writer.submit(Commit([stuck])) for _ in range(3)]
        for future in futures:
            with pytest.raises(BusyError):
                future.result(30)
        # What came while the first was under way is the second transaction.
        assert time.monotonic() - began < 2 * (LIMITS.lock_seconds + IDLE_SECONDS) + SLACK
        assert isinstance(writer.commit_now(Commit([Statement(Query("test.one", "select 1 as one"), {})])), Committed)
        writer.close()
