"""A run driven again: recorded outcomes come back, open ones are settled, and another order is a named error."""

from remit.approvals import Approval
from remit.core import NotFoundError, RemitError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.effects import conclude, doubt, resume, settle_doubt
from remit.gateway.model import Action, Check, Denied, Done, Outcome
from remit.gateway.records import commit_denied, commit_resumed, read_denied, read_done
from remit.gateway.steps import take_locks
from remit.gateway.tools import OutcomeUnknownError
from remit.journal import StepRow, StepState


class AnotherActionError(RemitError):
    """A run driven again asked for something else than its journal says."""


def recall(parts: Parts, ctx: ActionContext, row: StepRow) -> Done | Denied | None:
    """Returns the recorded outcome of a step, or nothing when it has none yet."""
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
            return read_done(parts, row)
        case StepState.DENIED:
            return read_denied(parts, row)
        case StepState.WAITING | StepState.DECIDED | StepState.UNKNOWN:
            return None


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


async def take_up(parts: Parts, ctx: ActionContext, row: StepRow) -> Outcome:
    """Brings a step that was decided before, and has no outcome yet, to its outcome."""
    _restore(parts, ctx, row)
    if row.state is StepState.UNKNOWN and (approval := parts.approvals.find(row.approval)):
        return await settle_doubt(parts, ctx, approval)
    await take_locks(parts, ctx)
    refused = await commit_resumed(parts, ctx)
    if refused is None:
        return await conclude(parts, ctx, resume(parts, ctx))
    if refused.step is not Check.LOCK:
        return await commit_denied(parts, ctx, refused)
    told = f"the attempt that called it ended, and {refused.reason} by now"
    return await doubt(parts, ctx, OutcomeUnknownError(told))
