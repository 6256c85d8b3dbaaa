"""Whatever breaks under the writer, every caller is answered and the writer goes on."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.core import BusyError, RemitError
from remit.store import Commit, Committed, SqliteDatabase, Writer
from store.notes import Journaled, add, commit_in_a_batch, held_up, noted, numbers, open_notes


class Impatient(SqliteDatabase):
    """A database that waits for other processes a moment only."""

    def connect(self) -> sqlite3.Connection:
        """As it is, but soon giving up."""
        connection = super().connect()
        connection.execute("pragma busy_timeout = 20")
        return connection


class SmallDisk(SqliteDatabase):
    """A database whose file cannot grow past some pages."""

    def connect(self) -> sqlite3.Connection:
        """As it is, but with no room."""
        connection = super().connect()
        connection.execute("pragma max_page_count = 20")
        return connection


def run_script(body: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs `body` in a process of its own, with the tests and Remit importable."""
    return subprocess.run([sys.executable, "-c", body, str(folder)], capture_output=True, text=True, check=False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SqliteDatabase]:
    open_notes(tmp_path).close()
    database = SmallDisk("sqlite:///notes.db", folder=tmp_path)
    yield database
    database.close()


def test_a_full_disk_fails_the_commit_that_does_not_fit_and_no_other(small_disk: SqliteDatabase) -> None:
    journaled = Journaled()
    writer = Writer(small_disk, appender=journaled)
    large = noted(2, add(3, "x" * 200_000))
    results = commit_in_a_batch(small_disk, writer, [noted(1), large, noted(4)])
    assert [type(result) for result in results] == [Committed, BusyError, Committed]
    assert "full" in str(results[1])
    assert isinstance(writer.commit_now(noted(5)), Committed)
    writer.close()
    assert numbers(small_disk) == [1, 4, 5]


def test_a_file_that_stays_busy_is_told_to_every_caller(tmp_path: Path) -> None:
    open_notes(tmp_path).close()
    database = Impatient("sqlite:///notes.db", folder=tmp_path)
    writer = Writer(database, appender=Journaled())
    with held_up(database, writer):
        futures = [writer.submit(noted(number)) for number in range(20)]
        for future in futures:
            with pytest.raises(BusyError, match="The database is busy"):
                future.result()
    assert isinstance(writer.commit_now(noted(1)), Committed)
    writer.close()
    assert numbers(database) == [1]
    database.close()


def test_a_trigger_that_ends_the_transaction_fails_its_commit_alone(database: SqliteDatabase) -> None:
    connection = database.connect()
    connection.execute(
        "create trigger no_two before insert on notes when new.id = 2 begin select raise(rollback, 'not two'); end"
    )
    connection.close()
    writer = Writer(database, appender=Journaled())
    results = commit_in_a_batch(database, writer, [noted(1), noted(2), noted(3)])
    assert isinstance(results[0], Committed)
    assert isinstance(results[1], Exception)
    assert isinstance(results[2], Committed)
    writer.close()
    assert numbers(database) == [1, 3]


def test_a_log_that_fails_once_costs_a_batch_nothing(database: SqliteDatabase) -> None:
    journaled = Journaled()
    writer = Writer(database, appender=journaled)
    writer.commit_now(noted(0))
    journaled.fail_next(OSError("no space"))
    results = commit_in_a_batch(database, writer, [noted(number) for number in range(1, 6)])
    assert all(isinstance(result, Committed) for result in results)
    writer.close()
    assert numbers(database) == [0, 1, 2, 3, 4, 5]
    assert [ref for batch in journaled.batches for ref in batch] == ["0", "1", "2", "3", "4", "5"]


def test_an_entry_the_log_cannot_take_fails_its_own_commit(database: SqliteDatabase) -> None:
    writer = Writer(database, appender=Journaled(poison="2"))
    results = commit_in_a_batch(database, writer, [noted(1), noted(2), noted(3)])
    assert [type(result) for result in results] == [Committed, ValueError, Committed]
    writer.close()
    assert numbers(database) == [1, 3]


def test_a_single_commit_hears_of_the_fault_and_nothing_of_it_is_kept(database: SqliteDatabase) -> None:
    journaled = Journaled()
    journaled.fail_next(OSError("no space"))
    writer = Writer(database, appender=journaled)
    with pytest.raises(OSError, match="no space"):
        writer.commit_now(noted(1))
    assert isinstance(writer.commit_now(noted(2)), Committed)
    writer.close()
    assert numbers(database) == [2]


def test_listeners_hear_how_many_commits_became_durable(database: SqliteDatabase) -> None:
    heard: list[int] = []
    writer = Writer(database, appender=Journaled(poison="2"), on_commit=heard.append)
    commit_in_a_batch(database, writer, [noted(1), noted(2), noted(3)])
    commit_in_a_batch(database, writer, [noted(4), noted(5)])
    writer.close()
    assert sum(heard) == len(numbers(database)) + 2  # the two empty commits the writer was held up with


def test_a_listener_that_fails_does_not_stop_the_writer(database: SqliteDatabase) -> None:
    def fail(_: int) -> None:
        raise RuntimeError("deaf")

    writer = Writer(database, on_commit=fail)
    for number in range(3):
        assert isinstance(writer.commit_now(Commit([add(number)])), Committed)
    writer.close()
    assert numbers(database) == [0, 1, 2]


async def test_a_caller_that_is_cancelled_undoes_nothing_and_wedges_nobody(
    database: SqliteDatabase, writer: Writer
) -> None:
    with held_up(database, writer):
        callers = [asyncio.create_task(writer.commit(noted(number))) for number in range(10)]
        await asyncio.sleep(0)
        for caller in callers[::2]:
            caller.cancel()
        await asyncio.sleep(0)
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, Committed] * 5
    assert isinstance(await writer.commit(noted(10)), Committed)
    assert numbers(database) == list(range(11))


async def test_a_cancelled_caller_is_not_told_of_a_later_fault(database: SqliteDatabase, writer: Writer) -> None:
    with held_up(database, writer):
        caller = asyncio.create_task(writer.commit(noted(1, add(1))))
        await asyncio.sleep(0)
        caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    with pytest.raises(RemitError, match="UNIQUE"):
        await writer.commit(noted(2, add(2)))


def test_what_was_answered_survives_the_death_of_the_process(tmp_path: Path) -> None:
    body = """
import os, sys
from pathlib import Path
from remit.store import Commit, Writer
from store.notes import add, open_notes
writer = Writer(open_notes(Path(sys.argv[1])))
for number in range(10):
    writer.commit_now(Commit([add(number)]))
print("answered", flush=True)
for number in range(10, 500):
    writer.submit(Commit([add(number)]))
os._exit(9)
"""
    died = run_script(f"import sys; sys.path[:0] = {sys.path!r}\n{body}", tmp_path)
    assert (died.returncode, died.stdout) == (9, "answered\n")
    database = open_notes(tmp_path)
    kept = numbers(database)
    assert kept == list(range(max(10, len(kept))))
    writer = Writer(database)
    assert isinstance(writer.commit_now(Commit([add(1_000)])), Committed)
    writer.close()
    database.close()
