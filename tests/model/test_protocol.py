"""The protocol of claim, fence and settle, looked at in every state: what must never happen does not, and all can end.

Left out one by one, each guard is missed: the search finds the way to something wrong, and tells it.
"""

from dataclasses import replace

import pytest
from tests.model.commits import STATEMENTS
from tests.model.protocol import AFTER_REFUSAL
from tests.model.search import search
from tests.model.state import GUARDS, Scope, Tool

from remit.core import NotFoundError
from remit.store import load_queries

TOOLS: tuple[Tool, ...] = ("mark", "send", "post")
KILLED = Scope(crashes=2, losses=1)
FROZEN = Scope(lapses=1, losses=1, stops=1)
CANCELLED = Scope(lapses=1, losses=1, expiries=1, cancels=1)
TWO_RUNS = Scope(runs=2, cap=1, crashes=1)
ONE_RESOURCE = Scope(runs=2, cap=2, lapses=1, expiries=1)
SCOPES = {
    "killed twice, and a reply is lost": KILLED,
    "frozen, and a switch is pulled": FROZEN,
    "frozen, and the run is cancelled": CANCELLED,
    "two runs, and money for one": TWO_RUNS,
    "two runs, one resource, and its lock lapses": ONE_RESOURCE,
}

MISSED: dict[str, tuple[Scope, Tool, str]] = {
    "claim": (TWO_RUNS, "mark", "a run was claimed by two"),
    "pen": (FROZEN, "mark", "an attempt wrote that does not hold the pen"),
    "unsent": (FROZEN, "mark", "something happened that is neither held nor paid"),
    "lease": (FROZEN, "post", "something happened that is neither held nor paid"),
    "heartbeat": (FROZEN, "mark", "an attempt was taken over from a worker that is alive"),
    "key": (KILLED, "mark", "it happened twice"),
    "switch": (FROZEN, "mark", "it was decided while a switch was pulled"),
    "budget": (TWO_RUNS, "mark", "the budget is overspent"),
    "settle": (FROZEN, "send", "a hold was settled twice"),
    "lock": (ONE_RESOURCE, "mark", "two held a resource at the same time"),
    "seen": (ONE_RESOURCE, "mark", "it was decided on facts that were not so any more"),
    "fence": (ONE_RESOURCE, "mark", "it acted under a lock that somebody else had since"),
    "closing": (FROZEN, "send", "it happened after it was looked up and had not"),
    "patience": (FROZEN, "post", "something happened that is neither held nor paid"),
    "sign": (FROZEN, "send", "no good end can be reached any more"),
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_nothing_wrong_can_be_reached_and_a_good_end_always_can(scope: Scope, tool: Tool) -> None:
    found = search(replace(scope, tool=tool))
    assert not found.wrong, found.told()
    assert found.states > 5_000


@pytest.mark.parametrize("guard", GUARDS)
def test_without_a_guard_something_goes_wrong(guard: str) -> None:
    scope, tool, wrong = MISSED[guard]
    found = search(replace(scope, tool=tool, without=frozenset({guard})))
    assert found.wrong == wrong, found.told()
    assert found.trace
    print(found.told())  # noqa: T201  how it goes wrong is worth reading


def test_a_zombie_that_sends_is_borne_only_by_a_tool_that_refuses_what_was_looked_up() -> None:
    wrong = {tool: search(replace(FROZEN, tool=tool, without=frozenset({"lease"}))).wrong for tool in TOOLS}
    unpaid = "something happened that is neither held nor paid"
    assert wrong == {"mark": unpaid, "send": "", "post": unpaid}


@pytest.mark.parametrize("commit", STATEMENTS)
def test_every_commit_of_the_model_stands_for_statements_of_the_code(commit: str) -> None:
    for name in STATEMENTS[commit]:
        package, _, statement = name.partition(".")
        assert load_queries(f"remit.{package}")[statement].name == name


def test_a_statement_that_is_not_there_is_told_of() -> None:
    with pytest.raises(NotFoundError):
        load_queries("remit.journal")["settle_twice"]


def test_every_refusal_is_by_a_statement_of_its_commit() -> None:
    for commit, refused_by in AFTER_REFUSAL:
        assert refused_by in STATEMENTS[commit]
