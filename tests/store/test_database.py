"""One file, many connections: reading never writes, and every thread reads by itself."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from remit.core import InputError
from remit.store import Query, SqliteDatabase
from remit.store.sqlite.database import sqlite_path
from store.notes import ADD, ALL


def test_a_relative_path_counts_from_the_folder_and_an_absolute_one_does_not(tmp_path: Path) -> None:
    assert sqlite_path("sqlite:///a/b.db", tmp_path) == tmp_path / "a" / "b.db"
    assert sqlite_path("sqlite:////elsewhere/b.db", tmp_path) == Path("/elsewhere/b.db")


@pytest.mark.parametrize("url", ["", "store.db", "sqlite://store.db", "sqlite:///", "postgresql:///x", "mysql://h/x"])
def test_another_database_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only SQLite is supported"):
        SqliteDatabase(url, folder=tmp_path)


def test_the_folder_of_the_file_is_made(tmp_path: Path) -> None:
    database = SqliteDatabase("sqlite:///deep/down/store.db", folder=tmp_path)
    database.connect().close()
    assert (tmp_path / "deep" / "down" / "store.db").exists()


def test_others_cannot_look_into_a_folder_that_is_made_and_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    SqliteDatabase("sqlite:///made/store.db", folder=tmp_path).connect().close()
    (tmp_path / "there").mkdir(mode=0o755)
    (tmp_path / "there").chmod(0o755)
    SqliteDatabase("sqlite:///there/store.db", folder=tmp_path).connect().close()
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("made", "there")] == [0o700, 0o755]


def test_commits_are_durable_and_references_are_checked(database: SqliteDatabase) -> None:
    connection = database.connect()
    settings = {name: connection.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "foreign_keys")}
    synchronous = connection.execute("pragma synchronous").fetchone()[0]
    connection.close()
    assert (settings, synchronous) == ({"journal_mode": "wal", "foreign_keys": 1}, 2)


def test_reading_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.read(ADD, {"id": 1, "text": "x"})
    assert database.read(ALL) == []


def test_a_reader_sees_what_was_committed_since(database: SqliteDatabase) -> None:
    assert database.read_one(ALL) is None
    connection = database.connect()
    connection.execute(ADD.sql, {"id": 1, "text": "x"})
    connection.close()
    row = database.read_one(ALL)
    assert row is not None
    assert dict(row) == {"id": 1, "text": "x"}


def test_threads_read_at_the_same_time(database: SqliteDatabase) -> None:
    together = Barrier(8)

    def read(_: int) -> int:
        together.wait()
        return sum(database.read(Query("notes.sum", "select 1 as one"))[0]["one"] for _ in range(50))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [50] * 8


def test_after_closing_a_reader_is_opened_again(database: SqliteDatabase) -> None:
    assert database.read(ALL) == []
    database.close()
    assert database.read(ALL) == []


def test_a_snapshot_speaks_of_one_moment(database: SqliteDatabase) -> None:
    connection = database.connect()
    with database.snapshot():
        assert database.read(ALL) == []
        connection.execute(ADD.sql, {"id": 1, "text": "x"})
        with database.snapshot():
            assert database.read(ALL) == []
    connection.close()
    assert len(database.read(ALL)) == 1


def test_a_snapshot_that_broke_off_leaves_a_reader_that_reads_on(database: SqliteDatabase) -> None:
    with pytest.raises(ValueError, match="broke off"), database.snapshot():
        raise ValueError("broke off")
    connection = database.connect()
    connection.execute(ADD.sql, {"id": 1, "text": "x"})
    connection.close()
    assert len(database.read(ALL)) == 1
