"""Fixtures of the store's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remit.store import SqliteDatabase, Writer
from store.notes import Journaled, open_notes


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    """A database with an empty table of notes."""
    database = open_notes(tmp_path)
    yield database
    database.close()


@pytest.fixture
def journaled() -> Journaled:
    """Sees how the writer's commits were batched."""
    return Journaled()


@pytest.fixture
def writer(database: SqliteDatabase, journaled: Journaled) -> Iterator[Writer]:
    """A writer on the table of notes."""
    writer = Writer(database, appender=journaled)
    yield writer
    writer.close()
