"""A run driven again: recorded outcomes come back, open ones are settled, and another order is a named error."""

from collections.abc import Awaitable

from remit.approvals import Approval
from remit.core import IntegrityError, NotFoundError, RemitError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.effects import doubt, finish, resume, settle_doubt
from remit.gateway.model import Action, Check, Done, Outcome
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
    asked = ctx.payload(ctx.action.as_asked())
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


async def settled(known: Awaitable[Outcome | None]) -> Outcome:
    """Returns the outcome of a step that was decided; there always is one."""
    outcome = await known
    if outcome is None:
        raise IntegrityError("A decided step has no outcome")
    return outcome


async def settle_told(parts: Parts, row: StepRow, approval: Approval) -> Outcome:
    """Settles a step of unknown outcome by what a person told, whatever became of its run."""
    run = parts.journal.run(row.run)
    version = parts.registry.find(run.agent, run.version)
    if version is None or run.release not in parts.releases:
        raise NotFoundError("The release this run was pinned to is not loaded", which=run.release)
    ctx = ActionContext(Action(row.kind, row.name, {}, row.step), None, parts.clock.now())
    ctx.run, ctx.task, ctx.version = run, parts.journal.task_terms(run.task), version
    ctx.release, ctx.identified = parts.releases[run.release], True
    _restore(parts, ctx, row)
    return await settle_doubt(parts, ctx, approval)


def _restore(parts: Parts, ctx: ActionContext, row: StepRow) -> None:
    """Puts back what a decided step was decided with."""
    ctx.decision, ctx.performed = row.decision, True
    ctx.tool = ctx.release.tools.get(row.name) if row.kind == "tool" else None
    judged = parts.journal.content(row.judged)
    ctx.arguments, ctx.judged = judged["arguments"], ctx.payload(judged)
    ctx.person = parts.people.person(row.person) if row.person else None
    ctx.subjects = parts.journal.subjects(ctx.task.id)
    ctx.hold = parts.ledger.hold_of(row.run, row.step)
    ctx.locks = tuple(parts.controls.held_by(ctx.key))


async def _take_up(parts: Parts, ctx: ActionContext, row: StepRow) -> Outcome:
    _restore(parts, ctx, row)
    if row.state is StepState.UNKNOWN and (approval := parts.approvals.find(row.approval)):
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
