"""People's answers to questions, entering through the gateway: checked, bound to a digest, logged."""

from collections.abc import Mapping
from typing import Any

from remit.approvals import (
    Approval,
    ApprovalState,
    OverrideCategory,
    Vote,
    VoteAnswer,
    own_role,
    passed_on,
    why_not,
)
from remit.audit import make_entry
from remit.contracts import Person
from remit.core import ConflictError, InputError, RefusedError
from remit.gateway.context import Parts
from remit.gateway.edits import check_edit, edited
from remit.gateway.overrides import keep_override, override_category, reason_payload
from remit.journal import Payload
from remit.store import Commit, CommitRefused

SAY_WHY = "Say why (on the command line: --because); it goes on the record"
_DONE: Mapping[VoteAnswer, str] = {"approve": "approved", "edit": "changed and approved", "reject": "rejected"}


async def answer_question(
    parts: Parts,
    approval: Approval,
    *,
    person: str,
    answer: VoteAnswer,
    reason: str,
    arguments: Mapping[str, Any] | None = None,
    category: OverrideCategory | None = None,
) -> ApprovalState:
    """Records one person's answer and returns where the question stands after it.

    An edit, or a no to what an agent proposed, is an override and becomes a case of the agent's. Raises `RefusedError`
    when they may not answer, or when the edit would be refused (both logged), `InputError` when a reason or the edit
    is missing or does not fit, `ConflictError` when somebody else answered at the same moment.
    """
    who = parts.people.person(person)
    await check_duties(parts, approval, who)
    if answer != "approve" and not reason.strip():
        raise InputError(f"To {answer} takes a reason", which=approval.id, hint=SAY_WHY)
    why = override_category(parts, approval, answer, category)
    told = reason_payload(parts, approval, reason)
    payload = edited(parts, approval, arguments) if answer == "edit" else None
    content = payload.digest if payload else ""
    why = None if content == approval.proposed else why  # nothing was changed: a yes
    roles, named = (*who.roles, own_role(who.id)), why.value if why else ""
    vote = Vote(who.id, answer, roles, content or approval.digest, reason, parts.clock.now(), named)
    state, statements = parts.approvals.answer(approval, vote, proposed=content or approval.proposed)
    if payload:
        await check_edit(parts, approval, payload, [*parts.approvals.votes(approval.id), vote], state)
    kept = [parts.journal.keep(each) for each in (told, payload) if each]
    fields = _told(parts, approval, who, answer, told) | {"answered": vote.digest, "state": state.value}
    if why:
        fields["category"] = why.value
        kept.append(keep_override(parts, approval, who.id, why, told, decided=content))
    entry = make_entry(approval.run, "approval", approval.id, vote.at, fields)
    if state is not ApprovalState.PENDING:
        kept.append(parts.journal.ready(approval.run))
    result = await parts.writer.commit(Commit([*statements, *kept], [entry], approval.id))
    if isinstance(result, CommitRefused):
        raise ConflictError(
            "The answer was not taken", which=approval.id, why=result.refusal, hint="Look again and retry"
        )
    return state


async def escalate_question(parts: Parts, approval: Approval, *, person: str, to: str, reason: str) -> Approval:
    """Passes a question on: from now on only those may say yes whom `to`, a role or a person asked by name, is among.

    Raises `RefusedError` when they may not answer it themselves (logged), `InputError` without a reason, or when
    policy has not named `to` or leaves nobody else to pass it on from.
    """
    who = parts.people.person(person)
    await check_duties(parts, approval, who)
    if not reason.strip():
        raise InputError("To escalate takes a reason", which=approval.id, hint=SAY_WHY)
    needs = passed_on(approval.needs, to)
    if not needs:
        ways = ", or ".join(" and ".join(role for role, _ in way) for way in approval.needs)
        raise InputError("It cannot be passed on to them", which=to, why=f"who may answer: {ways}")
    told = reason_payload(parts, approval, reason)
    fields = _told(parts, approval, who, "escalate", told) | {"to": to, "state": approval.state.value}
    entry = make_entry(approval.run, "approval", approval.id, parts.clock.now(), fields)
    statements = [parts.approvals.pass_on(approval, needs), parts.journal.keep(told)]
    result = await parts.writer.commit(Commit(statements, [entry], approval.id))
    if isinstance(result, CommitRefused):
        raise ConflictError("It was not passed on", which=approval.id, why=result.refusal, hint="Look again and retry")
    return parts.approvals.get(approval.id)


async def check_duties(parts: Parts, approval: Approval, who: Person) -> None:
    """Separation of duties; a refused attempt to answer is on the record too."""
    now = parts.clock.now()
    version = parts.registry.find(approval.agent, approval.version)
    owner = version.owner if version else ""
    asked_by = parts.journal.underway.task(approval.task).chain
    why = why_not(approval, who.id, (*who.roles, own_role(who.id)), owner, now, asked_by=asked_by)
    if not why:
        return
    why = answered_first(parts, approval) or why
    fields = {"approval": approval.id, "by": who.id, "answer": "refused", "why": why}
    statements = [parts.approvals.close(approval.id, ApprovalState.EXPIRED, why)] if now >= approval.expires_at else []
    await parts.writer.commit(Commit(statements, [make_entry(approval.run, "approval", approval.id, now, fields)]))
    raise RefusedError(f"{who.id} may not answer", which=approval.id, why=why)


def answered_first(parts: Parts, approval: Approval) -> str:
    """Says who decided a question and how; nothing while it is open, or where nobody did."""
    if approval.state in (ApprovalState.PENDING, ApprovalState.EXPIRED, ApprovalState.WITHDRAWN):
        return ""
    if approval.kind == "proposal" and approval.state is ApprovalState.USED:
        step = parts.journal.step(approval.run, approval.step)
        return f"{step.person} did it first" if step and step.person else ""
    votes = parts.approvals.votes(approval.id)
    return f"{votes[-1].person} {_DONE[votes[-1].answer]} it first" if votes else ""


def _told(parts: Parts, approval: Approval, who: Person, answer: str, reason: Payload) -> dict[str, Any]:
    """Returns what the log says of every answer."""
    fields: dict[str, Any] = {"approval": approval.id, "question": approval.kind, "by": who.id, "roles": who.roles}
    fields |= {"answer": answer, "asked": approval.digest, "reason": reason.digest}
    absent = parts.people.absent(who.id)
    return fields | ({"stands_in_for": absent} if absent else {})
