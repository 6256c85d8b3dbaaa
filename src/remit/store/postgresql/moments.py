"""Which commits may share a moment: every transaction shares an advisory lock, and what must be alone takes it for itself.

PostgreSQL serves its queue in order: behind a request for the lock alone every later one waits, whoever holds it. A
process that is frozen may hold it for seconds, so such a request waits a short time only, gives way to all that came
behind it, and is made again.
"""

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString

import psycopg

from remit.store.model import Commit
from remit.store.postgresql.connection import IDLE_SECONDS, Connection

# Which advisory lock all transactions share: any number, but always this one.
MOMENT = 0x52454D4954
_SHARED: LiteralString = "select pg_advisory_xact_lock_shared(%s), pg_current_xact_id()::text as xid"
_ALONE: LiteralString = "select pg_advisory_xact_lock(%s), pg_current_xact_id()::text as xid"
_PATIENCE: LiteralString = "select set_config('lock_timeout', %s, true)"
# How long a request to be alone holds others up: much longer than a transaction takes, so that it has its turn under any
# load of ours, and much shorter than others wait for a worker's sign of life.
ALONE_SECONDS = 1.0
# In all it waits longer than the server lets anybody be silent in a transaction (see `remit.store.postgresql.connection`).
SPARE_SECONDS = IDLE_SECONDS + ALONE_SECONDS


def moments(commits: Sequence[Commit]) -> Iterator[list[int]]:
    """Yields which commits may share a transaction, in order."""
    together: list[int] = []
    for number, commit in enumerate(commits):
        if not is_alone(commit):
            together.append(number)
            continue
        if together:
            yield together
        yield [number]
        together = []
    if together:
        yield together


def is_alone(commit: Commit) -> bool:
    """Whether a commit must share its moment with no other."""
    return any(statement.query.alone for statement in commit.statements)


def begin(connection: Connection, *, alone: bool, lock_seconds: float) -> "psycopg.Cursor[Any]":
    """Begins a transaction and waits for its moment; the cursor returned has its number, `xid`.

    One that is alone waits for rows no longer than for its moment: all others wait for it meanwhile.
    """
    connection.execute("begin")
    if alone:
        milliseconds = round(min(ALONE_SECONDS, lock_seconds) * 1000)
        connection.execute(_PATIENCE, [str(milliseconds)], prepare=True)
    return connection.execute(_ALONE if alone else _SHARED, [MOMENT], prepare=True)
