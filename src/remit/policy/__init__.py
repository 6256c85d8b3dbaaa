"""How freely may it act? Contracts and org policies, compiled to Cedar."""

from remit.policy.authority import AuthorityRow, authority
from remit.policy.bundle import Bundle, load
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
)
from remit.policy.policy import Policy

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
]
