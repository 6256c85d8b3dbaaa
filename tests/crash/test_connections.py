"""A connection to PostgreSQL breaks: what was committed is known, what was not is done again, nobody waits for good."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.crash.proxy import Proxy, proxied
from tests.crash.server import crash, own_server

from remit.core import BusyError, Connections
from remit.store import Commit, CommitResult, Committed, Database, Query, Statement, Writer, open_database
from remit.testing import PostgresServer

LIMITS = Connections(statement_seconds=1.0, lock_seconds=0.5, connect_seconds=1.0, readers=5)
ANSWER_SECONDS = LIMITS.statement_seconds + LIMITS.lock_seconds
ADD = Query("notes.add", "insert into notes (id) values (:id)")
SLOW = Query("notes.slow", "select pg_sleep(0.3)")
ALL = Query("notes.all", "select id from notes order by id")


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """A server that may crash."""
    with own_server() as running:
        yield running


@pytest.fixture
def url(server: PostgresServer) -> Generator[str]:
    """A database with a table of notes."""
    url = server.fresh()
    with psycopg.connect(url) as connection:
        connection.execute("create table notes (id bigint primary key)")
    yield url
    server.drop(url)


@pytest.fixture
def proxy(url: str) -> Generator[Proxy]:
    """A way to it that can be cut."""
    with proxied(url) as opened:
        yield opened


@contextmanager
def opened(
    url: str, folder: Path, reach: Callable[[str], None] | None = None
) -> Generator[tuple[Database, Callable[[int], CommitResult]]]:
    """Opens what reads, and what adds a note."""
    database = open_database(url, folder=folder, limits=LIMITS)
    writer = Writer(database, reach=reach)
    try:
        yield database, lambda number: writer.commit_now(Commit([Statement(ADD, {"id": number})]))
    finally:
        writer.close()
        database.close()


def notes(database: Database) -> list[int]:
    return [row["id"] for row in database.read(ALL)]


def test_a_server_that_crashed_and_is_back_is_written_to_and_read_at_the_first_try(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    with opened(url, tmp_path) as (database, add_note):
        add_note(1)
        with ThreadPoolExecutor(LIMITS.readers) as threads:  # as many connections as there may be
            list(threads.map(database.read, [SLOW] * LIMITS.readers))
        crash(server)
        assert isinstance(add_note(2), Committed)
        assert notes(database) == [1, 2]


@pytest.mark.parametrize("requests", [False, True], ids=["answer", "request"])
def test_a_commit_whose_answer_or_request_is_lost_is_done_once(proxy: Proxy, tmp_path: Path, requests: bool) -> None:
    with opened(proxy.url, tmp_path) as (database, add_note):
        add_note(1)
        proxy.lose(1, requests=requests)
        assert isinstance(add_note(2), Committed)
        assert (proxy.lost, notes(database)) == (1, [1, 2])


def test_a_commit_that_a_crash_has_lost_is_not_taken_for_the_one_that_has_its_number_now(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    numbers: list[str] = []

    def crashes(point: str) -> None:
        if point != "inside commit" or numbers:
            return
        crash(server)
        with psycopg.connect(url, autocommit=True) as other:
            for _ in range(3):
                with other.transaction():
                    numbers.extend(other.execute("select pg_current_xact_id()::text").fetchone() or ())
                    other.execute("insert into notes (id) values (100 + pg_current_xact_id()::text::bigint)")

    with opened(url, tmp_path, crashes) as (database, add_note):
        with pytest.raises(BusyError):
            add_note(1)
        assert len(notes(database)) == 3
        assert 1 not in notes(database)
        assert isinstance(add_note(1), Committed)


def test_nobody_waits_for_good_for_a_server_that_says_nothing(proxy: Proxy, tmp_path: Path) -> None:
    with opened(proxy.url, tmp_path) as (database, add_note):
        add_note(1)
        assert notes(database) == [1]
        proxy.freeze()
        began = time.monotonic()
        with pytest.raises(BusyError, match="no answer came"):
            notes(database)
        with pytest.raises(BusyError):
            add_note(2)
        assert time.monotonic() - began < 3 * (ANSWER_SECONDS + LIMITS.connect_seconds)
        proxy.mend()
        assert isinstance(add_note(3), Committed)
        assert notes(database) == [1, 3]
