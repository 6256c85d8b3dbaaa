"""An approval is given by enough people, to one content, in time, and used once."""

from dataclasses import replace

import pytest

from approvals.question import Inbox
from remit.approvals import ApprovalState
from remit.core import HOUR, NotFoundError

ONE_LEAD = ((("lead", 1),),)
TOO_LATE = "somebody else answered at the same moment, or it has expired"
USED = "the approval was used, has expired or was withdrawn"


def test_a_question_is_read_back_as_it_was_asked(inbox: Inbox) -> None:
    needs = ((("lead", 2), ("treasurer", 1)), (("person:olga", 1),))
    approval = inbox.ask(needs, options='[{"name": "wait"}]')
    assert (approval.state, approval.revision, approval.needs) == (ApprovalState.PENDING, 0, needs)
    assert (approval.options, approval.asked_at) == ('[{"name": "wait"}]', inbox.clock.now())
    assert approval.roles == ("lead", "person:olga", "treasurer")
    assert inbox.approvals.find("apr_none") is None


def test_it_is_approved_when_the_quorum_is_there(inbox: Inbox) -> None:
    approval = inbox.ask()
    first = inbox.answered(approval, "ann")
    assert (first.state, first.decided_at, first.revision) == (ApprovalState.PENDING, None, 1)
    second = inbox.answered(approval, "ben")
    assert (second.state, second.decided_at, second.revision) == (ApprovalState.APPROVED, inbox.clock.now(), 2)
    assert [(vote.person, vote.answer, vote.roles) for vote in inbox.approvals.votes(approval.id)] == [
        ("ann", "approve", ("lead",)),
        ("ben", "approve", ("lead",)),
    ]


def test_the_same_person_twice_is_one(inbox: Inbox) -> None:
    approval = inbox.ask()
    inbox.answered(approval, "ann")
    assert inbox.answered(approval, "ann").state is ApprovalState.PENDING
    assert len(inbox.approvals.votes(approval.id)) == 1


def test_one_no_rejects(inbox: Inbox) -> None:
    approval = inbox.ask()
    inbox.answered(approval, "ann")
    rejected = inbox.answered(approval, "ben", "reject")
    assert (rejected.state, rejected.reason) == (ApprovalState.REJECTED, "ben says reject")
    assert inbox.store.refusal(*inbox.vote(rejected, "carla")[1]) == TOO_LATE


def test_whoever_said_yes_may_think_again_and_say_no(inbox: Inbox) -> None:
    approval = inbox.ask()
    inbox.answered(approval, "ann")
    assert inbox.answered(approval, "ann", "reject").state is ApprovalState.REJECTED
    assert [(vote.person, vote.answer) for vote in inbox.approvals.votes(approval.id)] == [("ann", "reject")]


def test_an_edit_voids_the_yeses_before_it(inbox: Inbox) -> None:
    approval = inbox.ask()
    inbox.answered(approval, "ann")
    edited = inbox.answered(approval, "ben", "edit", digest="d2")
    assert (edited.state, edited.digest, edited.proposed) == (ApprovalState.PENDING, "d2", "d2")
    approved = inbox.answered(approval, "ann")
    assert (approved.state, approved.digest) == (ApprovalState.APPROVED, "d2")
    assert [vote.digest for vote in inbox.approvals.votes(approval.id)] == ["d1", "d2", "d2"]


def test_an_edit_is_its_editors_yes(inbox: Inbox) -> None:
    edited = inbox.answered(inbox.ask(ONE_LEAD), "ann", "edit", digest="d2")
    assert (edited.state, edited.digest) == (ApprovalState.APPROVED, "d2")


def test_an_edit_can_be_taken_back_by_another_edit(inbox: Inbox) -> None:
    approval = inbox.ask()
    inbox.answered(approval, "ann")
    inbox.answered(approval, "ben", "edit", digest="d2")
    back = inbox.answered(approval, "ann", "edit", digest="d1")
    assert (back.state, back.digest) == (ApprovalState.PENDING, "d1")


def test_two_answers_at_once_take_turns(inbox: Inbox) -> None:
    approval = inbox.ask()
    answers = inbox.store.at_once(*[inbox.vote(approval, person)[1] for person in ("ann", "ben", "cora")])
    assert sorted(answers) == ["", TOO_LATE, TOO_LATE]
    assert len(inbox.approvals.votes(approval.id)) == 1
    assert inbox.approvals.get(approval.id).state is ApprovalState.PENDING
    assert inbox.answered(approval, "dora").state is ApprovalState.APPROVED


def test_a_yes_and_an_edit_at_once_do_not_mix(inbox: Inbox) -> None:
    approval = inbox.ask(ONE_LEAD)
    edit, yes = inbox.vote(approval, "ann", "edit", digest="d2")[1], inbox.vote(approval, "ben")[1]
    assert inbox.store.at_once(edit, yes) == ["", TOO_LATE]
    assert inbox.approvals.get(approval.id).digest == "d2"


def test_an_answer_that_comes_too_late_does_not_count(inbox: Inbox) -> None:
    approval = inbox.ask(ONE_LEAD)
    inbox.clock.advance(HOUR)
    assert inbox.store.refusal(*inbox.vote(approval, "ann")[1]) == TOO_LATE
    assert inbox.approvals.votes(approval.id) == []


