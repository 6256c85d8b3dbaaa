"""A table of notes, the statements on it, and ways to see how commits were batched."""

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remit.store import Commit, CommitResult, Entry, Query, SqliteDatabase, Statement, Transaction, Writer

URL = "sqlite:///notes.db"
TABLE = "create table if not exists notes (id integer primary key, text text not null check (text <> 'bad')) strict"
ADD = Query("notes.add", "insert into notes (id, text) values (:id, :text)")
CHANGE = Query("notes.change", "update notes set text = :text where id = :id")
ALL = Query("notes.all", "select id, text from notes order by id")


class Journaled:
    """An appender that remembers the refs of each transaction's entries, and fails on demand."""

    def __init__(self, *, poison: str = "") -> None:
        self.batches: list[list[str]] = []
        self._poison = poison
        self._fault: Exception | None = None

    def fail_next(self, fault: Exception) -> None:
        """Makes the next transaction fail, once."""
        self._fault = fault

    def append(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
        refs = [entry.ref for entry in entries]
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        if self._poison in refs:
            raise ValueError(self._poison)
        self.batches.append(refs)


def add(number: int, text: Any = "a note", *, want: int | None = 1) -> Statement:
    """Adds one note."""
    return Statement(ADD, {"id": number, "text": text}, want=want)


def noted(number: int, *statements: Statement, key: str = "") -> Commit:
    """A commit that adds note `number`, does `statements` too, and has one entry named after it."""
    entry = Entry("notes", "noted", str(number), 0, b"{}")
    return Commit([add(number), *statements], [entry], key)


def open_notes(folder: Path) -> SqliteDatabase:
    """Opens the database in `folder` and makes the table."""
    database = SqliteDatabase(URL, folder=folder)
    connection = database.connect()
    connection.execute(TABLE)
    connection.close()
    return database


def numbers(database: SqliteDatabase) -> list[int]:
    """Returns the numbers of all notes, read through a connection that is not the writer's."""
    connection = database.connect()
    try:
        return [row["id"] for row in connection.execute(ALL.sql)]
    finally:
        connection.close()


@contextmanager
def held_up(database: SqliteDatabase, writer: Writer) -> Generator[None]:
    """Makes the writer wait for the file meanwhile, so that what is submitted piles up and then shares a batch."""
    connection = database.connect()
    connection.execute("begin immediate")
    try:
        first = writer.submit(Commit([]))
        while not first.running():
            pass  # until the writer has taken it, what follows could end up in its batch
        yield
    finally:
        connection.execute("rollback")
        connection.close()


def commit_in_a_batch(
    database: SqliteDatabase, writer: Writer, commits: Sequence[Commit]
) -> list[CommitResult | Exception]:
    """Commits `commits` in as few batches as the writer makes of them; returns results and faults in their order."""
    with held_up(database, writer):
        futures = [writer.submit(commit) for commit in commits]
    return [_outcome(future) for future in futures]


def _outcome(future: "Future[CommitResult]") -> CommitResult | Exception:
    try:
        return future.result()
    except Exception as fault:  # noqa: BLE001  whatever it is, the test looks at it
        return fault
