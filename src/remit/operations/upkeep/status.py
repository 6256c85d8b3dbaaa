"""Where the database is, how large, and how far: what `remit database status` tells."""

from typing import Any

from remit.audit import newest_checkpoint
from remit.operations.upkeep.backup import size_of
from remit.store import Database, Migration, load_migrations, load_queries

_Q = load_queries("remit.operations")


def migration_name(migration: Migration) -> str:
    """Returns how a migration is spoken of."""
    return f"{migration.number:04d}_{migration.name}{'.post' if migration.is_post else ''}"


def pending_migrations(database: Database) -> list[Migration]:
    """Returns the migrations this Remit knows and the database has not had; of an empty database, all."""
    has_table = bool(database.read(_Q["has_migrations"]))
    applied = {row["number"] for row in database.read(_Q["applied"])} if has_table else set[int]()
    return [each for each in load_migrations(database.dialect) if each.number not in applied]


def database_status(database: Database) -> dict[str, Any]:
    """Returns dialect, place, version, size, migrations and how far the log is behind."""
    server = database.read(_Q["server"])[0]
    has_table = bool(database.read(_Q["has_migrations"]))
    applied = {row["number"] for row in database.read(_Q["applied"])} if has_table else set[int]()
    known = {migration.number for migration in load_migrations(database.dialect)}
    pending = [each for each in pending_migrations(database)]
    sizes: dict[str, Any] = {} if any(not each.is_post for each in pending) else {**database.read(_Q["sizes"])[0]}
    return {
        "dialect": database.dialect,
        "place": database.place,
        "version": server["version"],
        "bytes": server["bytes"],
        "tasks": sizes.get("tasks"),
        "runs": sizes.get("runs"),
        "entries": sizes.get("entries"),
        "signed": size_of(newest_checkpoint(database)) if sizes else None,
        "lag": database.read(_Q["waiting"])[0]["count"] if sizes else None,
        "migrations": len(applied),
        "pending": [migration_name(each) for each in pending],
        "newer": sorted(applied - known),
    }
