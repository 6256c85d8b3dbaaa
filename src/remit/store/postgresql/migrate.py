"""Migrations on PostgreSQL: the same files, one process at a time."""

from collections.abc import Sequence
from typing import LiteralString, cast

from remit.store.migrate import check_not_newer, check_unchanged, due, load_migrations
from remit.store.model import Migration
from remit.store.postgresql.connection import Connection
from remit.store.postgresql.ddl import postgresql_ddl

# Which advisory lock belongs to whoever migrates.
TABLES = 0x52454D4954 + 2
_TABLE: LiteralString = """
create table if not exists migrations (
  number bigint not null, name text not null, digest text not null,
  applied_at text not null default to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  primary key (number, name)
)
"""


def migrate_postgresql(
    connection: Connection, migrations: Sequence[Migration] | None = None, *, post: bool = False
) -> list[Migration]:
    """Applies what is missing and returns it; as `remit.store.migrate`, with one process at a time."""
    wanted = load_migrations("postgresql") if migrations is None else migrations
    applied = _applied(connection)
    check_not_newer(max(applied, default=0), wanted)
    for migration in wanted:
        if migration.number in applied:
            check_unchanged(migration, applied[migration.number])
    missing = [migration for migration in due(wanted, post=post) if migration.number not in applied]
    # Whoever only uses the tables may not make any, and need not.
    return [migration for migration in missing if _apply(connection, migration)]


def _apply(connection: Connection, migration: Migration) -> bool:
    """Applies one that is missing; whether it was."""
    with connection.transaction():
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
    return True


def text_for_postgresql(migration: Migration) -> str:
    """Returns the statements of a migration; what was written for PostgreSQL is taken as it is."""
    return migration.sql if migration.written_for == "postgresql" else postgresql_ddl(migration.sql)


def _applied(connection: Connection) -> dict[int, str]:
    there = connection.execute("select to_regclass('migrations') is not null as there").fetchone()
    if there is None or not there["there"]:
        return {}
    rows = connection.execute("select number, digest from migrations").fetchall()
    return {row["number"]: row["digest"] for row in rows}
