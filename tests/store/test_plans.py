"""How PostgreSQL is told to find rows: a commit by their keys, and nobody for good by what a table was like at first."""

import time
from collections.abc import Iterator

import pytest

from remit.core import Connections
from remit.store import load_queries
from remit.store.postgresql.connection import PLANS_SECONDS, Connection, connect, text_of


@pytest.fixture
def url(postgresql_url: str) -> str:
    """A database with a few notes, as many as fit on one page."""
    with connect(postgresql_url, Connections()) as connection:
        connection.execute("create table notes (id bigint primary key, text text not null)")
        connection.execute("insert into notes select n, 'a note' from generate_series(1, 50) as n")
        connection.execute("analyze notes")
    return postgresql_url


@pytest.fixture
def committing(url: str) -> Iterator[Connection]:
    with connect(url, Connections(), is_brief=True) as connection:
        yield connection


def way(connection: Connection) -> str:
    """Returns the plan for a few notes by their numbers."""
    rows = connection.execute("explain select n.text from notes n join unnest(array[1, 2]) as v(id) on v.id = n.id")
    return "\n".join(str(row["QUERY PLAN"]) for row in rows.fetchall())


def test_what_commits_finds_rows_of_a_small_table_by_their_keys(committing: Connection, url: str) -> None:
    assert "notes_pkey" in way(committing)
    with connect(url, Connections()) as reading:
        assert "Seq Scan on notes" in way(reading)


def test_plans_of_prepared_statements_are_made_anew(url: str) -> None:
    with connect(url, Connections()) as connection:
        connection.execute("set plan_cache_mode = force_generic_plan")
        connection.renew_plans()
        prepared = "prepare of_number(bigint) as select text from notes where id < $1"
        connection.execute(prepared)
        assert "Seq Scan" in executed(connection)
        connection.execute("insert into notes select n, 'a note' from generate_series(51, 20000) as n")
        assert "Seq Scan" in executed(connection), "the plan is kept"
        time.sleep(PLANS_SECONDS)
        connection.renew_plans()
        assert "notes_pkey" in executed(connection)


def executed(connection: Connection) -> str:
    rows = connection.execute("explain execute of_number(3)").fetchall()
    return "\n".join(str(row["QUERY PLAN"]) for row in rows)


def test_plans_are_dropped_inside_a_snapshot_too(url: str) -> None:
    with connect(url, Connections(), read_only=True) as connection:
        connection.renew_plans()
        time.sleep(PLANS_SECONDS)
        connection.execute("begin isolation level repeatable read read only")
        connection.renew_plans()
        assert connection.execute("select count(*) as count from notes").fetchall() == [{"count": 50}]


@pytest.mark.parametrize("name", ["questions", "denied"])
def test_a_list_is_unpacked_once_and_not_for_every_row_of_a_table_nothing_is_known_of(
    migrated_url: str, name: str
) -> None:
    with connect(migrated_url, Connections(), read_only=True) as connection:
        rows = connection.execute(f"explain {text_of(load_queries('remit.kpis')[name])}", {"tasks": "[]"}).fetchall()
    before, _, after = "\n".join(str(row["QUERY PLAN"]) for row in rows).partition("InitPlan 1")
    assert "ProjectSet" not in before
    assert after.count("ProjectSet") == 1
    assert "(task = ANY ((InitPlan 1)" in after
