"""Commits that must be alone on PostgreSQL: they wait for whoever is in the middle of one, and hold nobody up for long."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest

from remit.core import BusyError, Connections
from remit.store import Commit, CommitRefused, Committed, Query, Statement, Writer
from remit.store.postgresql import PostgresDatabase
from remit.store.postgresql.connection import connect
from remit.store.postgresql.moments import MOMENT, SPARE_SECONDS
from store.notes import add

HELD_SECONDS = 4.0
# A worker has four times as long to give a sign of life.
PASSES_SECONDS, SLACK = 1.5, 0.5
STOP = Query("notes.stop", "delete from notes where id = 0", alone=True)
GUARD = Query("notes.guard", "select 1 from notes where id = 0")


@pytest.fixture
def url(postgresql_url: str) -> str:
    """A database with the note that others look for before they add one."""
    with connect(postgresql_url, Connections()) as connection:
        connection.execute("create table notes (id bigint primary key, text text not null)")
        connection.execute("insert into notes values (0, 'go on')")
    return postgresql_url


@contextmanager
def process(url: str, lock_seconds: float = 10) -> Generator[Writer]:
    """A writer with a connection of its own, as another process has it."""
    limits = Connections(lock_seconds=lock_seconds)
    with closing(PostgresDatabase(url, limits=limits)) as database, closing(Writer(database)) as writer:
        yield writer


@contextmanager
def in_the_middle_of_a_commit(url: str) -> Generator[Callable[[], None]]:
    """Shares the moment, as a process does that was frozen, until it is told to go on."""
    with psycopg.connect(url) as frozen:
        frozen.execute("select pg_advisory_xact_lock_shared(%s)", [MOMENT])
        yield frozen.rollback


def stop() -> Commit:
    return Commit([Statement(STOP, {}, want=None)])


def slowest(writer: Writer, first: int, seconds: float) -> float:
    """Commits one after the other, and returns how long the slowest took."""
    slowest, until = 0.0, time.monotonic() + seconds
    for number in range(first, first + 10_000):
        began = time.monotonic()
        assert isinstance(writer.commit_now(Commit([add(number)])), Committed)
        slowest = max(slowest, time.monotonic() - began)
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    return slowest


def test_who_must_be_alone_waits_for_a_frozen_process_and_others_pass_meanwhile(url: str) -> None:
    with process(url) as stopping, process(url) as working, in_the_middle_of_a_commit(url) as goes_on:
        stops = [stopping.submit(stop()) for _ in range(3)]
        beside: list[float] = []
        # The process that stops has a sign of life to give as well.
        own = threading.Thread(target=lambda: beside.append(slowest(stopping, 20_000, HELD_SECONDS)))
        own.start()
        assert slowest(working, 1, HELD_SECONDS) < PASSES_SECONDS
        own.join()
        assert beside[0] < 2 * PASSES_SECONDS
        assert not any(each.done() for each in stops)
        goes_on()
        assert [type(each.result(timeout=5)) for each in stops] == [Committed] * 3


def test_who_finds_no_moment_in_time_is_told_that_the_database_is_busy(url: str) -> None:
    with process(url, lock_seconds=0.5) as stopping, in_the_middle_of_a_commit(url):
        began = time.monotonic()
        with pytest.raises(BusyError, match="The database is busy"):
            stopping.commit_now(stop())
        assert 0.5 + SPARE_SECONDS <= time.monotonic() - began < 0.5 + SPARE_SECONDS + PASSES_SECONDS + SLACK
        assert isinstance(stopping.commit_now(Commit([Statement(GUARD, {}), add(1)])), Committed), (
            "nothing of it stands"
        )


def test_who_must_be_alone_outlasts_a_process_that_is_cut_off_in_the_middle_of_a_pipeline(url: str) -> None:
    cut = connect(url, Connections(lock_seconds=0.5), name="remit writer", is_brief=True)
    with process(url, lock_seconds=0.5) as stopping, suppress(psycopg.OperationalError), cut.pipeline():
        cut.execute("begin")
        cut.execute("select pg_advisory_xact_lock_shared(%s::bigint)", [MOMENT])
        cut.pgconn.send_flush_request()
        cut.pgconn.flush()
        while not held(url):
            time.sleep(0.01)
        assert isinstance(stopping.commit_now(stop()), Committed)
        cut.close()


def held(url: str) -> bool:
    """Whether somebody shares the moment."""
    with psycopg.connect(url) as connection:
        return bool(connection.execute("select 1 from pg_locks where locktype = 'advisory' and granted").fetchall())


def test_who_must_be_alone_has_its_turn_however_busy_others_are(url: str) -> None:
    stopped, added_after = threading.Event(), list[int]()

    def works(number: int) -> None:
        with process(url) as writer:
            for first in range(number * 1_000_000, (number + 1) * 1_000_000, 8):
                was_stopped = stopped.is_set()
                futures = [writer.submit(Commit([Statement(GUARD, {}), add(first + n)])) for n in range(8)]
                answers = [future.result() for future in futures]
                if was_stopped:
                    added_after.extend(1 for answer in answers if isinstance(answer, Committed))
                if isinstance(answers[-1], CommitRefused):
                    break

    threads = [threading.Thread(target=works, args=(number,)) for number in (1, 2, 3)]
    for each in threads:
        each.start()
    took: list[float] = []
    with process(url) as stopping:
        for _ in range(10):  # pulled for nothing, so that work goes on
            time.sleep(0.1)
            began = time.monotonic()
            pause = Statement(Query("notes.pause", "select 1", alone=True), {})
            assert isinstance(stopping.commit_now(Commit([pause])), Committed)
            took.append(time.monotonic() - began)
        assert isinstance(stopping.commit_now(stop()), Committed)
        stopped.set()
    for each in threads:
        each.join()
    assert max(took) < PASSES_SECONDS
    assert added_after == []
