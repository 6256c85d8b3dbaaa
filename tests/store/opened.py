"""A store on a file of its own, migrated, with a writer; for the tests of everything that commits."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from remit.store import Appender, Commit, CommitRefused, Database, Statement, Writer, migrate

URL = "sqlite:///store.db"


@dataclass(frozen=True)
class Store:
    """What reads and what commits."""

    database: Database
    writer: Writer

    def commit(self, *statements: Statement) -> None:
        """Commits `statements` together; a refusal fails the test."""
        assert not self.refusal(*statements)

    def refusal(self, *statements: Statement) -> str:
        """Commits `statements` together and returns the words of the refusal, or nothing."""
        result = self.writer.commit_now(Commit(statements))
        return result.refusal or result.statement if isinstance(result, CommitRefused) else ""

    def at_once(self, *commits: Sequence[Statement]) -> list[str]:
        """Submits all commits before looking at any answer; returns their refusals."""
        results = [future.result() for future in [self.writer.submit(Commit(each)) for each in commits]]
        return [result.refusal if isinstance(result, CommitRefused) else "" for result in results]


@contextmanager
def open_store(
    folder: Path, *, appender: Appender | None = None, on_commit: Callable[[int], None] | None = None
) -> Generator[Store]:
    """Opens the store in `folder`, made when missing; several may be open on one file."""
    database = Database(URL, folder=folder)
    connection = database.connect()
    migrate(connection)
    connection.close()
    writer = Writer(database, appender=appender, on_commit=on_commit)
    try:
        yield Store(database, writer)
    finally:
        writer.close()
        database.close()
