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

__all__ = [
    "Approval",
    "ApprovalKind",
    "ApprovalState",
    "Approvals",
    "Asking",
    "Needs",
    "Vote",
    "VoteAnswer",
    "anyone_of",
    "is_satisfied",
    "own_role",
    "passed_on",
    "why_not",
]
