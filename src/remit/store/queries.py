"""Named SQL: `queries.sql` beside the package that owns it, and `postgresql.sql` for what PostgreSQL must do differently.

Both have one statement under each `-- name:` line. The common text is SQLite's, with `:named` parameters, and PostgreSQL's
too unless `postgresql.sql` has a statement of the same name. Right under its name, a statement there may say:

    -- many: run text, step bigint    it is a *set form*: it stands for any number of commits at once, whose parameters are
                                      the rows of `{rows}`, a table `v(i, run, step)`; it returns the `i` of each that held
    -- alone                          its commit shares its transaction, and its moment, with no other
    -- rank: 90                       its place in a transaction: rows that many want are locked last, and in one order
    -- locks: budgets.id              rows many want, which it names by its parameter `id`: all that the statements of a
                                      transaction name are locked together, in their order, before the first of them
    -- locks: budgets.id but run:     the same, without those that begin so: one commit at a time wants them

A statement may be there twice, once with `many` and once without.
"""

import re
from dataclasses import replace
from functools import cache
from importlib.resources import files

from remit.core import NotFoundError
from remit.store.model import Query

_NAME = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^-- (?P<word>many|alone|rank|locks)(?:: (?P<value>.*))?$")
_ORDERED_JOIN = re.compile(r"\bcross join(?= \w+ \w+ on\b)")
_LISTED = re.compile(
    r"\b(?P<no>not )?in \((?P<values>select (?:value|cast\(value as bigint\)) from json_each\(:\w+\))\)"
)
# A parameter, and not a cast (`::text`) or what stands in quotes (`'agent:'`).
_PARAMETER = re.compile(r"'(?:[^']|'')*'|::\w+|:(?P<name>[a-z_][a-z_0-9]*)")


class Queries:
    """The statements of one package, by name."""

    def __init__(self, package: str, text: str, postgresql: str = "") -> None:
        self._package = package
        short = package.rpartition(".")[2]
        self._queries = {name: Query(f"{short}.{name}", _sql_of(body)) for name, body in _parts(text)}
        for name, body in _parts(postgresql):
            self._queries[name] = _for_postgresql(self._queries.get(name) or Query(f"{short}.{name}", ""), body)

    def __getitem__(self, name: str) -> Query:
        if name not in self._queries:
            raise NotFoundError(
                "No such query", which=name, why=f"{self._package} has: {', '.join(sorted(self._queries))}"
            )
        return self._queries[name]

    def names(self) -> list[str]:
        """Returns every name, sorted."""
        return sorted(self._queries)


@cache
def load_queries(package: str) -> Queries:
    """Reads the statements of `package`, such as `remit.journal`."""
    folder = files(package)
    different = folder.joinpath("postgresql.sql")
    return Queries(
        package,
        folder.joinpath("queries.sql").read_text(encoding="utf-8"),
        different.read_text(encoding="utf-8") if different.is_file() else "",
    )


def postgresql_text(sql: str) -> str:
    """Returns a statement with its parameters as PostgreSQL's driver names them.

    `cross join … on` is how SQLite is told an order of tables; PostgreSQL finds its own. A list that comes as JSON becomes
    an array: that finds rows by an index, where a join with it may be planned as comparing each with each.
    """
    return _PARAMETER.sub(_as_named, _LISTED.sub(_as_array, _ORDERED_JOIN.sub("join", sql.replace("%", "%%"))))


def _as_array(match: re.Match[str]) -> str:
    return f"{'<> all' if match['no'] else '= any'}(array({match['values']}))"


def _as_named(match: re.Match[str]) -> str:
    return f"%({match['name']})s" if match["name"] else match[0]


def _parts(text: str) -> list[tuple[str, str]]:
    parts = _NAME.split(text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _for_postgresql(query: Query, body: str) -> Query:
    directives = {
        match["word"]: (match["value"] or "").strip() for line in body.splitlines() if (match := _DIRECTIVE.match(line))
    }
    sql = _sql_of(body)
    if "many" in directives:
        query = replace(query, many=sql, columns=directives["many"])
    elif sql:
        query = replace(query, postgresql=sql)
    return replace(
        query,
        alone=query.alone or "alone" in directives,
        rank=int(directives.get("rank", query.rank)),
        locks=directives.get("locks", query.locks),
    )


def _sql_of(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(lines).strip().rstrip(";")
