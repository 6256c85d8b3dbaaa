"""The change feed notices every commit, of this process and of others."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.store import ChangeFeed, Commit, Query, SqliteDatabase, Writer, open_database
from store.notes import add

LISTENING = Query("changes.listening", "select pid from pg_stat_activity where application_name = 'remit changes'")
OTHER_PROCESS = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("insert into notes (id, text) values (77, 'from elsewhere')")
"""


@pytest.fixture
def feed(database: SqliteDatabase) -> Iterator[ChangeFeed]:
    feed = database.changes()
    yield feed
    feed.close()


def test_the_position_stays_while_nothing_is_committed(feed: ChangeFeed) -> None:
    assert feed.position() == feed.position()


def test_a_commit_of_this_process_moves_the_position(feed: ChangeFeed, writer: Writer) -> None:
    before = feed.position()
    writer.commit_now(Commit([add(1)]))
    assert feed.position() != before


def test_a_commit_of_another_process_moves_the_position(feed: ChangeFeed, database: SqliteDatabase) -> None:
    before = feed.position()
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(database.path)], check=True)
    assert feed.position() != before


async def test_waiting_ends_with_a_commit(feed: ChangeFeed, writer: Writer) -> None:
    before = feed.position()
    waiting = asyncio.create_task(feed.wait(before, seconds=30))
    await asyncio.sleep(0)
    assert not waiting.done()
    await writer.commit(Commit([add(1)]))
    assert await waiting != before


async def test_waiting_ends_at_once_when_it_has_changed_already(feed: ChangeFeed, writer: Writer) -> None:
    before = feed.position()
    await writer.commit(Commit([add(1)]))
    waiting = asyncio.create_task(feed.wait(before, seconds=30))
    await asyncio.sleep(0)
    assert waiting.done()
    assert waiting.result() != before


async def test_waiting_ends_when_the_time_is_over(feed: ChangeFeed) -> None:
    before = feed.position()
    assert await feed.wait(before, seconds=0.01) == before


async def test_on_postgresql_nobody_listens_until_somebody_waits(postgresql_url: str, tmp_path: Path) -> None:
    database = open_database(postgresql_url, folder=tmp_path)
    database.migrate()
    feed = database.changes()
    try:
        before = feed.position()
        assert "remit-changes" not in {thread.name for thread in threading.enumerate()}
        assert await feed.wait(before, seconds=0.01) == before
        async with asyncio.timeout(10):
            while not database.read(LISTENING):  # noqa: ASYNC110  the server tells nobody of its connections
                await asyncio.sleep(0.01)
    finally:
        feed.close()
        database.close()
