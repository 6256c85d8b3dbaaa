"""Migrations: numbered SQL files, applied once each, in order: to a new store all in one transaction, to
an older one each in its own.

`NNNN_name.sql` adds what newer code needs and older code does not mind: every process applies it when it starts, whoever
else is at work. `NNNN_name.post.sql` takes away what only older code needed: it is applied when somebody says so, once
nothing of the older version is at work. `NNNN_name.postgresql.sql` takes the place of `NNNN_name.sql` on PostgreSQL; what
has none goes through `remit.store.postgresql.ddl`.
"""

import re
import sqlite3
from collections.abc import Iterable
from importlib.resources import files

from remit.core import ConflictError, IntegrityError
from remit.store.model import Dialect, Migration

_FILE = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z_]+)(?P<post>\.post)?(?:\.(?P<dialect>postgresql))?\.sql$")
_TABLE = """
create table if not exists migrations (
  number integer primary key, name text not null, digest text not null, applied_at text not null default current_timestamp
)
"""


def load_migrations(dialect: Dialect = "sqlite") -> list[Migration]:
    """Returns every migration shipped with Remit, in order."""
    found: dict[tuple[int, bool], Migration] = {}
    for entry in sorted(
        files("remit.store").joinpath("migrations").iterdir(), key=lambda each: each.name, reverse=True
    ):
        match = _FILE.match(entry.name)  # `NAME.sql` comes before `NAME.postgresql.sql`
        if match and match["dialect"] in (None, dialect):
            number, is_post = int(match["number"]), match["post"] is not None
            text = entry.read_text(encoding="utf-8")
            written_for: Dialect = "postgresql" if match["dialect"] else "sqlite"
            found[number, is_post] = Migration(number, match["name"], text, is_post, written_for)
    return sorted(found.values(), key=lambda migration: (migration.number, migration.is_post))


def migrate(
    connection: sqlite3.Connection, migrations: list[Migration] | None = None, *, post: bool = False
) -> list[Migration]:
    """Applies what is missing and returns it; with `post`, also what waited for older versions to be gone.

    An applied file that was edited since is an `IntegrityError`; a store that a newer Remit has changed, whose tables
    this one does not know, is a `ConflictError`.
    """
    wanted = load_migrations() if migrations is None else migrations
    connection.execute(_TABLE)
    newest = connection.execute("select max(number) from migrations").fetchone()[0] or 0
    check_not_newer(newest, wanted)
    missing = due(wanted, post=post)
    # A store that has nothing gets all of it in one transaction: each of its own would wait for the disk.
    together = [[each] for each in missing] if newest else [missing]
    return [applied for some in together for applied in _apply(connection, some)]


def _apply(connection: sqlite3.Connection, migrations: list[Migration]) -> list[Migration]:
    """Applies those of `migrations` that are missing in one transaction, and returns them."""
    applied: list[Migration] = []
    connection.execute("begin immediate")
    try:
        for migration in migrations:
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


def due(migrations: Iterable[Migration], *, post: bool) -> list[Migration]:
    """Returns those that may be applied now."""
    return [migration for migration in migrations if post or not migration.is_post]


def check_not_newer(newest: int, wanted: Iterable[Migration]) -> None:
    """Raises `ConflictError` when the store has a migration that this Remit does not know."""
    known = max((migration.number for migration in wanted), default=0)
    if newest > known:
        raise ConflictError(
            "The store was made by a newer Remit",
            why=f"it has migration {newest:04d}, this Remit knows {known:04d}",
            hint="Upgrade Remit, or restore the file from before the upgrade",
        )


def check_unchanged(migration: Migration, digest_applied: str) -> None:
    """Raises `IntegrityError` when what was applied is not what the file says now."""
    if digest_applied != migration.digest:
        raise IntegrityError(
            "A migration was changed after it was applied",
            which=f"{migration.number:04d}_{migration.name}",
            hint="Restore the file and write a new migration",
        )


def _is_missing(connection: sqlite3.Connection, migration: Migration) -> bool:
    row = connection.execute("select digest from migrations where number = ?", (migration.number,)).fetchone()
    if row is None:
        return True
    check_unchanged(migration, row[0])
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
