"""Where it is kept: database, migrations, named queries, group commit, change feed."""

from remit.store.changes import ChangeFeed
from remit.store.database import Database, sqlite_path
from remit.store.migrate import Migration, load_migrations, migrate
from remit.store.model import Commit, CommitRefused, CommitResult, Committed, Entry, Query, Row, Statement, Value
from remit.store.queries import Queries, load_queries
from remit.store.read_only import ReadOnlyDatabase
from remit.store.writer import Appender, NoLog, Writer

__all__ = [
    "Appender",
    "ChangeFeed",
    "Commit",
    "CommitRefused",
    "CommitResult",
    "Committed",
    "Database",
    "Entry",
    "Migration",
    "NoLog",
    "Queries",
    "Query",
    "ReadOnlyDatabase",
    "Row",
    "Statement",
    "Value",
    "Writer",
    "load_migrations",
    "load_queries",
    "migrate",
    "sqlite_path",
]
