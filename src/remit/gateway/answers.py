"""People's answers to questions, entering through the gateway: checked, bound to a digest, logged."""

from collections.abc import Mapping
from typing import Any

from remit.approvals import Approval, ApprovalState, VoteAnswer, own_role, passed_on, why_not
from remit.audit import make_entry
from remit.contracts import Person, normalise
from remit.core import ConflictError, InputError, NotFoundError, RefusedError
from remit.gateway.context import Parts
from remit.journal import Payload
from remit.store import Commit, CommitRefused, Statement

SAY_WHY = "Say why (on the command line: --because); it goes on the record"


async def answer_question(
    parts: Parts,
    approval: Approval,
    *,
    person: str,
    answer: VoteAnswer,
    reason: str,
    arguments: Mapping[str, Any] | None = None,
) -> ApprovalState:
    """Records one person's answer and returns where the question stands after it.

    Raises `RefusedError` when they may not answer (logged), `InputError` when a reason or the edit is missing or does
    not fit, `ConflictError` when somebody else answered at the same moment.
    """
    who = parts.people.person(person)
    await check_duties(parts, approval, who)
    if answer != "approve" and not reason.strip():
        raise InputError(f"To {answer} takes a reason", which=approval.id, hint=SAY_WHY)
    digest, proposed, kept = approval.digest, approval.proposed, list[Statement]()
    if answer == "edit":
        payload = _edited(parts, approval, arguments)
        digest = proposed = payload.digest
        kept = [parts.journal.keep(payload)]
    told = _reason(parts, approval, reason)
    kept.append(parts.journal.keep(told))
    roles = (*who.roles, own_role(who.id))
    state, statements = parts.approvals.answer(
        approval, person=who.id, roles=roles, answer=answer, reason=reason, digest=digest, proposed=proposed
    )
    fields = _told(parts, approval, who, answer, told) | {"answered": digest, "state": state.value}
    entry = make_entry(approval.run, "approval", approval.id, parts.clock.now(), fields)
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
    told = _reason(parts, approval, reason)
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
    asked_by = parts.journal.task_terms(approval.task).chain
    why = why_not(approval, who.id, (*who.roles, own_role(who.id)), owner, now, asked_by=asked_by)
    if not why:
        return
    fields = {"approval": approval.id, "by": who.id, "answer": "refused", "why": why}
    statements = [parts.approvals.close(approval.id, ApprovalState.EXPIRED, why)] if now >= approval.expires_at else []
    await parts.writer.commit(Commit(statements, [make_entry(approval.run, "approval", approval.id, now, fields)]))
    raise RefusedError(f"{who.id} may not answer", which=approval.id, why=why)


def _told(parts: Parts, approval: Approval, who: Person, answer: str, reason: Payload) -> dict[str, Any]:
    """Returns what the log says of every answer."""
    fields: dict[str, Any] = {"approval": approval.id, "question": approval.kind, "by": who.id, "roles": who.roles}
    fields |= {"answer": answer, "asked": approval.digest, "reason": reason.digest}
    absent = parts.people.absent(who.id)
    return fields | ({"stands_in_for": absent} if absent else {})


def _reason(parts: Parts, approval: Approval, reason: str) -> Payload:
    """Names what they said; in their words it may be personal, so the log has its digest."""
    task = parts.journal.task_terms(approval.task)
    return Payload.of({"reason": reason}, task=task.id, salt=task.salt)


def _edited(parts: Parts, approval: Approval, arguments: Mapping[str, Any] | None) -> Payload:
    """Names the changed content; it is judged in full when the run goes on."""
    if arguments is None:
        raise InputError("An edit takes the changed arguments", which=approval.id, hint="Give them as a JSON object")
    task, run = parts.journal.task(approval.task), parts.journal.run(approval.run)
    release = parts.releases.get(run.release)
    if release is None or approval.kind not in ("action", "answer"):
        raise NotFoundError("Nothing to edit", which=approval.id, why=f"it is a question of kind {approval.kind}")
    if approval.kind == "answer":
        value: dict[str, Any] = {"answer": dict(arguments)}
        problems = release.output.problems(dict(arguments))
    else:
        changed = normalise(release.tools[approval.name].input, dict(arguments))
        value = {"kind": "tool", "name": approval.name, "arguments": changed}
        problems = release.inputs[approval.name].problems(changed)
    if problems:
        raise InputError("The edit does not fit the schema", which=approval.name, why="; ".join(problems))
    return Payload.of(value, task=task.id, salt=task.salt)