def test_an_approval_is_used_once(inbox: Inbox) -> None:
    approved = inbox.answered(inbox.ask(ONE_LEAD), "ann")
    answers = inbox.store.at_once(*[[inbox.approvals.use(approved)] for _ in range(5)])
    assert sorted(answers) == ["", *[USED] * 4]
    used = inbox.approvals.get(approved.id)
    assert (used.state, used.used_at) == (ApprovalState.USED, inbox.clock.now())


def test_an_approval_is_used_only_for_what_was_approved(inbox: Inbox) -> None:
    approved = inbox.answered(inbox.ask(ONE_LEAD), "ann")
    assert inbox.store.refusal(inbox.approvals.use(replace(approved, digest="d2"))) == USED
    inbox.store.commit(inbox.approvals.use(approved))


def test_an_approval_is_used_only_while_it_is_fresh(inbox: Inbox) -> None:
    approved = inbox.answered(inbox.ask(ONE_LEAD), "ann")
    inbox.clock.advance(HOUR - 1)
    fresh = inbox.approvals.use(approved)
    inbox.clock.advance(1)
    assert inbox.store.refusal(inbox.approvals.use(approved)) == USED
    inbox.store.commit(fresh)


@pytest.mark.parametrize("answer", ["", "reject"])
def test_without_a_yes_there_is_nothing_to_use(inbox: Inbox, answer: str) -> None:
    approval = inbox.ask(ONE_LEAD)
    if answer == "reject":
        inbox.answered(approval, "ann", answer)
    assert inbox.store.refusal(inbox.approvals.use(inbox.approvals.get(approval.id))) == USED


@pytest.mark.parametrize("state", [ApprovalState.EXPIRED, ApprovalState.WITHDRAWN])
def test_a_question_that_was_closed_is_not_answered_or_used(inbox: Inbox, state: ApprovalState) -> None:
    approval, approved = inbox.ask(ONE_LEAD), inbox.answered(inbox.ask(ONE_LEAD), "ann")
    for each in (approval, approved):
        inbox.store.commit(inbox.approvals.close(each.id, state, "not needed"))
        assert (inbox.approvals.get(each.id).state, inbox.approvals.get(each.id).reason) == (state, "not needed")
    assert inbox.store.refusal(*inbox.vote(approval, "ann")[1]) == TOO_LATE
    assert inbox.store.refusal(inbox.approvals.use(approved)) == USED


def test_what_was_used_stays_used(inbox: Inbox) -> None:
    approved = inbox.answered(inbox.ask(ONE_LEAD), "ann")
    inbox.store.commit(inbox.approvals.use(approved))
    inbox.store.commit(inbox.approvals.close(approved.id, ApprovalState.WITHDRAWN, "too late"))
    assert inbox.approvals.get(approved.id).state is ApprovalState.USED


def test_a_question_is_found_by_its_id_or_the_end_of_it(inbox: Inbox) -> None:
    approval = inbox.ask()
    for identifier in (approval.id, approval.id[-8:], f"apr_{approval.id[-8:]}"):
        assert inbox.approvals.get(identifier) == approval
    for identifier in ("", "apr_", "%", "_", "apr_nothing", "run_"):
        with pytest.raises(NotFoundError, match="No such approval"):
            inbox.approvals.get(identifier)


def test_an_ending_that_several_share_finds_none(inbox: Inbox) -> None:
    for _ in range(32):
        inbox.ask()
    endings = [approval.id[-1] for approval in inbox.approvals.listing()]
    shared = next(ending for ending in endings if endings.count(ending) > 1)
    with pytest.raises(NotFoundError, match="several end like this"):
        inbox.approvals.get(shared)


def test_questions_are_listed_newest_first_by_state_and_by_run(inbox: Inbox) -> None:
    old = inbox.ask(ONE_LEAD)
    inbox.clock.advance(1)
    new = inbox.ask(run="run_2")
    inbox.answered(old, "ann")
    assert [approval.id for approval in inbox.approvals.listing()] == [new.id, old.id]
    assert [approval.id for approval in inbox.approvals.listing(state="pending")] == [new.id]
    assert [approval.id for approval in inbox.approvals.listing(limit=1)] == [new.id]
    assert [approval.id for approval in inbox.approvals.of_run("run_1")] == [old.id]


def test_of_those_that_have_waited_the_one_asked_first_comes_first(inbox: Inbox) -> None:
    first, second, decided = inbox.ask(), inbox.ask(step=4), inbox.ask(ONE_LEAD, step=5)
    inbox.answered(decided, "ann")
    inbox.clock.advance(HOUR // 2)
    since = inbox.clock.now() - 1
    young = inbox.ask(step=6)
    assert [asked.id for asked in inbox.approvals.waiting_since(since)] == [first.id, second.id]
    assert [asked.id for asked in inbox.approvals.waiting_since(since, limit=1)] == [first.id]
    assert inbox.approvals.waiting_since(inbox.clock.now())[-1].id == young.id
