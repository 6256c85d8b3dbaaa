"""Every statement finds and does the same on both databases, and the same for many commits as for each of them alone."""

import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql
from tests.store.content import COUNTED, Asking, fill
from tests.store.test_queries import QUERIES

from remit.core import Connections
from remit.store import Query, load_migrations, migrate, open_database
from remit.store.postgresql.connection import Connection, connect, set_text_of, text_of
from remit.store.postgresql.sets import rows_json
from remit.testing import PostgresServer

# How often each statement is tried.
DRAWS, SETS, MEETINGS, MEMBERS, MOST_DRAWS = 10, 6, 20, 3, 100
# What is asked of the server or its files, and what differs on purpose: charges wait in a queue until they are counted, a claim waits for
# nobody, a version is seen every five seconds.
OF_THE_SERVER = {
    "doctor.has_table", "doctor.quick_check", "doctor.server_facts", "doctor.server_rights", "doctor.server_time",
    "doctor.tables_applied", "operations.applied", "operations.has_migrations", "operations.probe", "operations.server",
    "kpis.unmarked", "kpis.mark", "journal.begin_claims", "journal.database_time", "registry.seen",
}  # fmt: skip
# The constraint of a table is told of in the database's own words.
FAULT = "the database refused it"
Said = tuple[Any, list[str]]
Rows = list[dict[str, Any]]


class Sqlite:
    """The content in SQLite."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("pragma foreign_keys = on")
        migrate(self.connection, load_migrations())
        fill(self.connection)

    def rows(self, table: str) -> Rows:
        order = " order by rowid" if table in ("charges", "feedback") else ""
        return self._rows(self.connection.execute(f"select * from {table}{order}"))  # noqa: S608  our own tables

    def tables(self) -> list[str]:
        found = self.connection.execute("select name from sqlite_master where type = 'table' order by rowid")
        return [row[0] for row in found if row[0] != "migrations" and not row[0].startswith("sqlite")]

    def backwards(self, query: Query, parameters: Mapping[str, Any]) -> Said:
        """The same, with rows of no order coming the other way round."""
        self.connection.execute("pragma reverse_unordered_selects = on")
        try:
            return self.said(query, parameters)
        finally:
            self.connection.execute("pragma reverse_unordered_selects = off")

    def said(self, query: Query, parameters: Mapping[str, Any]) -> Said:
        """Runs a statement and takes it back; returns its rows, or how many it changed, and what its table then has."""
        self.connection.execute("begin")
        try:
            cursor = self.connection.execute(query.sql, parameters)
            found = self._rows(cursor) if cursor.description else cursor.rowcount
            return found, _kept(self, query)
        except sqlite3.IntegrityError:
            return FAULT, []
        finally:
            self.connection.execute("rollback")

    def _rows(self, cursor: sqlite3.Cursor) -> Rows:
        columns = [each[0] for each in cursor.description]
        assert len(set(columns)) == len(columns), f"two columns of one name: {columns}"
        return [dict(zip(columns, row, strict=True)) for row in cursor]


class Postgresql:
    """The same content in PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def fill(self, content: Mapping[str, Rows]) -> None:
        """Copies the content."""
        for table, rows in content.items():
            named = sql.Identifier(table)
            if table in ("figures_head", "log_head"):
                self.connection.execute(sql.SQL("delete from {}").format(named))
            for row in rows:
                columns, values = (sql.SQL(", ").join(map(kind, row)) for kind in (sql.Identifier, sql.Placeholder))
                text = sql.SQL("insert into {} ({}) values ({})").format(named, columns, values)
                self.connection.execute(text, row)
        self.connection.execute(
            "insert into charges_uncounted (agent, at, unit, kind, source, amount, priced, input_tokens, output_tokens)"
            " select agent, at, unit, kind, source, amount, priced, input_tokens, output_tokens"
            " from charges order by ctid offset %s",
            [COUNTED],
        )
        self.connection.execute("select setval('feedback_number_seq', (select max(number) from feedback))")
        self.connection.execute("analyze")

    def rows(self, table: str) -> Rows:
        found = self.connection.execute(sql.SQL("select * from {}").format(sql.Identifier(table))).fetchall()
        return [_common(row) for row in found]

    def said(self, query: Query, parameters: Mapping[str, Any]) -> Said:
        """Runs a statement and takes it back; returns its rows, or how many it changed, and what its table then has."""
        return self.tried(query, lambda: self._run(query, parameters))

    def tried(self, query: Query, run: Callable[[], Any]) -> Said:
        try:
            with self.connection.transaction(force_rollback=True):
                return run(), _kept(self, query)
        except (psycopg.IntegrityError, psycopg.errors.CardinalityViolation):
            return FAULT, []

    def _run(self, query: Query, parameters: Mapping[str, Any]) -> Any:
        if query.name == "journal.claim":
            self.connection.execute(text_of(next(each for each in QUERIES if each.name == "journal.begin_claims")))
        cursor = self.connection.execute(text_of(query), parameters, prepare=True)
        return [_common(row) for row in cursor.fetchall()] if cursor.description else cursor.rowcount

    def one_by_one(self, query: Query, members: Sequence[Mapping[str, Any]]) -> Said:
        """Runs the single form for each member."""
        return self.tried(query, lambda: [self._run(query, each) for each in members])

    def as_set(self, query: Query, members: Sequence[Mapping[str, Any]]) -> Said:
        """Runs the set form; returns for each member what it returned, or None where the form tells nobody."""

        def run() -> Any:
            cursor = self.connection.execute(set_text_of(query), {"rows": rows_json(members)}, prepare=True)
            if not cursor.description:
                return None
            rows = [_common(row) for row in cursor.fetchall()]
            return [_without([row for row in rows if row["i"] == i], "i") for i in range(len(members))]

        return self.tried(query, run)


