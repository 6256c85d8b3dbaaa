"""Did a person say yes, to exactly this?"""

from remit.approvals.approvals import Approvals, Asking
from remit.approvals.model import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Needs,
    Vote,
    VoteAnswer,
    anyone_of,
    is_satisfied,
    own_role,
    passed_on,
    why_not,
)
from remit.approvals.overrides import MEANINGS, OVERRIDABLE, Override, OverrideCategory, Overriding

__all__ = [
    "MEANINGS",
    "OVERRIDABLE",
    "Approval",
    "ApprovalKind",
    "ApprovalState",
    "Approvals",
    "Asking",
    "Needs",
    "Override",
    "OverrideCategory",
    "Overriding",
    "Vote",
    "VoteAnswer",
    "anyone_of",
    "is_satisfied",
    "own_role",
    "passed_on",
    "why_not",
]
