"""Every statement of every package is one that PostgreSQL can take, single and as a set."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import LiteralString, cast

import pytest
from tests.store.test_queries import OWNERS

from remit.core import Connections
from remit.store import Queries, Query, load_migrations, load_queries, migrate, open_database
from remit.store.postgresql.connection import Connection, connect, set_text_of, text_of
from remit.testing import PostgresServer

# What only SQLite is asked.
SQLITE_ONLY = {"doctor.has_table", "doctor.quick_check"}
_NAMED = re.compile(r"%\((\w+)\)s")


@pytest.fixture(scope="module")
def connection(postgresql_server: PostgresServer) -> Iterator[Connection]:
    """A connection to a migrated database."""
    url = postgresql_server.fresh()
    open_database(url, folder=Path()).migrate()
    with connect(url, Connections()) as opened:
        yield opened
    postgresql_server.drop(url)


def prepared(connection: Connection, text: str) -> None:
    """Has the server look at a statement without running it."""
    names = list(dict.fromkeys(_NAMED.findall(text)))
    numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")
    # Texts are sent as texts; here nothing is sent.
    numbered = re.sub(r"(json_each|json_extract)\((\$\d+)", r"\1(\2::text", numbered)
    connection.execute(cast("LiteralString", f"prepare looked_at as {numbered}"))
    connection.execute("deallocate looked_at")


def queries() -> Iterator[tuple[str, Query]]:
    for owner in OWNERS:
        found: Queries = load_queries(owner)
        for name in found.names():
            yield f"{owner}.{name}", found[name]


@pytest.mark.parametrize(("name", "query"), [pytest.param(name, query, id=name) for name, query in queries()])
def test_postgresql_can_take_it(connection: Connection, name: str, query: Query) -> None:
    if query.name in SQLITE_ONLY:
        return
    prepared(connection, text_of(query))
    if query.many:
        prepared(connection, set_text_of(query))


def test_texts_are_compared_by_their_code_points_as_sqlite_does(connection: Connection) -> None:
    """No locale has a say in what is before what; nobody sorts migrations by their text."""
    rows = connection.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and data_type = 'text' and table_name <> 'migrations' and collation_name is distinct from 'C'"
    ).fetchall()
    assert rows == []


def test_both_have_the_same_tables(connection: Connection) -> None:
    kinds = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        migrate(file, load_migrations())
        tables = [row[0] for row in file.execute("select name from sqlite_master where type = 'table'")]
        ours = {
            (table, row[1], kinds[row[2]])
            for table in tables
            if table != "migrations" and not table.startswith("sqlite")
            for row in file.execute(f"pragma table_info({table})")
        }
    rows = connection.execute(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
        " and table_name not in ('migrations', 'log_pending', 'log_streams', 'charges_uncounted')"
    )
    theirs = {tuple(row.values()) for row in rows.fetchall()}
    assert theirs == ours
