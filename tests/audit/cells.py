"""A cell small enough for tests of the log: one file, one writer, one key, a clock that stands still."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from remit.audit import Log, SigningKey, make_entry, write_export
from remit.core import JsonValue
from remit.store import Commit, Committed, Entry, SqliteDatabase, Writer, load_migrations, migrate

NAME = "cell.example"


@dataclass
class StandingClock:
    """Shows the moment it was last set to."""

    moment: int = 1_700_000_000_000_000

    def now(self) -> int:
        return self.moment


@dataclass(frozen=True)
class Cell:
    """What a test of the log needs."""

    database: SqliteDatabase
    log: Log
    writer: Writer
    key: SigningKey
    clock: StandingClock

    def say(self, stream: str, count: int = 1, **fields: JsonValue) -> None:
        """Logs `count` entries in `stream`, one commit each."""
        for number in range(count):
            self.commit(entry(stream, number=number, **fields))

    def commit(self, *entries: Entry) -> None:
        """Commits entries together."""
        assert isinstance(self.writer.commit_now(Commit([], entries)), Committed)

    def sign(self) -> str:
        """Signs what is not yet signed and returns the newest checkpoint."""
        if commit := self.log.checkpoint_commit():
            self.writer.commit_now(commit)
        note = self.log.latest_checkpoint()
        assert note is not None
        return note

    def export(self, target: Path) -> Path:
        """Signs and exports everything."""
        self.sign()
        write_export(self.log, target)
        return target


def entry(stream: str = "run_a", ref: str = "", **fields: JsonValue) -> Entry:
    """Returns an entry like those the gateway makes."""
    return make_entry(stream, "action.decided", ref, 1_700_000_000_000_000, {"tool": "shop__get_order", **fields})


@contextmanager
def open_cell(folder: Path, key: SigningKey | None = None) -> Generator[Cell]:
    """Opens the cell in `folder`, made when missing; several may be open on one file."""
    database = SqliteDatabase("sqlite:///log.db", folder=folder)
    connection = database.connect()
    migrate(connection, [migration for migration in load_migrations() if migration.name == "audit"])
    connection.close()
    clock = StandingClock()
    key = key or SigningKey.new(NAME)
    log = Log(database, key, clock)
    writer = Writer(database, appender=log)
    try:
        yield Cell(database, log, writer, key, clock)
    finally:
        writer.close()
        database.close()
