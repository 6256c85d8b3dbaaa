"""Opens the database that a URL names."""

from importlib import import_module
from pathlib import Path

from remit.core import Connections, InputError, RemitError
from remit.store.model import Database
from remit.store.sqlite import ReadOnlySqlite, SqliteDatabase

_POSTGRESQL = "remit.store.postgresql"
SCHEMES = ("postgresql", "postgres")
_DRIVER = "psycopg"
# What to do about what a server says, by SQLSTATE.
_MENDED_BY = {
    "42501": "Log in as a member of the cell's roles; after a migration, `remit database roles --apply` as the owner",
    "42P01": "`remit database migrate` as the tables' owner",
}


def open_database(url: str, *, folder: Path, limits: Connections | None = None, read_only: bool = False) -> Database:
    """Opens the database at `url`: `sqlite:///PATH`, relative to `folder`, or `postgresql://…`.

    `limits` bound what a server is asked for. With `read_only`, nothing is made, migrated or written. Any other URL is an `InputError`.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return (ReadOnlySqlite if read_only else SqliteDatabase)(url, folder=folder)
    if scheme in SCHEMES:  # its driver is loaded where it is used: it would slow down every command
        return import_module(_POSTGRESQL).PostgresDatabase(url, limits=limits or Connections(), read_only=read_only)
    raise InputError(
        "Cannot open this database",
        which=scheme,
        why="only SQLite and PostgreSQL are supported",
        hint="Write sqlite:///PATH or postgresql://USER@HOST/NAME",
    )


def driver_fault(fault: Exception) -> RemitError | None:
    """Returns in words what a server's driver has raised; None of what is no driver's."""
    if type(fault).__module__.partition(".")[0] != _DRIVER:
        return None
    why, state = (str(fault).splitlines() or [""])[0], str(getattr(fault, "sqlstate", ""))
    hint = _MENDED_BY.get(state, "`remit doctor` looks at the database")
    return RemitError("The database's server refuses it", why=why, hint=hint)
