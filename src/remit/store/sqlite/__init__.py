"""A cell's store in one SQLite file."""

from remit.store.sqlite.committer import SqliteTransaction
from remit.store.sqlite.database import SqliteDatabase, sqlite_path
from remit.store.sqlite.read_only import ReadOnlySqlite

__all__ = ["ReadOnlySqlite", "SqliteDatabase", "SqliteTransaction", "sqlite_path"]