_TARGET = re.compile(r"\b(?:insert into|update|delete from)\s+([a-z_]+)")


def _kept(database: Sqlite | Postgresql, query: Query) -> list[str]:
    """Returns what the table that a statement changes has, in an order of its own."""
    rows = [row for table in _TARGET.findall(query.sql)[:1] for row in database.rows(table)]
    # A number that was taken back is given anew by SQLite, and never again by PostgreSQL.
    return [repr(row) for row in _sorted(_without(rows, "number" if query.name == "journal.add_feedback" else ""))]


def _without(rows: Rows, column: str) -> Rows:
    return [{name: value for name, value in row.items() if name != column} for row in rows]


def _sorted(rows: Rows) -> list[list[tuple[str, Any]]]:
    return sorted((sorted(row.items()) for row in rows), key=repr)


def _common(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a row without what PostgreSQL's charges have besides."""
    is_own = "counted" in row
    return {name: value for name, value in row.items() if not (is_own and name in ("number", "counted"))}


def _plain(said: Any, *, ordered: bool) -> Any:
    """Returns rows so that only what is alike is equal: a type counts, spaces and the order in a JSON text do not."""
    if not isinstance(said, list):
        return said
    rows = [
        repr([(name if name.isidentifier() else "", _value(value)) for name, value in sorted(row.items())])
        for row in cast("Rows", said)
    ]
    return rows if ordered else sorted(rows)


def _value(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        found: list[Any] | dict[str, Any] = json.loads(value)
        return sorted(map(repr, found if isinstance(found, list) else found.items()))
    return value


def _is_ordered(sql: str) -> bool:
    """Whether a statement says in which order its rows come: its own words, not those in brackets."""
    inner = None
    while inner != sql:
        inner, sql = sql, re.sub(r"\([^()]*\)", " ", sql)
    return "order by" in sql.rpartition("union all")[2]


@pytest.fixture(scope="module")
def sqlite() -> Iterator[Sqlite]:
    opened = Sqlite()
    with closing(opened.connection):
        yield opened


@pytest.fixture(scope="module")
def content(sqlite: Sqlite) -> dict[str, Rows]:
    return {table: sqlite.rows(table) for table in sqlite.tables()}


@pytest.fixture(scope="module")
def postgresql(postgresql_server: PostgresServer, content: dict[str, Rows]) -> Iterator[Postgresql]:
    url = postgresql_server.fresh()
    open_database(url, folder=Path()).migrate()
    with connect(url, Connections()) as opened:
        there = Postgresql(opened)
        there.fill(content)
        yield there
    postgresql_server.drop(url)


@pytest.mark.parametrize(
    "query", [each for each in QUERIES if each.name not in OF_THE_SERVER], ids=lambda query: query.name
)
def test_both_databases_find_and_do_the_same(
    sqlite: Sqlite, postgresql: Postgresql, content: dict[str, Rows], query: Query
) -> None:
    asking, draw, ordered = Asking(content), random.Random(query.name), _is_ordered(query.sql)
    drawn, hits = 0, 0
    while drawn < DRAWS or (not hits and drawn < MOST_DRAWS):
        drawn += 1
        parameters = asking.parameters(query, draw)
        (found, kept), (there, kept_there) = sqlite.said(query, parameters), postgresql.said(query, parameters)
        assert (parameters, _plain(there, ordered=ordered)) == (parameters, _plain(found, ordered=ordered))
        assert (parameters, kept_there) == (parameters, kept)
        hits += found not in (0, [], FAULT)
        again, kept_again = sqlite.backwards(query, parameters)
        assert (parameters, _plain(again, ordered=ordered)) == (parameters, _plain(found, ordered=ordered))
        assert (parameters, kept_again) == (parameters, kept)
    assert hits, "it never found anything: tests/store/content.py says what there is"


# The log takes entries of one stretch only: `test_conformance.py` has many of them written at once.
STRETCHES = {"audit.insert_entry"}


@pytest.mark.parametrize(
    "query", [each for each in QUERIES if each.many and each.name not in STRETCHES], ids=lambda query: query.name
)
def test_a_set_does_what_its_members_do_one_by_one(
    postgresql: Postgresql, content: dict[str, Rows], query: Query
) -> None:
    asking, draw = Asking(content), random.Random(query.name)
    drawn, hits = 0, 0
    while drawn < SETS or (not hits and drawn < MOST_DRAWS):
        drawn += 1
        members = asking.members(query, draw, MEMBERS, apart=True)
        (singly, kept), (together, kept_together) = (
            postgresql.one_by_one(query, members),
            postgresql.as_set(query, members),
        )
        hits += singly != FAULT and any(singly)
        assert (members, kept_together) == (members, kept)
        if together is not None:
            assert (members, together) == (members, _as_a_set(singly))
    assert hits, "no member ever held"


@pytest.mark.parametrize(
    "query", [each for each in QUERIES if each.many and each.name not in STRETCHES], ids=lambda query: query.name
)
def test_members_that_want_one_row_get_no_more_of_it_than_one_by_one(
    postgresql: Postgresql, content: dict[str, Rows], query: Query
) -> None:
    asking, draw = Asking(content), random.Random(query.name)
    for _ in range(MEETINGS):
        members = asking.members(query, draw, MEMBERS, apart=False)
        (singly, kept), (together, kept_together) = (
            postgresql.one_by_one(query, members),
            postgresql.as_set(query, members),
        )
        held = _as_a_set(singly)
        if together is None or together == held:
            assert (members, kept_together) == (members, kept)
        elif FAULT not in (together, held):
            assert sum(map(len, together)) <= sum(map(len, held))


def _as_a_set(singly: Any) -> Any:
    """Returns what statements said one by one as a set form says it: a row for each that was changed, columns by name."""
    if singly == FAULT:
        return FAULT
    return [_rows_of(each) for each in cast("list[int | Rows]", singly)]


def _rows_of(said: int | Rows) -> Rows:
    if isinstance(said, int):
        return [{} for _ in range(said)]
    return [{name: row[name] for name in row if name.isidentifier()} for row in said]
