"""The ladder, approvals, people, models and hand-offs, as the design means them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from policy.refund_fleet import (
    AUTONOMY,
    BOTH,
    ERASE,
    LEE,
    LOOK,
    MODELS,
    NOW,
    OWNER,
    PEOPLE,
    REFUND,
    REQUESTER,
    TIM,
    TOM,
    approved,
    bundle,
    refund,
)
from remit.contracts import Person
from remit.core import HOUR, InputError
from remit.policy import Policy, Question, RoleVotes, Rung, Verdict

policy = Policy(MODELS)
standard = bundle()


def judged(question: Question) -> Verdict:
    return policy.judge(standard, question)


def reasons(verdict: Verdict) -> list[str]:
    return [reason.policy for answer in verdict.answers for reason in answer.reasons]


def test_a_small_refund_is_autonomous_and_says_why() -> None:
    verdict = judged(refund(49.99))
    (reason,) = verdict.answers[0].reasons
    assert verdict.rung is Rung.AUTONOMOUS
    assert len(verdict.answers) == 1
    assert reason.policy == "agent/refund-agent@3.0.0/payments__refund/1/act"
    assert (reason.effect, reason.because) == ("permit", "small refunds")
    assert reason.source == "agents/refund-agent.agent.md:14"
    assert verdict.hint == ""


def test_a_larger_refund_is_asked_of_either_rule() -> None:
    verdict = judged(refund(300))
    assert verdict.rung is Rung.ASK
    assert verdict.approvers == ((RoleVotes("finance-lead", 1),), (RoleVotes("treasurer", 2),))
    assert [answer.rung for answer in verdict.answers] == [Rung.AUTONOMOUS, Rung.ASK]


def test_a_huge_refund_is_suggested_to_whom_may_do_it() -> None:
    verdict = judged(refund(9_000))
    assert verdict.rung is Rung.SUGGEST
    assert verdict.approvers == ((RoleVotes("treasurer", 1),),)
    assert "treasurer decides" in verdict.hint


def test_an_absent_field_makes_no_rule_hold_that_mentions_it() -> None:
    without = {"order_id": "o-1", "amount": 300, "currency": "EUR"}  # `not partial` is not true of nothing
    assert judged(refund(300, arguments=without)).approvers == ((RoleVotes("treasurer", 2),),)
    null = {**without, "partial": None}
    assert judged(refund(300, arguments=null)).approvers == ((RoleVotes("treasurer", 2),),)


def test_one_approval_of_the_right_role_suffices() -> None:
    verdict = judged(refund(300, approval=approved(LEE)))
    assert verdict.rung is Rung.APPROVED
    assert [answer.rung for answer in verdict.answers] == [Rung.APPROVED]


@pytest.mark.parametrize(
    "approval",
    [
        approved(),
        approved(TIM),
        approved(TIM, TIM),
        approved(Person(id="x@acme.example", roles=("care",))),
        approved(LEE, digest="sha256:another"),
        approved(LEE, at=NOW - 2 * HOUR),
        approved(Person(id=REQUESTER, roles=("finance-lead",))),
        approved(Person(id=OWNER, roles=("finance-lead",))),
    ],
    ids=["nobody", "one of two", "the same twice", "no role", "digest", "too old", "requester", "owner"],
)
def test_an_approval_that_does_not_count_is_a_denial(approval: Any) -> None:
    verdict = judged(refund(300, approval=approval))
    assert verdict.rung is None
    assert verdict.hint


def test_two_of_a_role_approve_together() -> None:
    assert judged(refund(3_000, approval=approved(TIM, TOM))).rung is Rung.APPROVED
    assert judged(refund(3_000, approval=approved(TIM, LEE))).rung is None


def test_an_approver_with_two_roles_counts_once() -> None:
    rule = {"level": "human-in-the-loop", "by": ["finance-lead", "treasurer"]}
    both = bundle(tools=[{"use": REFUND.name, "autonomy": [rule]}])

    def rung(*people: Person) -> Rung | None:
        return policy.judge(both, refund(approval=approved(*people))).rung

    assert rung(BOTH) is None
    assert rung(BOTH, TIM) is Rung.APPROVED
    assert rung(LEE, TIM) is Rung.APPROVED
    assert rung(TIM, TOM) is None


def test_a_quorum_of_three_roles_needs_a_person_for_each() -> None:
    rule = {"level": "human-in-the-loop", "by": ["a", "b", "c"]}
    three = bundle(tools=[{"use": REFUND.name, "autonomy": [rule]}])
    all_roles = Person(id="all@acme.example", roles=("a", "b", "c"))
    one, two = (Person(id=f"{name}@acme.example", roles=("a",)) for name in ("one", "two"))
    second = Person(id="second@acme.example", roles=("a", "b"))
    # Three people and a vote in every role, but b and c rest on one person.
    assert policy.judge(three, refund(approval=approved(all_roles, one, two))).rung is None
    assert policy.judge(three, refund(approval=approved(all_roles, one, second))).rung is Rung.APPROVED


def test_an_org_policy_stops_what_the_contract_allows_and_people_are_asked() -> None:
    wide = bundle(tools=[{"use": REFUND.name, "autonomy": [{"level": "autonomous"}]}])
    verdict = policy.judge(wide, refund(2_000))
    assert verdict.rung is Rung.ASK
    assert verdict.approvers == ((RoleVotes("finance-lead", 1),),)
    assert reasons(verdict)[0] == "org/money-ceiling"
    assert verdict.answers[0].reasons[0].source == "policies/org.cedar:3"
    assert policy.judge(wide, refund(2_000, approval=approved(LEE))).rung is Rung.APPROVED


@pytest.mark.parametrize("change", [{"amount": None}, {"spent_today": None}, {"spent_today": 5_001_000_000}])
def test_an_amount_nobody_knows_counts_as_above_the_ceiling(change: dict[str, Any]) -> None:
    assert judged(replace(refund(), **change)).rung is Rung.ASK


def test_a_fraction_above_the_ceiling_is_above_it() -> None:
    assert judged(refund(amount=49)).rung is Rung.AUTONOMOUS
    assert judged(replace(refund(49), amount=1_000_000_000)).rung is Rung.AUTONOMOUS
    assert judged(replace(refund(49), amount=1_000_000_001)).rung is Rung.ASK


def test_facts_cannot_speak_for_the_gateway() -> None:
    question = refund(49, facts={"amount_minor": 1, "spent_today_minor": 1})
    assert judged(replace(question, amount=2_000_000_000)).rung is Rung.ASK


@pytest.mark.parametrize(
    ("change", "forbid"),
    [
        ({"subject": "outside"}, "remit/subjects"),
        ({"subject": "unknown"}, "remit/subjects"),
        ({"hops": 6}, "remit/hops"),
    ],
)
def test_built_in_forbids_stop_every_rung(change: dict[str, Any], forbid: str) -> None:
    for amount in (10, 300, 9_000):
        verdict = judged(replace(refund(amount), **change))
        assert verdict.rung is None
        assert {forbid} <= set(reasons(verdict))
    assert judged(replace(refund(300, approval=approved(LEE)), **change)).rung is None


def test_what_people_have_said_no_to_before_is_asked_and_not_autonomous() -> None:
    verdict = judged(replace(refund(10), refused_before=True))
    assert verdict.rung is Rung.ASK
    assert "remit/refused" in reasons(verdict)
    assert verdict.approvers
    yes = replace(refund(10, approval=approved(LEE)), refused_before=True)
    assert judged(yes).rung is judged(replace(yes, refused_before=False)).rung


def test_a_read_may_touch_what_a_write_may_not() -> None:
    look = replace(refund(), name=LOOK.name, arguments={"order_id": "o-1"}, subject="outside")
    assert judged(look).rung is Rung.AUTONOMOUS


def test_a_tool_the_contract_does_not_grant_is_denied_with_a_hint() -> None:
    verdict = judged(replace(refund(), name=ERASE.name, arguments={}))
    assert verdict.rung is None
    assert "does not grant" in verdict.hint
    assert judged(replace(refund(), name="nobody__knows")).rung is None
    assert judged(replace(refund(), name="InvokeLLM")).rung is None
    assert judged(replace(refund(), name="SelfTest")).rung is None


def test_never_wins_over_a_grant() -> None:
    tools = [{"use": ERASE.name, "autonomy": [{"level": "autonomous"}]}]
    never = bundle(tools=tools, never=(ERASE.name,))
    verdict = policy.judge(never, replace(refund(), name=ERASE.name, arguments={}))
    assert verdict.rung is None
    assert "agent/refund-agent@3.0.0/payments__erase/never" in reasons(verdict)
    granted = bundle(tools=tools)
    assert policy.judge(granted, replace(refund(), name=ERASE.name, arguments={})).rung is Rung.AUTONOMOUS


def test_an_empty_table_is_the_level_proposed_for_the_risk() -> None:
    plain = bundle(tools=[{"use": REFUND.name}, {"use": LOOK.name}])
    assert policy.judge(plain, refund(1)).rung is Rung.ASK
    assert judged(replace(refund(), name=LOOK.name, arguments={"order_id": "o-1"})).rung is Rung.AUTONOMOUS


def test_an_autonomous_rule_without_approvers_asks_nobody() -> None:
    alone = bundle(tools=[{"use": REFUND.name, "autonomy": [{"level": "autonomous"}]}], approvers=())
    assert policy.judge(alone, refund(10)).rung is Rung.AUTONOMOUS
    assert policy.judge(alone, refund(2_000)).rung is None


def test_a_tool_is_only_for_its_intents() -> None:
    bound = bundle(tools=[{"use": REFUND.name, "autonomy": AUTONOMY, "intents": ["refund", "return"]}])
    assert policy.judge(bound, refund(10)).rung is Rung.AUTONOMOUS
    for amount in (10, 300, 9_000):
        assert policy.judge(bound, refund(amount, intent="complaint")).rung is None


# Escalation


def escalating(when: str, **changes: Any) -> Any:
    return bundle(escalate=[{"when": when, "to": "treasurer"}], **changes)


def test_low_confidence_puts_an_autonomous_write_to_a_person() -> None:
    unsure = escalating("confidence < 0.7")
    assert policy.judge(unsure, refund(10, confidence=Decimal("0.7"))).rung is Rung.AUTONOMOUS
    verdict = policy.judge(unsure, refund(10, confidence=Decimal("0.6999")))
    assert verdict.rung is Rung.ASK
    assert verdict.approvers[:2] == ((RoleVotes("finance-lead", 1),), (RoleVotes("treasurer", 1),))
    assert reasons(verdict)[0].endswith("/escalate/1")
    approval = approved(TIM)
    assert policy.judge(unsure, refund(10, confidence=Decimal("0.5"), approval=approval)).rung is Rung.APPROVED
    assert policy.judge(unsure, refund(10, confidence=Decimal("0.9"), approval=approval)).rung is None


def test_no_stated_confidence_escalates_nothing() -> None:
    assert policy.judge(escalating("confidence < 0.7"), refund(10)).rung is Rung.AUTONOMOUS


def test_any_other_unknown_field_escalates() -> None:
    risky = escalating("facts.score >= 0.5")
    assert policy.judge(risky, refund(10, facts={"score": 0.1})).rung is Rung.AUTONOMOUS
    assert policy.judge(risky, refund(10, facts={"score": 0.5})).rung is Rung.ASK
    assert policy.judge(risky, refund(10, facts={"score": None})).rung is Rung.ASK
    assert policy.judge(risky, refund(10)).rung is Rung.ASK


def test_an_escalation_leaves_reads_alone() -> None:
    unsure = escalating("confidence < 0.7")
    look = replace(refund(), name=LOOK.name, arguments={"order_id": "o-1"}, confidence=Decimal("0.1"))
    assert policy.judge(unsure, look).rung is Rung.AUTONOMOUS


def test_an_escalation_that_nothing_can_meet_is_a_mistake() -> None:
    with pytest.raises(InputError, match="no writing tool of the contract has colour"):
        escalating("colour == 'red'")


@pytest.mark.parametrize("when", ["amount <= 5 or confidence > 0.9", "not confidence < 0.5"])
def test_confidence_only_narrows_a_rule(when: str) -> None:
    with pytest.raises(InputError, match="Confidence may only narrow a rule"):
        bundle(tools=[{"use": REFUND.name, "autonomy": [{"when": when, "level": "autonomous"}]}])


def test_a_rule_that_wants_confidence_does_not_hold_without_it() -> None:
    rule = {"when": "amount <= 50 and confidence >= 0.9", "level": "autonomous"}
    sure = bundle(tools=[{"use": REFUND.name, "autonomy": [rule]}])
    assert policy.judge(sure, refund(10, confidence=Decimal("0.95"))).rung is Rung.AUTONOMOUS
    assert policy.judge(sure, refund(10, confidence=Decimal("0.89999999"))).rung is None
    assert policy.judge(sure, refund(10)).rung is None


@pytest.mark.parametrize("stated", ["1.1", "-0.1", "NaN", "Infinity"])
def test_an_impossible_confidence_is_a_denial(stated: str) -> None:
    assert judged(refund(10, confidence=Decimal(stated))).rung is None


# People


def test_a_person_of_the_role_does_what_was_suggested() -> None:
    by_tim = replace(refund(9_000), person=TIM.id, roles=TIM.roles)
    verdict = judged(by_tim)
    assert verdict.rung is Rung.AUTONOMOUS
    assert [answer.rung for answer in verdict.answers] == [Rung.AUTONOMOUS]


def test_a_person_without_the_role_does_not() -> None:
    assert judged(replace(refund(9_000), person=LEE.id, roles=LEE.roles)).rung is None
    assert judged(replace(refund(9_000), person=TIM.id, roles=())).rung is None


def test_who_answers_may_also_do_what_the_agent_may_do_alone() -> None:
    assert judged(replace(refund(10), person=LEE.id, roles=LEE.roles)).rung is Rung.AUTONOMOUS


def test_what_people_must_agree_on_nobody_does_alone() -> None:
    asked = [{"level": "human-in-the-loop", "by": ["treasurer"], "count": 2}]
    two = bundle(tools=[{"use": REFUND.name, "autonomy": asked}])
    assert policy.judge(two, replace(refund(), person=TIM.id, roles=TIM.roles)).rung is None


def test_built_in_forbids_hold_for_people_too() -> None:
    by_tim = replace(refund(9_000), person=TIM.id, roles=TIM.roles, subject="outside")
    assert judged(by_tim).rung is None


# Models, hand-offs, memory


def model_call(name: str, privacy: str = "internal", tokens: int = 1_000) -> Question:
    return replace(refund(), kind="model", name=name, arguments={"privacy": privacy, "max_tokens": tokens})


def test_models_within_privacy_and_tokens_are_permitted() -> None:
    assert judged(model_call("cloud-model")).rung is Rung.AUTONOMOUS
    assert judged(model_call("cloud-model", tokens=8_001)).rung is None
    assert judged(model_call("unknown-model")).rung is None


def test_restricted_text_stays_here() -> None:
    verdict = judged(model_call("cloud-model", "restricted"))
    assert verdict.rung is None
    assert "remit/privacy" in reasons(verdict)
    assert judged(model_call("edge-model", "restricted")).rung is Rung.AUTONOMOUS


def test_a_call_is_never_less_private_than_the_contract() -> None:
    assert judged(model_call("cloud-model", "public")).rung is None


def test_a_contract_with_a_route_uses_only_it() -> None:
    routed = bundle(models={"route": "edge-model"})
    assert policy.judge(routed, model_call("edge-model")).rung is Rung.AUTONOMOUS
    assert policy.judge(routed, model_call("cloud-model")).rung is None


def test_hand_offs_go_to_named_agents_only() -> None:
    handoff = replace(refund(), kind="handoff", name="fraud-agent", arguments={})
    assert judged(handoff).rung is Rung.AUTONOMOUS
    assert judged(replace(handoff, name="refund-agent")).rung is None
    assert judged(replace(handoff, name="nobody")).rung is None
    assert judged(replace(handoff, hops=6)).rung is None


def test_memory_is_open_unless_a_subject_is_in_the_way() -> None:
    write = replace(refund(), kind="memory", name="write", arguments={}, subject="none")
    assert judged(write).rung is Rung.AUTONOMOUS
    assert judged(replace(write, subject="outside")).rung is None
    assert judged(replace(write, name="read", subject="outside")).rung is Rung.AUTONOMOUS
    assert judged(replace(write, name="burn")).rung is None


# Who could approve


def test_eligible_are_those_whose_vote_would_count() -> None:
    people = [*PEOPLE.values(), Person(id=REQUESTER, roles=("finance-lead",)), Person(id=OWNER, roles=("treasurer",))]
    assert policy.eligible(standard, refund(300), people) == [each.id for each in PEOPLE.values()]
    assert policy.eligible(standard, refund(3_000), people) == [TIM.id, TOM.id, BOTH.id]
    assert policy.eligible(standard, refund(9_000), people) == []
    assert policy.eligible(standard, refund(300, subject="outside"), people) == []
    assert policy.eligible(standard, refund(Decimal("1.00001")), people) == []
    assert policy.eligible(standard, refund(300), []) == []
