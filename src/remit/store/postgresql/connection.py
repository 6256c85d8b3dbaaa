"""Connections to PostgreSQL: what they are set to, and what their faults mean."""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any, LiteralString, cast
from urllib.parse import urlsplit

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.adapt import Buffer, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from remit.core import BusyError, Connections, InputError
from remit.store.model import KNOWS_TRANSACTION_TIMEOUT, Query, Value
from remit.store.queries import postgresql_text

# How long the first plans of a connection's statements are kept, and how long later ones at most: each is kept twice as long.
PLANS_SECONDS, MOST_PLANS_SECONDS = 2.0, 300.0
# How often a wait looks whether it is interrupted.
INTERVAL = 0.1


class NoAnswerError(psycopg.OperationalError):
    """The server, or what lies between, said nothing for too long; the connection is closed."""


class StalePlanError(psycopg.OperationalError):
    """A statement was prepared for tables that a migration has changed since; the connection is closed, another does."""


class Connection(psycopg.Connection[DictRow]):
    """A connection that is given up when no answer comes: what lies between us and a server may be silent for good.

    The server's own bounds need a server that hears us, and those of TCP a peer that is gone; a proxy that hangs is neither.
    """

    answer_seconds: float | None = None
    """How long an answer is waited for."""
    _planned_at: float = 0.0
    _plans_hold: float = PLANS_SECONDS

    def renew_plans(self) -> None:
        """Drops the plans of prepared statements when they are old: they were made for tables as small as they were then.

        The server itself plans anew when a table was analyzed, which a young one is after a minute at the soonest.
        """
        now = time.monotonic()
        if not self._planned_at:
            self._planned_at = now
        elif now - self._planned_at >= self._plans_hold:
            self.execute("discard plans")
            self._planned_at, self._plans_hold = now, min(2 * self._plans_hold, MOST_PLANS_SECONDS)

    def wait(self, gen: PQGen[Any], interval: float = INTERVAL, timeout: float | None = None) -> Any:
        """Waits as psycopg does; an answer that does not come is a `NoAnswerError`, a plan of before a `StalePlanError`."""
        try:
            return self._bounded(gen, interval, timeout)
        except (
            errors.FeatureNotSupported
        ) as fault:  # "cached plan must not change result type", in the server's language
            self.close()
            raise StalePlanError(str(fault)) from fault

    def _bounded(self, gen: PQGen[Any], interval: float, timeout: float | None) -> Any:
        if timeout is not None or self.answer_seconds is None:
            return super().wait(gen, interval, timeout)
        began = time.monotonic()
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except psycopg.OperationalError as fault:
            if fault.sqlstate is None and time.monotonic() - began >= self.answer_seconds:
                self.close()
                raise NoAnswerError(f"no answer came for {self.answer_seconds:g} s") from None
            raise


class NumberLoader(Loader):
    """Reads a `numeric`, which sums of integers are, as the number it is."""

    def load(self, data: Buffer) -> int | float:
        """Returns an integer for what is one."""
        text = bytes(data)
        return float(text) if b"." in text or text == b"NaN" else int(text)


# A process that was frozen inside a transaction holds up whoever pulls a switch; ours have milliseconds between two
# statements, on a busy machine some hundred.
IDLE_SECONDS = 3.0
# A peer that is gone is found out within 25 seconds; as the server is set, it would be hours, and a quarter of one where
# it owes an answer to what it was sent.
KEEPALIVES = {"idle": 10, "interval": 5, "count": 3}
UNHEARD_SECONDS = KEEPALIVES["idle"] + KEEPALIVES["interval"] * KEEPALIVES["count"]
# Statements kept prepared by each connection; we have fewer than this.
PREPARED = 512
_RETRIED = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_ENDED = (errors.TransactionTimeout, errors.IdleInTransactionSessionTimeout)
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, *_ENDED)
"""Faults of the connection or the server, not of what was asked; the driver counts the last two as something else."""


def connect(
    url: str, limits: Connections, *, read_only: bool = False, name: str = "remit", is_brief: bool = False
) -> Connection:
    """Opens a connection with our settings; a server that cannot be reached is a `BusyError`.

    `is_brief`: its transactions take milliseconds. What they ask finds its rows by their keys, however small a table was
    when the plan was made, and the server ends one that takes long, with its locks.
    """
    try:
        connection = Connection.connect(url, **settings(limits, read_only=read_only, name=name, is_brief=is_brief))
        set_up(connection, limits)
        if is_brief:
            _bound_transactions(connection, limits)
    except psycopg.OperationalError as fault:
        raise unreachable(url, fault) from fault
    return connection


