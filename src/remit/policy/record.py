"""Questions and verdicts as they are written down: what is read back is put to policy again, for replay."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from remit.policy.model import ApprovalGiven, Question, Verdict, Vote

# What is kept as it is: text, numbers, truth values and JSON objects.
_PLAIN = (
    "kind",
    "name",
    "facts",
    "digest",
    "now",
    "on_behalf_of",
    "hops",
    "intent",
    "subject",
    "person",
    "spent_today",
    "amount",
)
# What questions were first asked with later on, and what it was before then.
_LATER = {"refused_before": False, "undoes": ""}


def question_record(question: Question) -> dict[str, Any]:
    """Returns everything of a question but its arguments, as JSON; they are kept as what was judged."""
    given, stated = question.approval, question.confidence
    return {
        **{name: getattr(question, name) for name in (*_PLAIN, *_LATER)},
        "roles": list(question.roles),
        "confidence": None if stated is None else str(stated),
        "approval": given and {"votes": _votes(given), "digest": given.digest, "at": given.at},
    }


def _votes(given: ApprovalGiven) -> list[dict[str, Any]]:
    return [{"person": vote.person, "roles": list(vote.roles)} for vote in given.votes]


def read_question(record: Mapping[str, Any], arguments: Mapping[str, Any]) -> Question:
    """Returns the question `record` tells of, about these arguments; other fields of a record are left alone."""
    given, stated = record["approval"], record["confidence"]
    question = Question(
        **{name: record[name] for name in _PLAIN},
        **{name: record.get(name, before) for name, before in _LATER.items()},
        arguments=arguments,
        roles=tuple(record["roles"]),
        confidence=None if stated is None else Decimal(stated),
    )
    if not given:
        return question
    votes = tuple(Vote(vote["person"], tuple(vote["roles"])) for vote in given["votes"])
    return replace(question, approval=ApprovalGiven(votes, given["digest"], given["at"]))


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Returns what the log says of a verdict: the rung, each rung asked with its determining policies, who may answer."""
    return {
        "rung": verdict.rung,
        "rungs": [
            {"rung": answer.rung, "allowed": answer.allowed, "policies": [reason.policy for reason in answer.reasons]}
            for answer in verdict.answers
        ],
        "override": [[{"role": need.role, "count": need.count} for need in some] for some in verdict.approvers],
    }
