"""A commit is data: named statements with the row counts they expect, and the log entries that go with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | bytes | None
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One named SQL statement: `package.name` and its text with `:named` parameters."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Statement:
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

    The writer's `Appender` gives it the next `run_seq` of its stream and its place in the log.
    """

    stream: str
    kind: str
    ref: str
    at: int
    body: bytes


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
