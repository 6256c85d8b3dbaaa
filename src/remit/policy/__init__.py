"""How freely may it act? Contracts and org policies, compiled to Cedar."""

from remit.policy.authority import AuthorityRow, authority
from remit.policy.bundle import Bundle, load, unpack
from remit.policy.model import (
    ActionKind,
    ApprovalGiven,
    Note,
    Question,
    Quorum,
    Reason,
    RoleVotes,
    Rung,
    RungAnswer,
    Subject,
    Verdict,
    Vote,
    undoes,
)
from remit.policy.policy import Policy
from remit.policy.record import question_record, read_question, verdict_record

__all__ = [
    "ActionKind",
    "ApprovalGiven",
    "AuthorityRow",
    "Bundle",
    "Note",
    "Policy",
    "Question",
    "Quorum",
    "Reason",
    "RoleVotes",
    "Rung",
    "RungAnswer",
    "Subject",
    "Verdict",
    "Vote",
    "authority",
    "load",
    "question_record",
    "read_question",
    "undoes",
    "unpack",
    "verdict_record",
]
