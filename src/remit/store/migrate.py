"""Migrations: numbered SQL files, applied once each, in order, every one in a transaction of its own."""

import re
import sqlite3
from dataclasses import dataclass
from importlib.resources import files

from remit.core import ConflictError, IntegrityError, digest

_FILE = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z_]+)\.sql$")
_TABLE = """
create table if not exists migrations (
  number integer primary key, name text not null, digest text not null, applied_at text not null default current_timestamp
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered change of the schema."""

    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        """What was applied, so that a later edit of the file is noticed."""
        return digest(self.sql.encode())


def load_migrations() -> list[Migration]:
    """Returns every migration shipped with Remit, in order."""
    found = [
        Migration(int(match["number"]), match["name"], entry.read_text(encoding="utf-8"))
        for entry in files("remit.store").joinpath("migrations").iterdir()
        if (match := _FILE.match(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.number)


def migrate(connection: sqlite3.Connection, migrations: list[Migration] | None = None) -> list[Migration]:
    """Applies what is missing and returns it.

    An applied file that was edited since is an `IntegrityError`; a store that a newer Remit has changed, whose tables
    this one does not know, is a `ConflictError`.
    """
    wanted = load_migrations() if migrations is None else migrations
    connection.execute(_TABLE)
    _check_not_newer(connection, wanted)
    applied: list[Migration] = []
    for migration in wanted:
        connection.execute("begin immediate")
        try:
            if _is_missing(connection, migration):
                for statement in _statements(migration.sql):
                    connection.execute(statement)
                connection.execute(
                    "insert into migrations(number, name, digest) values (?, ?, ?)",
                    (migration.number, migration.name, migration.digest),
                )
                applied.append(migration)
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:  # some faults, such as a full disk, have ended it already
                connection.execute("rollback")
            raise
    return applied


def _check_not_newer(connection: sqlite3.Connection, wanted: list[Migration]) -> None:
    newest = connection.execute("select max(number) from migrations").fetchone()[0] or 0
    known = max((migration.number for migration in wanted), default=0)
    if newest > known:
        raise ConflictError(
            "The store was made by a newer Remit",
            why=f"it has migration {newest:04d}, this Remit knows {known:04d}",
            hint="Upgrade Remit, or restore the file from before the upgrade",
        )


def _is_missing(connection: sqlite3.Connection, migration: Migration) -> bool:
    row = connection.execute("select digest from migrations where number = ?", (migration.number,)).fetchone()
    if row is None:
        return True
    if row[0] != migration.digest:
        raise IntegrityError(
            "A migration was changed after it was applied",
            which=f"{migration.number:04d}_{migration.name}",
            hint="Restore the file and write a new migration",
        )
    return False


def _statements(sql: str) -> list[str]:
    """Splits a file into statements; triggers, whose bodies hold semicolons, stay whole."""
    statements: list[str] = []
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return [statement for statement in [*statements, pending] if statement.strip()]
