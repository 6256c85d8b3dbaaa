"""The compiled decision is the decision of a plain reading of the contract, whatever contract and input."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.sample import examples

from policy.refund_fleet import LEE, MODELS, REFUND, TIM, TOM, approved, contract, fleet, refund
from remit.contracts import Contract, Level, fields_of, holds, parse_condition, value_at
from remit.policy import Bundle, Policy, Question, Rung, Verdict

policy = Policy(MODELS)
LEA = LEE.model_copy(update={"id": "lea@acme.example"})
EVERYBODY = approved(LEE, LEA, TIM, TOM)

AMOUNTS = [Decimal("-1"), Decimal(0), Decimal("9.9999"), Decimal(10), Decimal("10.0001"), Decimal(50), Decimal("1e9")]
ORDERS = ["==", "!=", "<", "<=", ">", ">="]
EQUALS = ["==", "!="]


def compared(field: str, operator: str, literal: str) -> str:
    return f"{field} {operator} {literal}"


def listed(field: str, word: str, chosen: list[str]) -> str:
    return f"{field} {word} [{', '.join(chosen)}]"


def joined(left: str, word: str, right: str) -> str:
    return f"({left} {word} {right})"


def comparison(field: str, operators: list[str], literals: list[str]) -> st.SearchStrategy[str]:
    return st.builds(compared, st.just(field), st.sampled_from(operators), st.sampled_from(literals))


def membership(field: str, literals: list[str]) -> st.SearchStrategy[str]:
    some = st.lists(st.sampled_from(literals), min_size=1, max_size=3)
    return st.builds(listed, st.just(field), st.sampled_from(["in", "not in"]), some)


def combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.builds(joined, inner, st.sampled_from(["and", "or"]), inner), inner.map("not ({})".format))


def granted(rules: list[dict[str, Any]], escalations: list[str], intents: tuple[str, ...]) -> Contract:
    return contract(
        tools=[{"use": REFUND.name, "autonomy": rules, "intents": intents}],
        escalate=[{"when": when, "to": "treasurer"} for when in escalations],
    )


def asked_about(arguments: dict[str, Any], facts: dict[str, Any], confidence: Decimal | None, intent: str) -> Question:
    return refund(1, arguments=arguments, facts=facts, confidence=confidence, intent=intent)


def forbidding(scope: str, word: str, clause: str) -> str:
    return f"""@id("org/x") @because("b") forbid (principal, {scope}, resource) {word} {{ {clause} }};"""


NUMBERS = [f"{amount:f}" for amount in AMOUNTS]
WHOLE = ["0", "1", "2", "3"]
ATOMS = st.one_of(
    comparison("amount", ORDERS, NUMBERS),
    membership("amount", NUMBERS),
    comparison("items", ORDERS, WHOLE),
    membership("items", WHOLE),
    comparison("currency", EQUALS, ["'EUR'", "'USD'"]),
    membership("currency", ["'EUR'", "'USD'"]),
    comparison("order_id", EQUALS, ["'o-1'", "'o-2'", "''"]),
    comparison("due", ORDERS, ["'2026-01-01'", "'2026-01-02'"]),
    comparison("address.country", EQUALS, ["'DE'"]),
    comparison("address.floor", ORDERS, WHOLE),
    comparison("facts.recipients", ORDERS, WHOLE),
    comparison("facts.score", ORDERS, ["0.5", "1"]),
    comparison("facts.kind", EQUALS, ["'new'"]),
    st.sampled_from(["partial", "partial == False", "'gift' in tags", "'gift' not in tags", "not partial"]),
)
CONDITIONS = st.recursive(ATOMS, combined, max_leaves=5)
WHENS = st.one_of(st.just(""), CONDITIONS, CONDITIONS.map("{} and confidence >= 0.5".format))
RULES = st.fixed_dictionaries(
    {
        "when": WHENS,
        "level": st.sampled_from([level.value for level in Level]),
        "by": st.sampled_from([(), ("finance-lead",), ("treasurer",), ("finance-lead", "treasurer")]),
        "count": st.sampled_from([1, 2]),
    }
)
CONTRACTS = st.builds(
    granted,
    st.lists(RULES, min_size=1, max_size=4),
    st.lists(st.one_of(CONDITIONS, st.just("confidence < 0.7")), max_size=2),
    st.sampled_from([(), ("refund",)]),
)
QUESTIONS = st.builds(
    asked_about,
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from(["o-1", "o-2", ""]),
            "amount": st.sampled_from([*AMOUNTS, 10, 9.9999, 50.0]),
            "currency": st.sampled_from(["EUR", "USD"]),
        },
        optional={
            "partial": st.sampled_from([True, False, None]),
            "items": st.sampled_from([0, 1, 2, 3.0]),
            "tags": st.sampled_from([[], ["gift"], ["gift", "other", "gift"]]),
            "due": st.sampled_from(["2025-12-31", "2026-01-01", "2026-01-02", None]),
            "address": st.fixed_dictionaries(
                {"country": st.sampled_from(["DE", "FR"])}, optional={"floor": st.sampled_from([0, 2])}
            ),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "recipients": st.sampled_from([0, 2, None]),
            "score": st.sampled_from([0.4999, 0.5, None]),
            "kind": st.sampled_from(["new", "old", None]),
        },
    ),
    st.sampled_from([None, Decimal("0.4"), Decimal("0.6"), Decimal("0.9")]),
    st.sampled_from(["refund", "complaint"]),
)


def bundled(own: Contract) -> Bundle:
    return policy.bundle(fleet("", own), own)


def values(question: Question) -> Mapping[str, Any]:
    return {**question.arguments, "facts": question.facts, "confidence": question.confidence}


def escalated(own: Contract, question: Question) -> bool:
    given_values = values(question)
    for escalation in own.terms.escalate:
        condition = parse_condition(escalation.when)
        paths = {field.path for field in fields_of(condition)} - {("confidence",)}
        if any(value_at(given_values, path) is None for path in paths) or holds(condition, given_values):
            return True
    return False


def expected(own: Contract, question: Question) -> Rung | None:
    """The reading a person would give the contract."""
    (use,) = own.terms.tools
    if use.intents and question.intent not in use.intents:
        return None
    given_values = values(question)
    levels = {rule.level for rule in use.autonomy if not rule.when or holds(parse_condition(rule.when), given_values)}
    if Level.AUTONOMOUS in levels and not escalated(own, question):
        return Rung.AUTONOMOUS
    if Level.AUTONOMOUS in levels or Level.HUMAN_IN_THE_LOOP in levels:
        return Rung.ASK
    return Rung.SUGGEST if levels else None


def decided(bundle: Bundle, question: Question) -> Verdict:
    verdict = policy.judge(bundle, question)
    assert not any(answer.errors for answer in verdict.answers)
    return verdict


@pytest.mark.slow
@settings(max_examples=examples(150), deadline=None)
@given(CONTRACTS, st.lists(QUESTIONS, min_size=5, max_size=10))
def test_the_compiled_decision_is_the_plain_reading(own: Contract, questions: list[Question]) -> None:
    bundle = bundled(own)
    for question in questions:
        assert decided(bundle, question).rung is expected(own, question)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(CONTRACTS, st.lists(QUESTIONS, min_size=5, max_size=10))
def test_what_needs_nobody_is_also_allowed_with_an_approval(own: Contract, questions: list[Question]) -> None:
    bundle = bundled(own)
    for question in questions:
        asked = decided(bundle, question)
        with_approval = decided(bundle, replace(question, approval=EVERYBODY))
        if asked.rung in (Rung.AUTONOMOUS, Rung.ASK):
            assert with_approval.rung is Rung.APPROVED
        else:
            assert with_approval.rung is None


ORDER = [Rung.AUTONOMOUS, Rung.ASK, Rung.SUGGEST, None]
FORBIDS = st.builds(
    forbidding,
    st.sampled_from(
        [
            'action == Fleet::Action::"payments__refund"',
            'action in [Fleet::Action::"payments__refund"]',
        ]
    ),
    st.sampled_from(["when", "unless"]),
    st.sampled_from(
        [
            'context.session.autonomy == Fleet::Autonomy::"autonomous"',
            '[Fleet::Autonomy::"autonomous", Fleet::Autonomy::"ask"].contains(context.session.autonomy)',
            'context.input.amount.greaterThan(decimal("10.0"))',
            "context.input has partial && context.input.partial",
            "context.facts has recipients && context.facts.recipients > 1",
            'context.session.intent == "refund"',
        ]
    ),
)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(CONTRACTS, FORBIDS, st.lists(QUESTIONS, min_size=5, max_size=10))
def test_one_more_forbid_never_gives_more_freedom(own: Contract, forbid: str, questions: list[Question]) -> None:
    before = bundled(own)
    after = policy.bundle(fleet(forbid, own), own)
    for question in questions:
        rungs = [decided(bundle, question).rung for bundle in (before, after)]
        assert ORDER.index(rungs[1]) >= ORDER.index(rungs[0])
        approvals = [decided(bundle, replace(question, approval=EVERYBODY)).rung for bundle in (before, after)]
        assert approvals[0] is Rung.APPROVED or approvals[1] is None


@pytest.mark.slow
@settings(max_examples=examples(40), deadline=None)
@given(CONTRACTS, st.lists(QUESTIONS, min_size=2, max_size=5))
def test_a_slice_decides_as_the_whole_schema_would(own: Contract, questions: list[Question]) -> None:
    """Fields nobody mentions are left out of the question: with one policy that mentions all, nothing changes."""
    fields = sorted(REFUND.input["properties"].keys() - {"note", "anything"})
    reads = [f"context.input has {name}" for name in fields] + ["context.facts has score", "context.facts has kind"]
    clause = f'context.session.intent == "nothing" && ({" || ".join(reads)})'
    forbid = forbidding('action == Fleet::Action::"payments__refund"', "when", clause)
    sliced, whole = bundled(own), policy.bundle(fleet(forbid, own), own)
    for question in questions:
        assert decided(whole, question).rung is decided(sliced, question).rung