def _bound_transactions(connection: Connection, limits: Connections) -> None:
    """Lets the server end a transaction that takes longer than waiting for a lock and being idle together.

    `idle_in_transaction_session_timeout` does not count while a pipeline is open: whose network is cut in the middle of one
    would hold its locks. Servers before 17 do not know this bound; there such locks are held until the connection ends: with
    its process, or, when machine or network is gone, by keepalive. Nothing ends that of a process that stays frozen.
    """
    if connection.info.server_version >= KNOWS_TRANSACTION_TIMEOUT:
        milliseconds = round(longest_transaction(limits.lock_seconds) * 1000)
        connection.execute("select set_config('transaction_timeout', %s, false)", [str(milliseconds)])


def longest_transaction(lock_seconds: float) -> float:
    """Returns for how many seconds a transaction that should be brief may go on."""
    return lock_seconds + IDLE_SECONDS


def check_url(url: str) -> None:
    """Raises an `InputError` for a URL that cannot be read, before a driver says so with the password in its words."""
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise InputError("Cannot read the database URL", hint="Write postgresql://USER@HOST/NAME") from None


def settings(limits: Connections, *, read_only: bool, name: str, is_brief: bool = False) -> dict[str, Any]:
    """Returns what a connection is opened with, the server's own bounds for it among them."""
    bounds = {
        "statement_timeout": limits.statement_seconds,
        "lock_timeout": limits.lock_seconds,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    options = [f"-c {bound}={round(seconds * 1000)}" for bound, seconds in bounds.items()]
    # Both ends look whether the other is still there: the locks of a machine that is gone are the server's to give up.
    options += [f"-c tcp_keepalives_{name}={value}" for name, value in KEEPALIVES.items()]
    options.append(f"-c tcp_user_timeout={UNHEARD_SECONDS * 1000}")  # where an answer is under way, nobody asks
    # Our statements take milliseconds; to compile one takes longer, and the server may think that it pays.
    options += [
        "-c jit=off",
        "-c synchronous_commit=on",
        f"-c default_transaction_read_only={'on' if read_only else 'off'}",
    ]
    if is_brief:
        options += ["-c enable_seqscan=off", "-c random_page_cost=1.1"]
    return {
        "autocommit": True,
        "row_factory": dict_row,
        "options": " ".join(options),
        "application_name": name,
        "connect_timeout": round(limits.connect_seconds),
        **{f"keepalives_{name}": value for name, value in KEEPALIVES.items()},
        "tcp_user_timeout": round(limits.statement_seconds * 1000),
    }


def set_up(connection: psycopg.Connection[Any], limits: Connections) -> None:
    """Sets how long answers are waited for, and how values travel: so that a statement is prepared once."""
    if isinstance(connection, Connection):
        connection.answer_seconds = limits.statement_seconds + limits.lock_seconds
    # Integers of one width, and text as text.
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(str, StrDumper)
    connection.adapters.register_loader("numeric", NumberLoader)
    connection.prepared_max = PREPARED


def without_nul(values: Mapping[str, Value]) -> dict[str, Value]:
    """Returns values as PostgreSQL can keep and look for them: its texts take every character but one.

    Whose words they are, a tool's or a person's, is no reason that a run could not even fail.
    """
    return {name: text_without_nul(value) if isinstance(value, str) else value for name, value in values.items()}


def text_without_nul(text: str) -> str:
    """Returns a text with the sign for what cannot be told where it has a NUL."""
    return text.replace("\0", "\ufffd")


def unreachable(url: str, fault: Exception) -> BusyError:
    """Tells that the server does not answer; never with a password."""
    why = " ".join(str(fault).split())
    return BusyError(
        "The database cannot be reached",
        which=place(url),
        why=why or type(fault).__name__,
        hint="Try again; `remit doctor` looks at it",
    )


def place(url: str) -> str:
    """Returns host and name of a database, without user and password."""
    try:
        parts: Mapping[str, Any] = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return urlsplit(url).hostname or ""
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{host}{port}/{parts.get('dbname') or ''}"


def is_passing(fault: BaseException) -> bool:
    """Whether the same may well succeed at once: the server has chosen somebody to give way."""
    return isinstance(fault, _RETRIED)


def is_broken(connection: Connection, fault: BaseException) -> bool:
    """Whether a connection was found broken; not that it was given up because it took too long, here or there."""
    given_up = (NoAnswerError, errors.TransactionTimeout)
    return connection.closed and isinstance(fault, AWAY) and not isinstance(fault, given_up)


@cache
def text_of(query: Query) -> LiteralString:
    """Returns what PostgreSQL is sent for a query."""
    return cast("LiteralString", (query.postgresql and postgresql_text(query.postgresql)) or postgresql_text(query.sql))


@cache
def set_text_of(query: Query) -> LiteralString:
    """Returns the set form of a query, with its rows as one JSON parameter."""
    rows = f"json_to_recordset(%(rows)s::json) as v(i bigint, {query.columns})"
    return cast("LiteralString", query.many.replace("%", "%%").replace("{rows}", rows))
