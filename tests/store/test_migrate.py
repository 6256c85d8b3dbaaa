"""Migrations: applied once, in order, each whole or not at all, from nothing and from any earlier version."""

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from remit.core import ConflictError, IntegrityError
from remit.store import Migration, SqliteDatabase, load_migrations, migrate

ALL = load_migrations()
ONE = Migration(1, "one", "create table one (id integer primary key);\ninsert into one values (1);\n")
TWO = Migration(2, "two", "create table two (id integer primary key);\n")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = SqliteDatabase("sqlite:///store.db", folder=tmp_path)
    connection = database.connect()
    yield connection
    connection.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    return {row["name"] for row in rows} - {"migrations"}


def fill(connection: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    """Puts a row into every empty table, in the columns that must be given; returns what every table has then."""
    connection.execute("pragma foreign_keys = off")  # the order of tables is not the point
    for table in [table for table in tables(connection) if not rows(connection, table)]:
        values = a_row(connection, table)
        names = ", ".join(values)
        connection.execute(f"insert into {table} ({names}) values (:{names.replace(', ', ', :')})", values)  # noqa: S608
    connection.execute("pragma foreign_keys = on")
    return {table: rows(connection, table) for table in tables(connection)}


def a_row(connection: sqlite3.Connection, table: str) -> dict[str, str | int | bytes]:
    """Returns values for the columns of `table` that have no default; all texts are alike, so references hold."""
    schema = connection.execute("select sql from sqlite_schema where name = ?", (table,)).fetchone()["sql"]
    columns = connection.execute(f"pragma table_info({table})").fetchall()
    given = [column for column in columns if (column["notnull"] or column["pk"]) and column["dflt_value"] is None]
    row: dict[str, str | int | bytes] = {}
    for name, kind in ((column["name"], column["type"].lower()) for column in given):
        allowed = re.search(rf"check \({name} in \('(\w+)'", schema)
        row[name] = allowed[1] if allowed else {"integer": 1, "blob": b"x"}.get(kind, "x")
    return row | ({"leaf_index": 0} if "leaf_index" in row else {})  # the log begins at nought


def rows(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(f"select * from {table}")]  # noqa: S608


def test_the_shipped_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in ALL] == list(range(1, len(ALL) + 1))


def test_from_nothing_everything_is_applied_in_order(connection: sqlite3.Connection) -> None:
    assert migrate(connection) == ALL
    assert migrate(connection) == []
    assert {"log", "versions", "tasks", "runs", "switches", "budgets", "approvals"} <= tables(connection)


@pytest.mark.parametrize("applied", range(1, len(ALL)), ids=lambda count: f"{count:04d}")
def test_what_was_kept_under_an_earlier_version_survives_the_upgrade(
    connection: sqlite3.Connection, applied: int
) -> None:
    migrate(connection, ALL[:applied])
    kept = fill(connection)
    assert kept
    assert migrate(connection, ALL) == ALL[applied:]
    for table, before in kept.items():
        assert [{name: row[name] for name in before[0]} for row in rows(connection, table)] == before
    assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    assert connection.execute("pragma foreign_key_check").fetchall() == []


def test_an_upgraded_store_has_the_schema_of_a_new_one(connection: sqlite3.Connection) -> None:
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    migrate(fresh)
    for count in range(1, len(ALL) + 1):
        migrate(connection, ALL[:count])
    schema = "select type, name, sql from sqlite_schema order by type, name"
    assert [tuple(row) for row in connection.execute(schema)] == [tuple(row) for row in fresh.execute(schema)]
    fresh.close()


def test_an_edited_migration_is_noticed(connection: sqlite3.Connection) -> None:
    migrate(connection, [ONE])
    with pytest.raises(IntegrityError, match="'0001_one'"):
        migrate(connection, [Migration(1, "one", ONE.sql + "-- a thought\n"), TWO])
    assert tables(connection) == {"one"}


def test_a_store_of_a_newer_remit_is_not_touched(connection: sqlite3.Connection) -> None:
    migrate(connection, [ONE, TWO])
    with pytest.raises(ConflictError, match="newer"):
        migrate(connection, [ONE])


@pytest.mark.parametrize(
    "last", ["selekt 1;", "insert into one values (1);", "insert or rollback into one values (1);"]
)
def test_a_migration_that_fails_leaves_nothing_of_itself(connection: sqlite3.Connection, last: str) -> None:
    broken = Migration(2, "broken", f"create table two (id integer);\n{last}\n")
    with pytest.raises(sqlite3.Error, match=r"syntax error|UNIQUE"):
        migrate(connection, [ONE, broken])
    assert tables(connection) == set(), "a new store has all or nothing"
    migrate(connection, [ONE])
    with pytest.raises(sqlite3.Error, match=r"syntax error|UNIQUE"):
        migrate(connection, [ONE, broken])
    assert tables(connection) == {"one"}
    assert migrate(connection, [ONE, TWO]) == [TWO]


def test_a_trigger_with_semicolons_and_comments_stay_whole(connection: sqlite3.Connection) -> None:
    sql = """-- first; a comment
create table notes (id integer primary key, text text);  -- and; another
create trigger twice after insert on notes begin
  update notes set text = 'a;b' where id = new.id;
  update notes set text = text || ';c' where id = new.id;
end;
insert into notes (id) values (1);
-- the last word;
"""
    migrate(connection, [Migration(1, "notes", sql)])
    assert connection.execute("select text from notes").fetchone()[0] == "a;b;c"


def test_several_that_start_at_once_apply_everything_once(tmp_path: Path) -> None:
    database = SqliteDatabase("sqlite:///store.db", folder=tmp_path)

    def start(_: int) -> list[Migration]:
        connection = database.connect()
        try:
            return migrate(connection)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        applied = [migration for some in threads.map(start, range(4)) for migration in some]
    assert sorted(applied, key=lambda migration: migration.number) == ALL
