"""One question, put to a bundle rung by rung. Whatever goes wrong here is a denial.

Cedar skips a policy that fails to evaluate, which for a forbid would mean more freedom: such an answer is a denial
too. An entity Cedar does not know makes every test about it false; so it is looked up before Cedar is asked.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from remit.contracts import Person
from remit.core import InputError
from remit.policy.authority import in_words
from remit.policy.bundle import MEMORY, Bundle
from remit.policy.cedar import AuthzResult, Est, Handles
from remit.policy.known import LONGEST_KNOWN, KnownAnswers
from remit.policy.model import ApprovalGiven, Question, Quorum, Reason, RoleVotes, Rung, RungAnswer, Verdict, Vote
from remit.policy.schema import PROBE, entity, server_of
from remit.policy.values import Moment

LADDER = (Rung.AUTONOMOUS, Rung.ASK, Rung.SUGGEST)
_AUTONOMY = {rung: entity("Autonomy", rung) for rung in Rung}
_FAILED = re.compile(r"^error while evaluating policy `(.*)`: ")
# More people than any rule asks for: `eligible` wants to know whose vote would count, not whether it suffices.
_PLENTY = 1_000
_MICROS_PER_MINOR = 10_000
_CONFIDENCE_STEP = Decimal("0.0001")


def judge(bundle: Bundle, question: Question, known: KnownAnswers) -> Verdict:
    """Returns the most autonomous rung at which policy permits the action; what was asked before is in `known`."""
    rungs = LADDER
    if question.person or question.approval:
        rungs = (Rung.AUTONOMOUS,) if question.person else (Rung.APPROVED,)
    try:
        request, handles = request_of(bundle, question)
    except InputError as error:
        answer = RungAnswer(rungs[0], False, (), (error.text(),))
        return Verdict(None, (answer,), (), error.text())
    answers: list[RungAnswer] = []
    for rung in rungs:
        request["context"]["session"]["autonomy"] = _AUTONOMY[rung]
        answers.append(_put(bundle, request, handles, rung, known))
        if answers[-1].allowed:
            return _permitted(bundle, rung, answers)
    return Verdict(None, tuple(answers), (), _hint(bundle, question, answers[-1]))


def eligible(bundle: Bundle, question: Question, people: Iterable[Person]) -> list[str]:
    """Returns who could approve the action: their vote would count for some rule, and nothing forbids it."""
    candidates = list(people)
    try:
        asked = [request_of(bundle, replace(question, approval=_alone(question, person))) for person in candidates]
    except InputError:
        return []
    for request, _ in asked:
        session = request["context"]["session"]
        session["autonomy"] = _AUTONOMY[Rung.APPROVED]
        if "approval" in session:
            session["approval"]["votes"] = dict.fromkeys(bundle.vote_keys, _PLENTY)
    answers = _ask(bundle, [request for request, _ in asked], bundle.handles, Rung.APPROVED)
    return [
        person.id
        for person, answer in zip(candidates, answers, strict=True)
        if answer.allowed and _counts(bundle, answer, person)
    ]


def _alone(question: Question, person: Person) -> ApprovalGiven:
    return ApprovalGiven((Vote(person.id, person.roles),), question.digest, question.now)


def request_of(bundle: Bundle, question: Question) -> tuple[Est, Handles]:
    """Returns the question as Cedar reads it, on the rung `autonomous`, and what it is put to."""
    action, resource = _target(question)
    known = (resource["type"], resource["id"]) in bundle.uids
    if action == PROBE or action not in bundle.contexts or not known:
        raise InputError(
            f"The contract of {bundle.agent} does not grant",
            which=question.name,
            hint="Use what it grants, or hand the task to a person",
        )
    context = bundle.contexts[action](
        {
            "input": question.arguments,
            "facts": _facts(question),
            "session": _session(bundle, question),
            "system": {"now": Moment(question.now)},
        }
    )
    principal, handles = _principal(bundle, question)
    request = {"principal": principal, "action": entity("Action", action), "resource": resource, "context": context}
    return request, handles


def _target(question: Question) -> tuple[str, dict[str, str]]:
    match question.kind:
        case "tool":
            return question.name, entity("ToolServer", server_of(question.name))
        case "model":
            return "InvokeLLM", entity("Model", question.name)
        case "handoff":
            return "InvokeAgent", entity("Agent", question.name)
        case "memory":
            return {"read": "ReadMemory", "write": "WriteMemory"}.get(question.name, ""), entity("Memory", MEMORY)


def _principal(bundle: Bundle, question: Question) -> tuple[dict[str, str], Handles]:
    if not question.person:
        return entity("Agent", bundle.agent), bundle.handles
    principal = entity("Human", question.person)
    parents = [entity("Role", role) for role in question.roles]
    return principal, bundle.handles.with_entity({"uid": principal, "attrs": {}, "parents": parents})


def _facts(question: Question) -> dict[str, Any]:
    """The amounts come from the gateway; a facts function cannot say otherwise."""
    return {
        **question.facts,
        "amount_minor": _minor(question.amount),
        "spent_today_minor": _minor(question.spent_today),
    }


def _minor(micros: int | None) -> int | None:
    """Hundredths of a unit, rounded up: a ceiling is never passed by a fraction."""
    return None if micros is None else -(-micros // _MICROS_PER_MINOR)


def _session(bundle: Bundle, question: Question) -> dict[str, Any]:
    given = question.approval
    return {
        "autonomy": Rung.AUTONOMOUS,
        "on_behalf_of": question.on_behalf_of,
        "digest": question.digest,
        "hops": question.hops,
        "intent": question.intent,
        "subject": question.subject,
        "confidence": _confidence(question),
        "refused_before": question.refused_before,
        "undoes": question.undoes or None,
        "approval": _given(given, question, _votes(given.votes, bundle.vote_keys)) if given else None,
    }


def _given(given: ApprovalGiven, question: Question, votes: Mapping[str, int]) -> dict[str, Any]:
    """What was approved, and beside it what is asked: the digest of the action, and on whose behalf it is done."""
    people = sorted({vote.person for vote in given.votes})
    asked = {"given_for": given.digest, "asked_for": question.digest, "asked_by": question.on_behalf_of}
    return {"by": people, "votes": votes, "digest": given.digest, "at": Moment(given.at), **asked}


def _votes(votes: Sequence[Vote], keys: Iterable[str]) -> dict[str, int]:
    """Counts people, not votes, for every set of roles some policy asks about."""
    counted: dict[str, int] = {}
    for key in keys:
        roles = set(key.split("+"))
        if people := {vote.person for vote in votes if roles.intersection(vote.roles)}:
            counted[key] = len(people)
    return counted


def _confidence(question: Question) -> Decimal | None:
    stated = question.confidence
    if stated is None:
        return None
    if not stated.is_finite() or not 0 <= stated <= 1:
        raise InputError("Confidence is from 0 to 1", which=str(stated))
    # Rounded down: digits Cedar does not have never make an agent more certain.
    return stated.quantize(_CONFIDENCE_STEP, ROUND_DOWN)


def _put(bundle: Bundle, request: Est, handles: Handles, rung: Rung, known: KnownAnswers) -> RungAnswer:
    """Returns the answer to one question: from memory when exactly this was put to exactly this bundle before."""
    context = json.dumps(request["context"])
    if handles is not bundle.handles or len(context) > LONGEST_KNOWN:  # a person asks, who is no entity of the bundle
        return _ask(bundle, [request], handles, rung)[0]
    resource = request["resource"]
    asked = (bundle.digest, rung.value, request["action"]["id"], resource["type"], resource["id"], context)
    answer = known.find(asked)
    if answer is None:
        (answer,) = _ask(bundle, [{**request, "context": context}], handles, rung)
        known.keep(asked, answer)
    return answer


def _ask(bundle: Bundle, requests: list[Est], handles: Handles, rung: Rung) -> list[RungAnswer]:
    try:
        results = handles.ask(requests)
    except ValueError as error:
        return [RungAnswer(rung, False, (), (str(error),)) for _ in requests]
    return [_answer(bundle, rung, result) for result in results]


def _answer(bundle: Bundle, rung: Rung, result: AuthzResult) -> RungAnswer:
    errors = tuple(result.diagnostics.errors)
    allowed = result.allowed and not any(map(lambda error: _is_forbid(bundle, error), errors))
    found = [(name, bundle.notes[name]) for name in sorted(result.diagnostics.reasons)]
    reasons = tuple(
        Reason(name, note.effect, note.because, note.source, note.text)
        for name, note in found
        if (note.effect == "permit") is allowed
    )
    return RungAnswer(rung, allowed, reasons, errors)


def _is_forbid(bundle: Bundle, error: str) -> bool:
    """Tells whether what failed was a forbid, or cannot be told."""
    named = _FAILED.match(error)
    note = bundle.notes.get(named.group(1)) if named else None
    return note is None or note.effect == "forbid"


def _permitted(bundle: Bundle, rung: Rung, answers: list[RungAnswer]) -> Verdict:
    quorums = [bundle.notes[reason.policy].quorum for reason in answers[-1].reasons]
    if rung is Rung.SUGGEST:
        quorums = [(RoleVotes(each.role, 1),) for quorum in quorums for each in quorum]
    wanted = tuple(dict.fromkeys(quorum for quorum in quorums if quorum)) if rung in (Rung.ASK, Rung.SUGGEST) else ()
    approvers = tuple(sorted(wanted, key=lambda quorum: sum(each.count for each in quorum)))
    return Verdict(rung, tuple(answers), approvers, _next_step(rung, approvers))


def _next_step(rung: Rung, approvers: tuple[Quorum, ...]) -> str:
    who = " or ".join(in_words(quorum) for quorum in approvers)
    if rung is Rung.ASK:
        return f"Wait: {who} is asked first, and the run goes on with the answer."
    return f"Propose it with its consequences: {who} decides and does it." if rung is Rung.SUGGEST else ""


def _counts(bundle: Bundle, answer: RungAnswer, person: Person) -> bool:
    roles = {each.role for reason in answer.reasons for each in bundle.notes[reason.policy].quorum}
    return not roles.isdisjoint(person.roles)


def _hint(bundle: Bundle, question: Question, answer: RungAnswer) -> str:
    if answer.errors:
        return "The action could not be judged, so it is not done; hand the task to a person."
    if answer.reasons:
        because = "; ".join(dict.fromkeys(reason.because for reason in answer.reasons))
        return f"Do not try this again: {because}; choose another way or hand the task to a person."
    if question.refused_before and not question.approval:
        return "Say what their no means for the answer, or hand the task to a person."
    action, _ = _target(question)
    permits = (note for note in bundle.notes.values() if note.effect == "permit" and note.action == action)
    rules = "; ".join(dict.fromkeys(note.text for note in permits))
    if question.approval and not question.person:
        return f"The approval does not suffice for any rule ({rules}); ask again, or choose another way."
    if rules:
        return f"Change the call so that a rule of the contract allows it ({rules}), or hand the task to a person."
    return f"Use another tool: the contract of {bundle.agent} does not grant {question.name}."
