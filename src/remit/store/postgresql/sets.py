"""How a batch of commits is sent: statements of the same query together, each commit's own in their order.

A batch is one transaction and its commits do not depend on each other, so what they read and write may interleave; what
must see nothing of others runs alone. Contended rows come last and always in the same order, so that two batches wait for
each other in one direction only.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from remit.store.model import Commit, Query, Statement, Value
from remit.store.postgresql.connection import text_without_nul, without_nul

# The place of a statement that nobody else waits for.
USUAL_RANK = 50


class Member(NamedTuple):
    """One statement of a set: of which commit, and at which place in it."""

    commit: int
    position: int
    statement: Statement


@dataclass(frozen=True, slots=True)
class StatementSet:
    """Statements of one query that are sent together."""

    query: Query
    members: list[Member] = field(default_factory=list[Member])

    def rows(self) -> str:
        """Returns their parameters as a JSON array, numbered by `i`."""
        return rows_json([member.statement.parameters for member in self.members])


def shared_rows(sets: Iterable[StatementSet]) -> Iterator[tuple[str, str, list[str]]]:
    """Yields table, column and values of the contended rows that some sets name, in the order they are to be locked."""
    named: dict[str, set[str]] = {}
    for each in sets:
        if each.query.locks:
            rows, _, others = each.query.locks.partition(" but ")
            column = rows.partition(".")[2]
            found = (str(member.statement.parameters[column]) for member in each.members)
            named.setdefault(rows, set()).update(v for v in found if not (others and v.startswith(others)))
    for rows, values in sorted(named.items()):
        if values:
            table, _, column = rows.partition(".")
            yield table, column, sorted(values)


def rows_json(parameters: Iterable[Mapping[str, Value]]) -> str:
    """Returns the rows of a set form as a JSON array, numbered by `i`; bytes are in base64."""
    return orjson.dumps([{"i": i, **each} for i, each in enumerate(parameters)], default=_plain).decode()


def arrange(commits: Sequence[Commit]) -> Iterator[StatementSet]:
    """Yields every statement of `commits`, in as few sets as their orders allow."""
    rests = [_ordered(commit) for commit in commits]
    heads: dict[str, list[int]] = {}
    for number in range(len(commits)):
        _push(heads, rests, number)
    while heads:
        name = min(heads, key=lambda each: (rests[heads[each][0]][-1][1].query.rank, -len(heads[each])))
        together = heads.pop(name)
        found = StatementSet(rests[together[0]][-1][1].query)
        for number in together:
            rest = rests[number]
            while rest and rest[-1][1].query.name == name:
                found.members.append(Member(number, *rest.pop()))
            _push(heads, rests, number)
        yield found


def has_nul(commit: Commit) -> bool:
    """Whether a text of a commit has the character that PostgreSQL does not take."""
    texts = [value for statement in commit.statements for value in statement.parameters.values()]
    texts += [text for entry in commit.entries for text in (entry.stream, entry.ref)]
    return any(isinstance(text, str) and "\0" in text for text in texts)


def as_kept(commit: Commit) -> Commit:
    """Returns a commit with its texts as PostgreSQL keeps them."""
    statements = [each._replace(parameters=without_nul(each.parameters)) for each in commit.statements]
    entries = [
        replace(each, stream=text_without_nul(each.stream), ref=text_without_nul(each.ref)) for each in commit.entries
    ]
    return replace(commit, statements=statements, entries=entries)


def _push(heads: dict[str, list[int]], rests: Sequence[list[tuple[int, Statement]]], number: int) -> None:
    if rest := rests[number]:
        heads.setdefault(rest[-1][1].query.name, []).append(number)


def _ordered(commit: Commit) -> list[tuple[int, Statement]]:
    """Returns its statements, the first one last, each with its place in the commit."""
    numbered = list(enumerate(commit.statements))
    if any(statement.query.rank != USUAL_RANK for statement in commit.statements):
        numbered.sort(key=lambda each: each[1].query.rank)
    numbered.reverse()
    return numbered


def _plain(value: Any) -> str:
    return b64encode(value).decode("ascii")
