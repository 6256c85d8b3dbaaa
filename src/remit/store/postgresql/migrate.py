"""Migrations on PostgreSQL: the same files, one process at a time, while others go on.

Behind a statement that waits for a table every later one on that table waits too, signs of life among them. So a migration
waits a short time only, lets all others pass, and begins again. What it does takes as long as it takes.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import LiteralString, cast

from psycopg.errors import DeadlockDetected, LockNotAvailable

from remit.core import BusyError
from remit.store.migrate import check_not_newer, check_unchanged, due, load_migrations
from remit.store.model import Migration
from remit.store.postgresql.connection import AWAY, Connection
from remit.store.postgresql.ddl import postgresql_ddl

_log = logging.getLogger("remit.store")
# Which advisory lock belongs to whoever migrates.
TABLES = 0x52454D4954 + 2
# How long a migration waits for each lock; others wait behind it meanwhile, and a worker has its sign of life to give.
WAIT_SECONDS = 2.0
# As long as others pass then; and how often it is tried, for about a minute.
PAUSE_SECONDS = 1.0
TRIES = 20
_BOUNDS: LiteralString = """
select set_config('lock_timeout', %s, true), set_config('statement_timeout', '0', true)
"""
# What each of them is called everybody may see, and since when it has been at it not everybody.
_IN_THE_WAY: LiteralString = """
select a.pid, a.application_name as name, coalesce(a.usename, a.backend_type) as login,
  extract(epoch from clock_timestamp() - a.xact_start)::bigint as seconds
from unnest(pg_blocking_pids(%s::int)) as b(pid) join pg_stat_activity a on a.pid = b.pid order by a.xact_start, a.pid
"""
_TABLE: LiteralString = """
create table if not exists migrations (
  number bigint not null, name text not null, digest text not null,
  applied_at text not null default to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  primary key (number, name)
)
"""


def migrate_postgresql(
    connection: Connection,
    migrations: Sequence[Migration] | None = None,
    *,
    post: bool = False,
    look: Callable[[], Connection] | None = None,
) -> list[Migration]:
    """Applies what is missing and returns it; as `remit.store.migrate`, with one process at a time.

    `look` opens the connection that sees who is in the way of this one.
    """
    wanted = load_migrations("postgresql") if migrations is None else migrations
    applied = _applied(connection)
    check_not_newer(max(applied, default=0), wanted)
    for migration in wanted:
        if migration.number in applied:
            check_unchanged(migration, applied[migration.number])
    missing = [migration for migration in due(wanted, post=post) if migration.number not in applied]
    # Whoever only uses the tables may not make any, and need not.
    return [migration for migration in missing if _apply(connection, migration, look)]


def _apply(connection: Connection, migration: Migration, look: Callable[[], Connection] | None) -> bool:
    """Applies one that is missing; whether it was. While somebody is in its way it is tried again, so often."""
    told, last = "", None
    for _ in range(TRIES):
        with _watched(connection.info.backend_pid, look) as seen:
            try:
                return _apply_once(connection, migration)
            except (LockNotAvailable, DeadlockDetected) as fault:
                last = fault
        if seen and (who := ", ".join(seen)) != told:
            told = who
            _log.warning("migration %s waits, and is tried again; in its way: %s", migration.name, told)
        time.sleep(PAUSE_SECONDS)
    raise BusyError(
        "The tables cannot be changed now",
        which=migration.name,
        why=f"In the way: {told}" if told else "Others hold them for too long",
        hint="Nothing of it was done. Wait for that to end, or end it (pg_terminate_backend), and try again",
    ) from last


def _apply_once(connection: Connection, migration: Migration) -> bool:
    """Applies one, all or nothing, and waits for each lock a short time."""
    patience = connection.answer_seconds
    connection.answer_seconds = None  # an index takes as long as its table is large
    try:
        with connection.transaction():
            connection.execute(_BOUNDS, [str(round(WAIT_SECONDS * 1000))])
            connection.execute("select pg_advisory_xact_lock(%s)", [TABLES])
            connection.execute(_TABLE)
            digest = _applied(connection).get(migration.number)
            if digest is not None:
                check_unchanged(migration, digest)
                return False
            # Several statements at once, without parameters: ours, from files of this package.
            connection.execute(cast("LiteralString", text_for_postgresql(migration)))
            connection.execute(
                "insert into migrations (number, name, digest) values (%s, %s, %s)",
                [migration.number, migration.name, migration.digest],
            )
    finally:
        connection.answer_seconds = patience
    return True


@contextmanager
def _watched(backend: int, look: Callable[[], Connection] | None) -> Generator[list[str]]:
    """Notes whom `backend` waits for, once it takes longer than most migrations do."""
    seen: list[str] = []
    if look is None:
        yield seen
        return

    over = threading.Event()

    def note() -> None:
        if over.wait(WAIT_SECONDS / 4):
            return
        with suppress(*AWAY, BusyError), look() as connection:
            while not over.is_set():
                rows = connection.execute(_IN_THE_WAY, [backend]).fetchall()
                seen[:] = [_named(row["name"], row["pid"], row["login"], row["seconds"]) for row in rows] or seen
                over.wait(WAIT_SECONDS / 4)

    thread = threading.Thread(target=note, name="remit-migrate", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _named(name: str, process: int, login: str, seconds: int | None) -> str:
    since = "" if seconds is None else f", for {seconds} s"
    return f"{name or 'a connection without a name'} (process {process} of {login}{since})"


def text_for_postgresql(migration: Migration) -> str:
    """Returns the statements of a migration; what was written for PostgreSQL is taken as it is."""
    return migration.sql if migration.written_for == "postgresql" else postgresql_ddl(migration.sql)


def _applied(connection: Connection) -> dict[int, str]:
    there = connection.execute("select to_regclass('migrations') is not null as there").fetchone()
    if there is None or not there["there"]:
        return {}
    rows = connection.execute("select number, digest from migrations").fetchall()
    return {row["number"]: row["digest"] for row in rows}
