"""What the model says of each commit, the real statements do: on SQLite and PostgreSQL, one by one and in batches."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from tests.model.bench import Parts, new_copies, replay
from tests.model.commits import STATEMENTS
from tests.model.protocol import moves
from tests.model.search import Trace, ways
from tests.model.state import Scope, Tool, first
from tests.model.test_protocol import CANCELLED, FROZEN, ONE_RESOURCE, TOOLS, TWO_RUNS

from remit.store import Writer, open_database

DATABASES = ("sqlite", "postgresql")
WALKS, LONGEST = 15, 80
TOGETHER = 3


@cache
def ways_of(scope: Scope, tool: Tool) -> dict[tuple[str, str], Trace]:
    """Returns the shortest way to each answer a commit can get."""
    return ways(replace(scope, tool=tool))


def to_the_end(scope: Scope, tool: Tool) -> list[Trace]:
    """Returns these ways without those that are the beginning of another: who goes that one has gone them."""
    traces = [*ways_of(scope, tool).values()]
    begun = {tuple(trace[:length]) for trace in traces for length in range(1, len(trace))}
    return [trace for trace in traces if tuple(trace) not in begun]


@pytest.fixture(scope="module", params=DATABASES)
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder: Path = tmp_path_factory.mktemp("bench")
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    url = server.fresh() if server else f"sqlite:///{folder / 'remit.db'}"
    database = open_database(url, folder=folder)
    database.migrate()
    writer = Writer(database)
    yield Parts(database, writer)
    writer.close()
    database.close()
    if server:
        server.drop(url)


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, TOGETHER])
@pytest.mark.parametrize("scope", [FROZEN, CANCELLED, TWO_RUNS, ONE_RESOURCE])
def test_every_answer_a_commit_can_get_it_gets_from_the_database(parts: Parts, scope: Scope, together: int) -> None:
    for tool in TOOLS:
        for trace in to_the_end(scope, tool):
            replay(parts, scope, trace, new_copies(parts, scope, together))


def test_every_refusal_of_the_model_is_among_them() -> None:
    reached = {
        answer
        for scope in (FROZEN, CANCELLED, TWO_RUNS, ONE_RESOURCE)
        for tool in TOOLS
        for answer in ways_of(scope, tool)
    }
    assert {what for what, refused in reached if not refused} >= STATEMENTS.keys()


@pytest.mark.parametrize("tool", TOOLS)
def test_long_ways_at_random_go_as_in_the_model(parts: Parts, tool: Tool) -> None:
    draw = random.Random(f"way {tool}")
    scope = Scope(tool=tool, runs=2, cap=2, crashes=2, lapses=2, expiries=1, losses=2, stops=1, cancels=1)
    for _ in range(WALKS):
        replay(parts, scope, _walk(scope, draw), new_copies(parts, scope, 1))


def _walk(scope: Scope, draw: random.Random) -> Trace:
    """Goes on at random until nothing can happen any more, or for long enough."""
    trace, state = Trace(), first(scope)
    while len(trace) < LONGEST and (possible := list(moves(scope, state))):
        trace.append(draw.choice(possible))
        state = trace[-1][1]
    return trace
