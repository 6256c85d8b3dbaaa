"""Who may answer, and when enough people have said yes to exactly this."""

import json
from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.approvals import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Needs,
    Vote,
    VoteAnswer,
    anyone_of,
    is_satisfied,
    own_role,
    why_not,
)
from remit.approvals.model import read_needs

NOW = 1_000
APPROVAL = Approval(
    id="apr_1",
    kind="action",
    run="run_1",
    step=3,
    task="task_1",
    agent="desk",
    version="1.0.0",
    name="shop__refund",
    digest="d1",
    proposed="d1",
    options="[]",
    needs=((("lead", 1),), (("treasurer", 2), ("lead", 1))),
    because="it is much money",
    on_behalf_of="carl",
    state=ApprovalState.PENDING,
    revision=0,
    asked_at=0,
    expires_at=NOW + 1,
    decided_at=None,
    used_at=None,
    reason="",
)
LEAD_AND_TREASURER: Needs = ((("lead", 1), ("treasurer", 1)),)


def yes(person: str, roles: str = "lead", digest: str = "d1", answer: VoteAnswer = "approve") -> Vote:
    return Vote(person, answer, tuple(roles.split()), digest, "", 0)


def test_one_yes_of_the_role_is_enough_where_one_is_needed() -> None:
    needs: Needs = ((("lead", 1),),)
    assert is_satisfied(needs, [yes("ann")], "d1")
    assert not is_satisfied(needs, [], "d1")
    assert not is_satisfied(needs, [yes("ann", "treasurer")], "d1")
    assert not is_satisfied(needs, [yes("ann", answer="reject")], "d1")


def test_a_quorum_is_so_many_people_not_so_many_votes() -> None:
    needs: Needs = ((("lead", 2),),)
    assert not is_satisfied(needs, [yes("ann"), yes("ann")], "d1")
    assert not is_satisfied(needs, [yes("ann"), yes("ben", "treasurer")], "d1")
    assert is_satisfied(needs, [yes("ann"), yes("ben")], "d1")


def test_a_yes_counts_for_exactly_the_content_it_was_given_to() -> None:
    needs: Needs = ((("lead", 2),),)
    votes = [yes("ann"), yes("ben", digest="d2", answer="edit")]
    assert not is_satisfied(needs, votes, "d1")
    assert not is_satisfied(needs, votes, "d2")
    assert is_satisfied(needs, [*votes, yes("ann", digest="d2")], "d2")


def test_every_role_must_give_its_own_votes() -> None:
    assert not is_satisfied(LEAD_AND_TREASURER, [yes("ann"), yes("ben")], "d1")
    assert is_satisfied(LEAD_AND_TREASURER, [yes("ann"), yes("ben", "treasurer")], "d1")


def test_nobody_is_counted_for_two_roles() -> None:
    both = yes("ann", "lead treasurer")
    assert not is_satisfied(LEAD_AND_TREASURER, [both], "d1")
    assert is_satisfied(LEAD_AND_TREASURER, [both, yes("ben", "treasurer")], "d1")
    assert is_satisfied(LEAD_AND_TREASURER, [both, yes("ben", "lead treasurer")], "d1")


def test_one_alternative_is_enough() -> None:
    needs: Needs = ((("lead", 2),), (("treasurer", 1),))
    assert is_satisfied(needs, [yes("tom", "treasurer")], "d1")
    assert not is_satisfied(needs, [yes("ann")], "d1")


@pytest.mark.parametrize("needs", [(), ((),)])
def test_needs_that_name_nobody_are_never_satisfied(needs: Needs) -> None:
    assert not is_satisfied(needs, [yes("ann")], "d1")


ROLES = ("lead", "treasurer", "legal")


@given(
    alternative=st.dictionaries(st.sampled_from(ROLES), st.integers(1, 2), min_size=1),
    held=st.lists(st.sets(st.sampled_from(ROLES)), max_size=5),
)
def test_a_quorum_is_filled_when_everybody_can_be_given_one_role(
    alternative: dict[str, int], held: list[set[str]]
) -> None:
    seats = [role for role, count in alternative.items() for _ in range(count)]
    can_sit = any(
        all(role in held[person] for role, person in zip(seats, people, strict=True))
        for people in permutations(range(len(held)), len(seats))
    )
    votes = [Vote(f"p{number}", "approve", tuple(roles), "d1", "", 0) for number, roles in enumerate(held)]
    assert is_satisfied((tuple(alternative.items()),), votes, "d1") == can_sit


@pytest.mark.parametrize("person", ["ann", "ben"])
def test_somebody_of_the_role_may_answer(person: str) -> None:
    assert why_not(APPROVAL, person, ["lead"], "olga", NOW) == ""
    assert why_not(APPROVAL, person, ["pilot", "treasurer"], "olga", NOW) == ""


def test_nobody_else_may_and_is_told_what_it_takes() -> None:
    told = "it takes one of the roles lead, treasurer; they hold"
    assert why_not(APPROVAL, "ann", [], "olga", NOW) == f"{told} none"
    assert why_not(APPROVAL, "ann", ["pilot"], "olga", NOW) == f"{told} pilot"


KINDS: tuple[ApprovalKind, ...] = ("action", "proposal", "unknown", "answer")


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_answers_for_work_done_on_their_own_behalf(kind: ApprovalKind) -> None:
    assert "on their own behalf" in why_not(replace(APPROVAL, kind=kind), "carl", ["lead"], "olga", NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_the_owner_approves_no_action_of_their_agent(kind: ApprovalKind) -> None:
    told = why_not(replace(APPROVAL, kind=kind), "olga", ["lead"], "olga", NOW)
    assert bool(told) == (kind == "action")


@pytest.mark.parametrize("state", [state for state in ApprovalState if state is not ApprovalState.PENDING])
def test_a_question_that_was_answered_takes_no_more(state: ApprovalState) -> None:
    assert why_not(replace(APPROVAL, state=state), "ann", ["lead"], "olga", NOW) == f"it is {state} already"


def test_a_question_ends_at_its_time() -> None:
    assert why_not(APPROVAL, "ann", ["lead"], "olga", NOW + 1) == "it has expired"


def test_a_question_can_be_put_to_a_role_or_to_one_person() -> None:
    needs = anyone_of(["lead"], "olga")
    assert is_satisfied(needs, [yes("ann")], "d1")
    assert is_satisfied(needs, [yes("olga", own_role("olga"))], "d1")
    assert not is_satisfied(needs, [yes("otto", own_role("otto"))], "d1")


def test_needs_are_read_as_they_were_written() -> None:
    for needs in (*product(APPROVAL.needs, repeat=2), APPROVAL.needs, ()):
        written: Any = json.dumps(needs)
        assert read_needs(written) == needs
