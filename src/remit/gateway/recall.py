"""A run driven again: recorded outcomes come back, open ones are settled, and another order is a named error."""

from collections.abc import Coroutine, Mapping
from typing import Any

from remit.approvals import Approval, ApprovalState
from remit.contracts import unmet_criteria
from remit.controls import is_place
from remit.core import SECOND, IntegrityError, JsonValue, NotFoundError, RemitError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.effects import Performed, conclude, doubt, finish, is_repeatable, look_up, resume, settle_doubt
from remit.gateway.holding import longest_call
from remit.gateway.model import Action, Check, Denied, Done, Outcome, Waiting
from remit.gateway.placing import commit_in_place
from remit.gateway.records import (
    commit_denied,
    commit_played_back,
    commit_resumed,
    read_denied,
    read_done,
    recorded_outcome,
)
from remit.gateway.release import Release
from remit.gateway.steps import take_locks
from remit.gateway.tools import OutcomeUnknownError
from remit.journal import Run, RunState, StepRow, StepState


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


async def play_back(parts: Parts, ctx: ActionContext) -> Done | Denied:
    """Answers a write of a fork without effects: as the first run was answered, or not at all; nothing is done."""
    first, asked = _first_of(parts, ctx.run), ctx.asked.digest if ctx.asked else ""
    like = parts.journal.recorded_like
    row = like(first.id, asked, fork=ctx.run.id, step=ctx.action.step) if first else None
    rung = ctx.verdict.rung if ctx.verdict else None
    if row is None:
        why = f"a fork without effects does not do it; policy's answer is {rung}"
        return await commit_denied(parts, ctx, Denied(Check.PERFORM, why, "Fork with effects to have it done"))
    return await commit_played_back(parts, ctx, row)


def _first_of(parts: Parts, run: Run) -> Run | None:
    """Returns whose record answers in a fork without effects; for whom it hands work to, that of the first run's taker."""
    before = parts.journal.find_run(run.parent_run or "")
    if run.is_fork or before is None:
        return before
    giver, step = _first_of(parts, before), run.parent_step or 0
    while giver is not None and step < (giver.forked_at or 0):  # what it began with was handed over before it
        giver = parts.journal.find_run(giver.parent_run or "")
    taker = parts.journal.child(giver.id, step) if giver else None
    return taker if taker and taker.agent == run.agent else None


async def settle_told(parts: Parts, row: StepRow, approval: Approval) -> Outcome:
    """Settles a step of unknown outcome by what a person told, whatever became of its run."""
    return await settle_doubt(parts, _context_of(parts, row), approval)


def is_left(parts: Parts, row: StepRow, own: str = "") -> bool:
    """Whether nobody performs a step of a run that is over any more; executor `own` says that it does not."""
    run = parts.journal.run(row.run)
    if row.kind == "handoff":
        return True  # the taker's run is what was done, and nobody waits for it
    if row.person and (acted := parts.approvals.find(row.approval)) and acted.used_at is not None:
        # They may act from any process: after this time their call has ended, one way or another.
        tool = _release_of(parts, run).tools.get(row.name)
        return parts.clock.now() - acted.used_at > longest_call(parts, tool) * SECOND
    # Whoever decided it, and whoever may have taken it up since.
    drivers = {parts.journal.executor(run.id, number) for number in (row.attempt, run.attempt)}
    return all(parts.executors.left(run, each) is not None for each in drivers - {own})


def settle_over(parts: Parts, row: StepRow, own: str = "") -> Coroutine[Any, Any, Outcome] | None:
    """Returns what brings a step of a run that is over to its outcome; nothing while somebody performs or is asked."""
    if row.state is not StepState.UNKNOWN:
        return _settle_left(parts, row) if is_left(parts, row, own) else None
    asked = parts.approvals.find(row.approval)
    return settle_told(parts, row, asked) if asked and asked.state is not ApprovalState.PENDING else None


async def _settle_left(parts: Parts, row: StepRow) -> Outcome:
    """Nothing is performed any more, but what may have happened is found out."""
    ctx = _context_of(parts, row)
    told = "the run ended before its answer was kept"
    if row.kind != "tool" or (ctx.tool and ctx.tool.effect == "read"):
        cost = ctx.hold.amount if ctx.hold and row.kind == "model" else 0
        return await finish(parts, ctx, Performed({"error": told}, is_error=True, cost=cost))
    return await conclude(parts, ctx, look_up(parts, ctx, OutcomeUnknownError(told)))


