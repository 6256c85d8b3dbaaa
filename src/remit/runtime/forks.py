"""Forks: a new run that begins with what another did before a step, to look what would happen or to try again."""

from collections.abc import Sequence

from remit.audit import make_entry
from remit.contracts import compile_schema
from remit.core import ConflictError, InputError, iso
from remit.gateway import Parts, is_undone
from remit.journal import Origin, Run, StepRow, StepState
from remit.registry import Version
from remit.store import Commit, CommitRefused

_SETTLED = (StepState.DONE, StepState.DENIED)


async def fork_run(
    parts: Parts, run: Run, step: int, *, by: str, effects: bool, current: bool, because: str = ""
) -> Run:
    """Queues a fork of `run` at `step`, in the same task; what was done before it is not done, nor paid, again.

    Without `effects` writes are judged and not performed: where the first run did the same, its result is played back.
    With them it works for the task, which is opened again if it had failed. `current` takes the agent's present release
    instead of the one the run was pinned to. Raises `InputError` for a step it cannot begin at, or an input the present
    release does not take; `ConflictError` when another run could still act for the task at the same time, or when with
    effects nobody would get what comes of it.
    """
    if run.undoes:
        hint = f"Roll {run.undoes} back again: what is undone is not undone twice"
        raise ConflictError("A rollback is not forked", which=run.id, hint=hint)
    before = [row for row in parts.journal.steps(run.id) if row.step < step]
    if step < 1 or len(before) != step - 1 or any(row.state not in _SETTLED for row in before):
        settled = sum(row.state in _SETTLED for row in parts.journal.steps(run.id))
        raise InputError(
            f"{run.id} cannot be forked at step {step}",
            why=f"it has {settled} steps with an outcome",
            hint=f"Name a step from 1 to {settled + 1}",
        )
    if effects:
        _check_alone(parts, run)
        _check_not_undone(parts, run, step)
    version = _present(parts, run) if current else None
    task = parts.journal.task(run.task)
    if task.erased_at is not None:
        why = f"the content of its task was erased at {iso(task.erased_at)}"
        raise ConflictError("This run cannot be begun anew", which=run.id, why=why)
    origin = Origin(parent_run=run.id, forked_at=step, hops=run.hops, input=run.input, effects=effects)
    fork, queued = parts.journal.new_run(
        task,
        agent=run.agent,
        version=version.version if version else run.version,
        release=version.release if version else run.release,
        origin=origin,
        priority=run.priority,
    )
    statements = [queued, parts.journal.copy_steps(run.id, fork.id, before=step)]
    if effects:
        statements = [parts.journal.guard_alone(task.id), *statements, parts.journal.reopen_task(task.id)]
    fields = {"run": fork.id, "of": run.id, "step": step, "effects": effects, "release": fork.release, "by": by}
    fields |= {"because": because} if because else {}
    entry = make_entry(fork.id, "run.forked", fork.id, parts.clock.now(), fields)
    result = await parts.writer.commit(Commit(statements, [entry], fork.id))
    if isinstance(result, CommitRefused):
        raise ConflictError("The run could not be forked", which=run.id, why=result.refusal)
    return fork


def _check_alone(parts: Parts, run: Run) -> None:
    """A fork that acts carries the task on by itself: what an agent was handed is its giver's to carry on."""
    first = parts.journal.first(run)
    if first.is_child:
        hint = f"Fork the run that handed the work over: {first.parent_run}, at step {first.parent_step}"
        raise ConflictError("Nobody would get what comes of it", which=run.id, why="an agent was handed it", hint=hint)
    for other in parts.journal.runs_of(run.task):
        if other.effects and not other.state.is_over:
            raise ConflictError(
                "Two runs would act for one task", which=other.id, why=f"it is {other.state}", hint="Cancel it first"
            )


def _check_not_undone(parts: Parts, run: Run, step: int) -> None:
    """What was undone cannot be begun with, as if it were there."""
    if gone := undone_before(parts, run, step):
        raise ConflictError(
            "It would begin with what was undone",
            which=run.id,
            why=f"step {gone} was undone",
            hint=f"Fork it at step {gone} or before",
        )


def undone_before(parts: Parts, run: Run, step: int) -> int:
    """Returns the first step before `step` of which something is undone; 0 when there is none."""
    before = (row for row in parts.journal.steps(run.id) if row.step < step)
    return next((row.step for row in before if is_undone(parts, run, row)), 0)


def where_it_went_wrong(steps: Sequence[StepRow]) -> int:
    """Returns the first step to be done anew: the first without an outcome, else the model's last word, else the last."""
    for row in steps:
        if row.state not in _SETTLED:
            return row.step
    asked = [row.step for row in steps if row.kind == "model"]
    return asked[-1] if asked else max(len(steps), 1)


def _present(parts: Parts, run: Run) -> Version:
    """Returns the agent's present version, when it takes what the run was given."""
    version = parts.registry.current(run.agent)
    release = parts.releases.get(version.release)
    if release is None:
        raise ConflictError(f"The release of {version.id} is not loaded", hint="Restore the approved text")
    given = parts.journal.content(run.input or parts.journal.task(run.task).input)
    if problems := compile_schema(release.contract.terms.input).problems(given):
        raise InputError(f"The input does not fit the contract of {version.id}", which=run.id, why="; ".join(problems))
    return version
