"""A commit is data: named statements with the row counts they expect, and the log entries that go with them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from remit.core import BusyError, digest

Value = str | int | float | bytes | None
Row = Mapping[str, Any]
Dialect = Literal["sqlite", "postgresql"]
# Here, because whoever looks at a server must not need its driver.
KNOWS_TRANSACTION_TIMEOUT = 170_000
"""The version of PostgreSQL, as a server tells it, from which on a transaction as a whole can be bounded."""


@dataclass(frozen=True, slots=True)
class Query:
    """One named SQL statement: `package.name` and its text with `:named` parameters; see `remit.store.queries`."""

    name: str
    sql: str
    postgresql: str = ""
    """PostgreSQL's own text; empty where the common one will do."""
    many: str = ""
    """PostgreSQL's text for any number of commits at once; empty when they are sent one by one."""
    columns: str = ""
    """Parameters of `many`, with their types."""
    alone: bool = False
    """Whether its commit must share its moment with no other."""
    rank: int = 50
    """Its place in a transaction of PostgreSQL: the most contended rows are locked last, and all in one order."""
    locks: str = ""
    """`table.column` of contended rows it names by a parameter like the column, and ` but ` how the values of others begin;
    empty where it locks for itself."""


class Statement(NamedTuple):
    """A query with its parameters, and what must be true of it for the commit to stand.

    `want` is the number of rows it must return or change; None takes any. When the number differs, the whole
    commit is refused and `refusal` says in whose words.
    """

    query: Query
    parameters: Mapping[str, Value]
    want: int | None = 1
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One log entry to be appended in the commit: the stream it belongs to, its kind, and its JSON object.

    The `Appender` gives it the next `run_seq` of its stream and its place in the log. Where that comes later than the
    commit, `seq` is what the commit has given it (0: it has not), and the appender takes no other.
    """

    stream: str
    kind: str
    ref: str
    at: int
    body: bytes
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """Statements and log entries that stand or fall together.

    `key` names what is being decided (such as run and step); two commits with one key never share a batch.
    """

    statements: Sequence[Statement]
    entries: Sequence[Entry] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit is durable. `rows` holds what each statement returned, in order (empty for plain writes)."""

    rows: Sequence[Sequence[Row]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class CommitRefused:
    """Nothing of the commit happened: a guard did not hold. An expected refusal, so a value."""

    statement: str
    refusal: str
    got: int
    want: int


CommitResult = Committed | CommitRefused


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered change of the schema."""

    number: int
    name: str
    sql: str
    is_post: bool = False
    """Whether it waits until nothing of an older version is at work."""
    written_for: Dialect = "sqlite"
    """Whose SQL it is; see `remit.store.postgresql.ddl`."""

    @property
    def digest(self) -> str:
        """What was applied, so that a later edit of the file is noticed."""
        return digest(self.sql.encode())


class ConstraintError(Exception):
    """A constraint or a trigger of the database did not hold."""


class Transaction(Protocol):
    """An open transaction, for who adds to a commit: SQLite's writer has one, PostgreSQL's sequencer another."""

    def rows(self, query: Query, parameters: Mapping[str, Value]) -> list[Row]:
        """Returns all rows of a reading query; it sees what this transaction wrote."""
        ...

    def run(self, query: Query, parameters: Sequence[Mapping[str, Value]]) -> None:
        """Runs a writing query once for each of `parameters`; `ConstraintError` when the database forbids it."""
        ...


class Appender(Protocol):
    """Puts entries into the log inside a transaction; `audit.Log` is the one, `NoLog` serves store's tests."""

    def append(self, transaction: Transaction, entries: Sequence[Entry]) -> None:
        """Appends `entries` in order; no two transactions do it at the same moment."""
        ...


class DeferredError(Exception):
    """A commit that must be alone has not found a moment for it, and nothing of it stands.

    The writer hands it in again, and what waits behind it passes in between; `seconds` after its first try it is given up
    with `fault`.
    """

    def __init__(self, fault: BusyError, seconds: float) -> None:
        self.fault = fault
        self.seconds = seconds
        super().__init__(str(fault))


Answer = CommitResult | BaseException


class Committer(Protocol):
    """Makes commits durable; it belongs to the writer's thread."""

    def commit(self, commits: Sequence[Commit]) -> list[Answer]:
        """Puts as many of `commits` as stand into one durable transaction and returns the answer to each, in order.

        A fault that is raised belongs to all of them, and nothing of them stands.
        """
        ...

    def close(self) -> None:
        """Closes its connection."""
        ...


class ChangeFeed(Protocol):
    """Says when something was committed, in this process or in another."""

    def position(self) -> int:
        """Returns a number that differs after anything that people could see was committed."""
        ...

    async def wait(self, after: int, *, seconds: float) -> int:
        """Returns the new position, or `after` when nothing was committed within `seconds`."""
        ...

    def close(self) -> None:
        """Closes the feed's connection."""
        ...


class Sequencer(Protocol):
    """Moves entries of commits into the log, where commits do not do it themselves."""

    def catch_up(self) -> None:
        """Returns when every entry that was committed before the call is in the log."""
        ...

    def lag(self) -> int:
        """Returns how many entries wait for their place."""
        ...

    def close(self) -> None:
        """Moves what is left, and stops."""
        ...


class Database(Protocol):
    """Where a cell keeps everything: `SqliteDatabase` one file, `PostgresDatabase` a server."""

    @property
    def dialect(self) -> Dialect:
        """Which SQL it speaks."""
        ...

    @property
    def place(self) -> str:
        """Where it is, for people: never with a password."""
        ...

    def migrate(self, *, post: bool = False) -> list[Migration]:
        """Applies the migrations that are missing and returns them; see `remit.store.migrate`."""
        ...

    def read(self, query: Query, parameters: Mapping[str, Value] | None = None) -> list[Row]:
        """Returns all rows of a reading query as of now."""
        ...

    def read_one(self, query: Query, parameters: Mapping[str, Value] | None = None) -> Row | None:
        """Returns the first row, or None."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """Lets everything this thread reads inside speak of one moment, whatever is committed meanwhile."""
        ...

    def committer(self, appender: Appender, reach: Callable[[str], None] | None) -> Committer:
        """Opens what the writer commits with; `reach` is called inside each transaction before its end."""
        ...

    def sequencer(self, appender: Appender, reach: Callable[[str], None] | None) -> Sequencer:
        """Begins to move committed entries into the log; nothing needs moving where commits do it themselves."""
        ...

    def changes(self) -> ChangeFeed:
        """Opens a feed of what is committed."""
        ...

    def close(self) -> None:
        """Closes every connection of readers."""
        ...
