"""Which database the tests run on; what is about SQLite alone; and a hand behind Remit's back, whichever it is."""

import os
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from remit.store import Database, SqliteDatabase
from remit.store.postgresql import PostgresDatabase

ON_POSTGRESQL = os.environ.get("REMIT_TEST_DATABASE") == "postgresql"
# What a test says that is left out where all others run on PostgreSQL.
SQLITE_ONLY = "SQLite only"


def sqlite_only(why: str) -> pytest.MarkDecorator:
    """Marks what looks into SQLite's file, or at how SQLite goes about a statement."""
    return pytest.mark.skipif(ON_POSTGRESQL, reason=f"{SQLITE_ONLY}: {why}")


def same_database() -> dict[str, str]:
    """Returns what a process is told, so that it works on the database of this test: SQLite's it finds by itself."""
    return {"REMIT_DATABASE_URL": os.environ["REMIT_DATABASE_URL"]} if ON_POSTGRESQL else {}


def connected(database: Database) -> sqlite3.Connection:
    """Opens a connection to SQLite's file; the caller closes it. On another database the test is left out."""
    if not isinstance(database, SqliteDatabase):
        assert ON_POSTGRESQL
        pytest.skip(f"{SQLITE_ONLY}: it looks into the file")
    return database.connect()


def execute(database: Database, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Executes a statement with `?` for its values behind Remit's back, and returns the rows it gives."""
    if isinstance(database, SqliteDatabase):
        with closing(database.connect()) as connection:
            return [tuple(row) for row in connection.execute(sql, values).fetchall()]
    assert isinstance(database, PostgresDatabase)
    with database.connect("a test") as server:
        cursor = server.execute(sql.replace("%", "%%").replace("?", "%s").encode(), values)
        return [tuple(row.values()) for row in cursor.fetchall()] if cursor.description else []


def everything(database: Database) -> list[str]:
    """Returns every row of every table, with bytes as the text they may be."""
    tables = "select tablename from pg_tables where schemaname = 'public'"
    if isinstance(database, SqliteDatabase):
        tables = "select name from sqlite_master where type = 'table'"
    names = [name for (name,) in execute(database, f"{tables} order by 1")]
    return [f"{name} {row}" for name in names for row in sorted(map(str, execute(database, f"select * from {name}")))]  # noqa: S608 - our own tables


def unseal_log(database: Database) -> None:
    """Takes away what keeps entries of the log from being changed."""
    at = "log_no_update" if isinstance(database, SqliteDatabase) else "log_never_changes on log"
    execute(database, f"drop trigger if exists {at}")


def edit_log(database: Database, old: str, new: str, decision: str = "") -> int:
    """Has one text for another in the log, if need be only in what it says of a decision; returns in how many entries."""
    unseal_log(database)
    body = "cast(replace(cast(body as text), ?, ?) as blob)"
    if not isinstance(database, SqliteDatabase):
        body = "convert_to(replace(convert_from(body, 'UTF8'), ?, ?), 'UTF8')"
    which = "where ? = '' or (ref = ? and kind = 'decision')"
    return len(execute(database, f"update log set body = {body} {which} returning 1", old, new, decision, decision))  # noqa: S608 - as above
