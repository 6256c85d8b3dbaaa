"""Where it is kept: database, migrations, named queries, group commit, change feed."""

from remit.store.database import driver_fault, open_database
from remit.store.migrate import load_migrations, migrate
from remit.store.model import (
    KNOWS_TRANSACTION_TIMEOUT,
    Appender,
    ChangeFeed,
    Commit,
    CommitRefused,
    CommitResult,
    Committed,
    ConstraintError,
    Database,
    Dialect,
    Entry,
    Migration,
    Query,
    Row,
    Sequencer,
    Statement,
    Transaction,
    Value,
)
from remit.store.queries import Queries, load_queries
from remit.store.sqlite import ReadOnlySqlite, SqliteDatabase, SqliteTransaction, sqlite_path
from remit.store.writer import NoLog, Writer

__all__ = [
    "KNOWS_TRANSACTION_TIMEOUT",
    "Appender",
    "ChangeFeed",
    "Commit",
    "CommitRefused",
    "CommitResult",
    "Committed",
    "ConstraintError",
    "Database",
    "Dialect",
    "Entry",
    "Migration",
    "NoLog",
    "Queries",
    "Query",
    "ReadOnlySqlite",
    "Row",
    "Sequencer",
    "SqliteDatabase",
    "SqliteTransaction",
    "Statement",
    "Transaction",
    "Value",
    "Writer",
    "driver_fault",
    "load_migrations",
    "load_queries",
    "migrate",
    "open_database",
    "sqlite_path",
]
