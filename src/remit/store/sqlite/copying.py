"""A SQLite database copied as of one moment, whoever works with it, and put in another's place when nobody does."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from remit.core import BusyError, ConflictError

# Who has the file open in passing, such as a command, is waited for.
_PATIENCE_MILLISECONDS = 2_000


def copy_sqlite(source: Path, target: Path) -> None:
    """Copies `source` to `target`, which must not be there: one file for its owner only, whole or not at all.

    Readers hold up nobody in SQLite's WAL mode, so work goes on meanwhile.
    """
    aside = target.with_name(f"{target.name}.part")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(aside)) as writing,
        ):
            reading.backup(writing, pages=-1)  # in one go: in several it would begin again with every commit
            writing.execute("pragma journal_mode = delete")
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.link(aside, target)  # which, unlike a rename, takes nobody's place
    finally:
        aside.unlink(missing_ok=True)


def settle_sqlite(path: Path) -> None:
    """Makes the database one file, without a journal beside it; somebody who has it open makes this a `BusyError`."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"pragma busy_timeout = {_PATIENCE_MILLISECONDS}")
        try:
            mode = connection.execute("pragma journal_mode = delete").fetchone()[0]
        except sqlite3.OperationalError as fault:
            raise _is_open(path) from fault
    if mode != "delete":
        raise _is_open(path)


def quick_check(path: Path) -> None:
    """Raises a `ConflictError` when SQLite finds the file damaged."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = [str(row[0]) for row in connection.execute("pragma quick_check(3)")]
        except sqlite3.DatabaseError as fault:
            found = [str(fault)]
    if found != ["ok"]:
        raise ConflictError("The database is damaged", which=str(path), why="; ".join(found), hint="Take another copy")


def _is_open(path: Path) -> BusyError:
    return BusyError("Somebody works with the database", which=str(path), hint="Stop every process of this fleet first")
