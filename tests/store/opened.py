"""A store of its own, migrated, with a writer; for the tests of everything that commits."""

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from remit.audit import Log
from remit.store import Appender, Commit, CommitRefused, Database, Statement, Writer, open_database

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


def store_in(folder: Path, url: str = "") -> Database:
    """Returns the database at `url`: a file in `folder`, or what the whole suite runs on."""
    return open_database(url or os.environ.get("REMIT_DATABASE_URL", URL), folder=folder)


@contextmanager
def open_store(
    folder: Path,
    *,
    appender: Appender | None = None,
    on_commit: Callable[[int], None] | None = None,
    reach: Callable[[str], None] | None = None,
    url: str = "",
) -> Generator[Store]:
    """Opens the store that `store_in` names, made when missing; several may be open on one."""
    database = store_in(folder, url)
    database.migrate()
    writer = Writer(database, appender=appender, on_commit=on_commit, reach=reach)
    with ExitStack() as closing:
        closing.callback(database.close)
        if isinstance(appender, Log):
            sequencer = database.sequencer(appender, None)
            appender.moved_by(sequencer)
            closing.callback(sequencer.close)
        closing.callback(writer.close)
        yield Store(database, writer)
