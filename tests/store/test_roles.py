"""Roles are known to a whole server: two cells on it never have one together, whatever they are called."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, LiteralString, cast

import psycopg
import pytest

from remit.core import ConflictError, Connections
from remit.store.postgresql.connection import connect
from remit.store.postgresql.roles import KINDS, LONGEST_NAME, apply_roles, role_names, roles_sql
from remit.testing import PostgresServer

Fresh = Callable[[], str]


@pytest.fixture
def fresh(postgresql_server: PostgresServer, migrated_url: str) -> Iterator[Fresh]:
    """Makes databases of cells, with all tables."""
    made: list[str] = []

    def make() -> str:
        made.append(postgresql_server.fresh(like=migrated_url))
        return made[-1]

    yield make
    for url in made:
        postgresql_server.drop(url)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A cell's name that no other test has."""
    return f"cell-{abs(hash(request.node.nodeid)) % 1_000_000}"


def apply(url: str, name: str, *, take_over: bool = False) -> None:
    with connect(url, Connections()) as connection:
        apply_roles(connection, name, take_over=take_over)


def execute(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(cast("LiteralString", statement))
        return cursor.fetchall() if cursor.description else []


def database(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def worker(server: PostgresServer, name: str) -> Callable[[str], str]:
    """Makes a login for processes at work; returns what gives its URL of a database."""
    app, sequencer, _ = role_names(name)
    execute(server.url(), f'create role "{name} worker" login in role "{app}", "{sequencer}"')
    return lambda url: url.replace("postgres@", f"{name}%20worker@")


def test_a_second_cell_of_the_same_name_is_refused_and_lets_nobody_of_the_first_in(
    postgresql_server: PostgresServer, fresh: Fresh, name: str
) -> None:
    first, second = fresh(), fresh()
    apply(first, name)
    with pytest.raises(ConflictError, match=f"{name}_app belongs to the database {database(first)} of the") as refused:
        apply(second, name)
    assert "Give this cell a `name` of its own in remit.toml" in refused.value.hint
    apply(first, name)
    apply(second, f"{name}-2")
    own = worker(postgresql_server, name)
    assert execute(own(first), "select count(*) from runs") == [(0,)]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        execute(own(second), "select 1")


def test_what_is_printed_for_psql_gives_nothing_away_behind_a_refusal(
    postgresql_server: PostgresServer, fresh: Fresh, name: str
) -> None:
    first, second = fresh(), fresh()
    apply(first, name)
    psql = shutil.which("psql", path=str(postgresql_server.binaries))
    assert psql is not None
    told = [
        subprocess.run([psql, url, "-q"], input=roles_sql(name), capture_output=True, text=True, check=False).stderr
        for url in (first, second)
    ]
    assert told[0] == ""
    assert f"belongs to the database {database(first)}" in told[1]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(worker(postgresql_server, name)(second), "select count(*) from runs")


def test_a_role_that_was_there_is_taken_when_it_can_get_into_no_other_database(fresh: Fresh, name: str) -> None:
    first, second = fresh(), fresh()
    app, *_ = role_names(name)
    execute(first, f'create role "{app}"')
    apply(first, name)
    execute(first, f'comment on role "{app}" is null')
    with pytest.raises(ConflictError, match=f"{app} belongs to the database {database(first)}"):
        apply(second, name)
    apply(first, name)
    said = dict(execute(first, "select rolname, shobj_description(oid, 'pg_authid') from pg_roles"))
    assert said[app] == f"Remit: {database(first)}"


def test_a_database_that_was_renamed_or_dropped_keeps_its_roles_from_nobody(
    postgresql_server: PostgresServer, fresh: Fresh, name: str
) -> None:
    first, second = fresh(), fresh()
    apply(first, name)
    renamed = f"{database(first)}_renamed"
    execute(postgresql_server.url(), f'alter database "{database(first)}" rename to "{renamed}"')
    with pytest.raises(ConflictError, match=f"belongs to the database {renamed}"):
        apply(second, name)
    apply(postgresql_server.url(renamed), name)
    postgresql_server.drop(postgresql_server.url(renamed))
    apply(second, name)


def test_a_cell_that_moved_to_another_database_takes_its_roles_along(
    postgresql_server: PostgresServer, fresh: Fresh, name: str
) -> None:
    damaged, restored = fresh(), fresh()
    apply(damaged, name)
    own = worker(postgresql_server, name)
    with pytest.raises(ConflictError, match="belongs to") as refused:
        apply(restored, name)
    assert "remit database roles --apply --take-over" in refused.value.hint
    apply(restored, name, take_over=True)
    apply(restored, name)
    assert execute(own(restored), "select count(*) from runs") == [(0,)]
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        execute(own(damaged), "select 1")
    with pytest.raises(ConflictError, match=f"belongs to the database {database(restored)}"):
        apply(damaged, name)


def test_long_names_have_roles_of_their_own_and_usual_ones_theirs_as_they_are(fresh: Fresh) -> None:
    assert role_names("north.example-2") == tuple(f"north.example-2_{kind}" for kind in KINDS)
    longest = [f"{'n' * length}{end}" for length in range(40, 63) for end in "ab"]
    roles = [role for name in longest for role in role_names(name)]
    assert len({*roles}) == len(longest) * len(KINDS)
    assert max(map(len, roles)) == LONGEST_NAME
    first, second = fresh(), fresh()
    apply(first, f"{'n' * 62}a")
    apply(second, f"{'n' * 62}b")
