"""What a person does not let stand of what an agent proposed: its category, their words, and what keeps it."""

from remit.approvals import OVERRIDABLE, Approval, OverrideCategory, Overriding, VoteAnswer
from remit.core import InputError
from remit.gateway.context import Parts
from remit.journal import Payload
from remit.store import Statement


def reason_payload(parts: Parts, approval: Approval, reason: str) -> Payload:
    """Names what they said; in their words it may be personal, so the log has its digest."""
    task = parts.journal.underway.task(approval.task)
    return Payload.of({"reason": reason}, task=task.id, salt=task.salt)


def override_category(
    parts: Parts, approval: Approval, answer: VoteAnswer, category: OverrideCategory | None
) -> OverrideCategory | None:
    """Returns why what an agent proposed does not stand; None when the answer overrides nothing.

    What a rollback asks no agent has proposed, whatever category is given.
    """
    if answer != "approve" and approval.kind in OVERRIDABLE:
        return None if parts.journal.run(approval.run).undoes else category or OverrideCategory.OTHER
    if category is None:
        return None
    why = f"only a no or a change to a question of kind {', '.join(OVERRIDABLE)} has one"
    raise InputError("The answer takes no category", which=category.value, why=why, hint="Leave it out")


def keep_override(
    parts: Parts, approval: Approval, person: str, category: OverrideCategory, reason: Payload, *, decided: str
) -> Statement:
    """Returns what keeps an override; `decided` is the payload of what it was changed to, empty when it must not be."""
    given = parts.journal.run(approval.run).input or parts.journal.task(approval.task).input
    return parts.approvals.override(
        approval,
        Overriding(
            person=person,
            answer="edit" if decided else "reject",
            category=category,
            input=given,
            decided=decided,
            reason=reason.digest,
        ),
    )
