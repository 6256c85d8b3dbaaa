"""A run driven again: recorded outcomes come back, open ones are settled, and another order is a named error."""

from remit.core import RemitError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.effects import doubt, finish, resume, settle_doubt
from remit.gateway.model import Check, Done, Outcome
from remit.gateway.records import commit_denied, commit_resumed, read_denied
from remit.gateway.steps import take_locks
from remit.gateway.tools import OutcomeUnknownError
from remit.journal import StepRow, StepState


class AnotherActionError(RemitError):
    """A run driven again asked for something else than its journal says."""


async def recall(parts: Parts, ctx: ActionContext) -> Outcome | None:
    """Returns what the journal knows of this step, or nothing when it still has to be decided."""
    row = ctx.recorded
    assert row is not None  # noqa: S101  called only when there is one
    asked = ctx.payload({"kind": ctx.action.kind, "name": ctx.action.name, "arguments": dict(ctx.action.arguments)})
    if row.asked != asked.digest:
        raise AnotherActionError(
            "The run does not repeat itself",
            which=f"{ctx.run.id}, step {row.step}",
            why=f"the journal has {row.kind} {row.name}, asked now: {ctx.action.kind} {ctx.action.name}",
            hint="Agent code must depend only on its input and recorded results; use run.value for anything else",
        )
    match row.state:
        case StepState.DONE:
            return Done(parts.journal.content(row.result)["value"], row.decision, row.is_error, row.cost)
        case StepState.DENIED:
            return read_denied(parts.journal.content(row.result), row.decision)
        case StepState.WAITING:
            return None
        case StepState.DECIDED | StepState.UNKNOWN:
            return await _take_up(parts, ctx, row)


async def _take_up(parts: Parts, ctx: ActionContext, row: StepRow) -> Outcome:
    ctx.decision, ctx.performed = row.decision, True
    ctx.tool = ctx.release.tools.get(row.name) if row.kind == "tool" else None
    judged = parts.journal.content(row.judged)
    ctx.arguments, ctx.judged = judged["arguments"], ctx.payload(judged)
    ctx.subjects = parts.journal.subjects(ctx.task.id)
    ctx.hold = parts.ledger.hold_of(row.run, row.step)
    if row.state is StepState.UNKNOWN and (approval := parts.approvals.find(row.approval)):
        ctx.locks = tuple(parts.controls.held_by(ctx.key))
        return await settle_doubt(parts, ctx, approval)
    await take_locks(parts, ctx)
    refused = await commit_resumed(parts, ctx)
    if refused is not None and refused.step is not Check.LOCK:
        return await commit_denied(parts, ctx, refused)
    try:
        if refused is not None:
            raise OutcomeUnknownError(f"the attempt that called it ended, and {refused.reason} by now")
        performed = await resume(parts, ctx)
    except OutcomeUnknownError as fault:
        return await doubt(parts, ctx, fault)
    return await finish(parts, ctx, performed)
