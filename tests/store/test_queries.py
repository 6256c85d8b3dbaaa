"""Named queries: every name used exists, and every query fits the schema."""

import ast
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import remit
from remit.core import NotFoundError
from remit.store import Queries, Query, load_migrations, load_queries, migrate

SOURCE = Path(remit.__path__[0])
OWNERS = sorted(f"remit.{path.parent.relative_to(SOURCE)}".replace("/", ".") for path in SOURCE.rglob("queries.sql"))
QUERIES = [load_queries(owner)[name] for owner in OWNERS for name in load_queries(owner).names()]


def used_names(package: str) -> Iterator[str]:
    """Yields every constant with which a module of `package` looks into its queries, or asks for a journal's step."""
    folder = SOURCE / package.removeprefix("remit.").replace(".", "/")
    for path in sorted(folder.rglob("*.py")):
        if any(
            (above / "queries.sql").is_file() for above in path.parents if above != folder and folder in above.parents
        ):
            continue  # a package inside that has queries of its own
        tree = ast.parse(path.read_text(encoding="utf-8"))
        loaded = {target.id for node in ast.walk(tree) for target in loaded_into(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in loaded:
                yield from constants(node.slice)


def loaded_into(node: ast.AST) -> list[ast.Name]:
    """Returns the names `load_queries(...)` is assigned to."""
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
        return []
    is_load = isinstance(node.value.func, ast.Name) and node.value.func.id == "load_queries"
    return [target for target in node.targets if is_load and isinstance(target, ast.Name)]


def constants(node: ast.AST) -> Iterator[str]:
    """Yields the texts an expression chooses from; the condition of `a if x == 'b' else c` is not among them."""
    if isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_the_packages_that_keep_something_have_queries() -> None:
    assert {"remit.audit", "remit.journal", "remit.controls", "remit.ledger", "remit.approvals"} <= set(OWNERS)


@pytest.mark.parametrize("owner", OWNERS)
def test_every_name_used_exists(owner: str) -> None:
    used = set(used_names(owner))
    assert used
    assert used <= set(load_queries(owner).names())


def test_every_step_statement_asked_of_the_journal_exists() -> None:
    calls = [
        node
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "write_step"
    ]
    used = {name for call in calls for name in constants(call.args[0])}
    assert used
    assert used <= set(load_queries("remit.journal").names())


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_query_fits_the_schema(query: Query, schema: sqlite3.Connection) -> None:
    anything: dict[str, None] = defaultdict(lambda: None)
    assert schema.execute(f"explain {query.sql}", anything).fetchall()


@pytest.fixture(scope="module")
def schema() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, load_migrations())
    yield connection
    connection.close()


@pytest.mark.parametrize("owner", OWNERS)
def test_no_name_stands_there_twice_and_none_is_overlooked(owner: str) -> None:
    text = (SOURCE / owner.removeprefix("remit.").replace(".", "/") / "queries.sql").read_text(encoding="utf-8")
    assert text.count("-- name:") == len(load_queries(owner).names())


def test_an_unknown_name_lists_those_there_are() -> None:
    queries = Queries("remit.some", "-- name: one\nselect 1;\n\n-- name: two\n-- why\nselect 2\n")
    assert queries["one"] == Query("some.one", "select 1")
    assert queries["two"].sql == "select 2"
    with pytest.raises(NotFoundError, match=r"'three'\. remit\.some has: one, two"):
        queries["three"]