def _context_of(parts: Parts, row: StepRow) -> ActionContext:
    """Returns what is known of a step apart from any attempt that asks for it."""
    run = parts.journal.run(row.run)
    version = parts.registry.find(run.agent, run.version)
    if version is None:
        raise NotFoundError("The version of a run is not registered", which=f"{run.agent}@{run.version}")
    ctx = ActionContext(Action(row.kind, row.name, {}, row.step), None, parts.clock.now())
    ctx.run, ctx.task, ctx.version = run, parts.journal.underway.task(run.task), version
    ctx.release, ctx.identified = _release_of(parts, run), True
    _restore(parts, ctx, row)
    return ctx


def _release_of(parts: Parts, run: Run) -> Release:
    """Returns what a run was pinned to: its version may be retired, and gone from the folder, when a call is settled."""
    why = "nothing was kept of what it is made of"
    try:
        if release := parts.release(run.release):
            return release
    except (ValueError, LookupError) as fault:
        why = str(fault)
    raise NotFoundError(
        "The release this run was pinned to cannot be made any more",
        which=f"{run.agent}@{run.version}",
        why=why,
        hint="`remit doctor` names it, and what has to be put back",
    )


def _restore(parts: Parts, ctx: ActionContext, row: StepRow) -> None:
    """Puts back what a decided step was decided with."""
    ctx.decision, ctx.performed = row.decision, True
    ctx.tool = ctx.release.tools.get(row.name) if row.kind == "tool" else None
    judged = parts.journal.content(row.judged)
    ctx.arguments, ctx.judged = judged["arguments"], ctx.payload(judged)
    ctx.person = parts.people.person(row.person) if row.person else None
    ctx.subjects = parts.journal.subjects(ctx.task.id)
    ctx.hold = parts.ledger.hold_of(row.run, row.step)
    held = parts.controls.held_by(ctx.key)
    ctx.locks = tuple(each for each in held if not is_place(each))
    ctx.places = tuple(filter(is_place, held))


async def take_up_handoff(parts: Parts, ctx: ActionContext, row: StepRow) -> Outcome:
    """Brings a hand-off to its outcome once the taker's run is over."""
    child = parts.journal.child(row.run, row.step)
    if child is None:
        raise IntegrityError("A hand-off has no run", which=ctx.key)
    if not child.state.is_over:
        return Waiting("handoff", "", row.decision, child.id)
    return await finish(parts, ctx, _came_back(parts, ctx, child))


def _came_back(parts: Parts, ctx: ActionContext, child: Run) -> Performed:
    """Returns what the giver hears: the taker's output, and which criteria of the envelope it does not meet."""
    output: JsonValue = parts.journal.content(child.output) if child.output else None
    told: dict[str, Any] = {"agent": child.agent, "run": child.id, "state": child.state.value, "output": output}
    if child.state is not RunState.DONE:
        return Performed({**told, "error": f"{child.agent} did not finish: {child.reason or child.state}"}, True)
    met: Mapping[str, Any] = output if isinstance(output, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    if unmet := unmet_criteria(ctx.arguments, met):
        return Performed({**told, "unmet": unmet, "error": f"the result does not meet: {'; '.join(unmet)}"}, True)
    return Performed(told)


async def take_up(parts: Parts, ctx: ActionContext, row: StepRow) -> Outcome:
    """Brings a step that was decided before, and has no outcome yet, to its outcome."""
    _restore(parts, ctx, row)
    if row.kind == "handoff":
        return await take_up_handoff(parts, ctx, row)
    if row.state is StepState.UNKNOWN and (approval := parts.approvals.find(row.approval)):
        return await settle_doubt(parts, ctx, approval)
    await take_locks(parts, ctx)
    if ctx.tool is None or is_repeatable(ctx.tool):
        refused = await commit_in_place(parts, ctx, commit_resumed)
    else:
        refused = await commit_resumed(parts, ctx)
    parts.reach("resuming")
    if refused is None:
        return await conclude(parts, ctx, resume(parts, ctx))
    if (now := parts.journal.step(row.run, row.step)) and now.state is not row.state:  # the attempt before still lives
        return recorded_outcome(parts, now) or await take_up(parts, ctx, now)
    if refused.step is not Check.LOCK:
        return await commit_denied(parts, ctx, refused)
    told = f"the attempt that called it ended, and {refused.reason} by now"
    return await doubt(parts, ctx, OutcomeUnknownError(told))
