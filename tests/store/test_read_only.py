"""Looking at a database leaves no trace: not in a quiet one, not in a busy one, not in one that was left in a hurry."""

import os
import sqlite3
from pathlib import Path

import pytest

from remit.core import NotFoundError
from remit.store import ReadOnlySqlite, SqliteDatabase
from store.notes import ADD, ALL, open_notes


def traces(folder: Path) -> dict[str, bytes]:
    """Returns every file of the folder but SQLite's shared memory, in which readers note where they are."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def add(database: SqliteDatabase, number: int) -> sqlite3.Connection:
    connection = database.connect()
    connection.execute(ADD.sql, {"id": number, "text": f"note {number}"})
    return connection


def seen(folder: Path, name: str) -> list[str]:
    database = ReadOnlySqlite(f"sqlite:///{name}", folder=folder)
    try:
        return [row["text"] for row in database.read(ALL)]
    finally:
        database.close()


def test_a_quiet_database_is_read_without_a_trace(tmp_path: Path) -> None:
    database = open_notes(tmp_path)
    add(database, 1).close()
    database.close()
    before = sorted(path.name for path in tmp_path.iterdir())
    content = traces(tmp_path)
    assert seen(tmp_path, database.path.name) == ["note 1"]
    assert (sorted(path.name for path in tmp_path.iterdir()), traces(tmp_path)) == (before, content)


def test_what_somebody_has_just_committed_is_seen_and_left_in_their_journal(tmp_path: Path) -> None:
    database = open_notes(tmp_path)
    writing = add(database, 1)
    content = traces(tmp_path)
    assert seen(tmp_path, database.path.name) == ["note 1"]
    assert traces(tmp_path) == content
    writing.close()
    database.close()


def test_the_journal_of_a_process_that_died_is_read_and_stays(tmp_path: Path) -> None:
    database = open_notes(tmp_path)
    database.close()
    if (child := os.fork()) == 0:
        add(database, 2)
        os._exit(0)  # the last one out would put the journal into the file
    os.waitpid(child, 0)
    content = traces(tmp_path)
    assert any(name.endswith("-wal") and body for name, body in content.items())
    assert seen(tmp_path, database.path.name) == ["note 2"]
    assert traces(tmp_path) == content


def test_it_cannot_write(tmp_path: Path) -> None:
    database = open_notes(tmp_path)
    looking = ReadOnlySqlite(f"sqlite:///{database.path.name}", folder=tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        looking.read(ADD, {"id": 1, "text": "x"})
    looking.close()
    database.close()


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no database"):
        seen(tmp_path, "deep/down/store.db")
    assert list(tmp_path.iterdir()) == []
