"""What people make of what was asked: it fits the schema, and policy lets it pass, before it is taken as a yes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from remit.approvals import Approval, ApprovalState, Needs, Vote
from remit.audit import make_entry
from remit.contracts import normalise
from remit.core import InputError, NotFoundError, RefusedError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.model import Action, Check, Denied
from remit.gateway.release import Release
from remit.gateway.steps import authorize, check_input, screen
from remit.journal import Payload
from remit.policy import Rung, Verdict
from remit.store import Commit


def given_arguments(approval: Approval, arguments: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Returns what an edit changes it to; without it, it is an `InputError`."""
    if arguments is None:
        raise InputError("An edit takes the changed arguments", which=approval.id, hint="Give them as a JSON object")
    return arguments


def edited(parts: Parts, approval: Approval, arguments: Mapping[str, Any] | None) -> Payload:
    """Names the changed content. Raises `InputError` when it does not fit the schema."""
    arguments = given_arguments(approval, arguments)
    task, run = parts.journal.underway.task(approval.task), parts.journal.run(approval.run)
    release = parts.releases.get(run.release)
    if release is None or approval.kind not in ("action", "answer"):
        raise NotFoundError("Nothing to edit", which=approval.id, why=f"it is a question of kind {approval.kind}")
    if run.undoes:
        why = "what a rollback does and tells follows from the record"
        raise InputError("A rollback cannot be changed", which=approval.id, why=why, hint="Approve or reject it")
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


async def check_edit(
    parts: Parts, approval: Approval, payload: Payload, votes: Sequence[Vote], state: ApprovalState
) -> None:
    """Asks about an edited action what will be asked when the run goes on, without doing anything.

    Raises `RefusedError`, which is on the record, when it would be refused then: nobody says yes to what fails later.
    """
    release = parts.releases.get(parts.journal.run(approval.run).release)
    if approval.kind != "action" or release is None:
        return
    ctx = _as_if_asked(parts, approval, payload, release)
    if state is ApprovalState.APPROVED:
        ctx.approval, ctx.votes = replace(approval, state=state, digest=payload.digest), votes
    denied = await check_input(parts, ctx) or await authorize(parts, ctx) or _unanswerable(ctx, approval)
    denied = denied or await screen(parts, ctx)
    if denied is None:
        return
    fields = {"approval": approval.id, "by": votes[-1].person, "answer": "refused", "edited": payload.digest}
    fields |= {"refused_at": int(denied.step), "why": denied.reason}
    entry = make_entry(approval.run, "approval", approval.id, ctx.now, fields)
    await parts.writer.commit(Commit([], [entry]))
    why = f"{denied.reason}: {denied.words.rstrip('.')}" if denied.words else denied.reason
    if denied.step is Check.AUTHORITY and ctx.facts:
        why += f"; found out was {', '.join(f'{name} {_plain(value)}' for name, value in sorted(ctx.facts.items()))}"
    hint = denied.hint or "Change it so that the contract permits it, approve it as it was asked, or reject it"
    raise RefusedError("The edit would be refused", which=approval.name, why=why, hint=hint)


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _as_if_asked(parts: Parts, approval: Approval, payload: Payload, release: Release) -> ActionContext:
    """Returns the action as if the agent had asked for what it was changed to."""
    run = parts.journal.run(approval.run)
    version = parts.registry.find(run.agent, run.version)
    if version is None:
        raise NotFoundError("The version is not registered", which=f"{run.agent}@{run.version}")
    changed: Any = payload.value()
    sure = Decimal(approval.confidence) if approval.confidence else None
    action = Action("tool", approval.name, changed["arguments"], approval.step, sure)
    ctx = ActionContext(action, None, parts.clock.now())
    ctx.run, ctx.task, ctx.version = run, parts.journal.underway.task(run.task), version
    ctx.release, ctx.identified = release, True
    ctx.asked = ctx.payload(action.as_asked())
    return ctx


def _unanswerable(ctx: ActionContext, approval: Approval) -> Denied | None:
    """Says so when those who are asked are not those whose yes the edited action takes."""
    verdict = ctx.verdict
    if verdict is None or verdict.rung in (Rung.AUTONOMOUS, Rung.APPROVED):
        return None
    if verdict.rung is Rung.ASK and _is_enough(approval.needs, verdict):
        return None
    if verdict.rung is Rung.SUGGEST:
        return Denied(Check.APPROVAL, "what it is changed to is only for people to do themselves", verdict.hint)
    takes = ", or ".join(" and ".join(f"{each.count} × {each.role}" for each in way) for way in verdict.approvers)
    return Denied(Check.APPROVAL, f"what it is changed to takes the yes of {takes}, who are not asked here")


def _is_enough(needs: Needs, verdict: Verdict) -> bool:
    """Whether every way of a yes to the question is also one to the edited action."""
    wanted = [{each.role: each.count for each in way} for way in verdict.approvers]
    given = [dict(way) for way in needs]
    return all(any(all(way.get(role, 0) >= n for role, n in want.items()) for want in wanted) for way in given)
