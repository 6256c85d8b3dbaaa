"""Rollbacks: a run whose steps undo another run, the latest change first; what cannot be undone is listed, never silent."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from remit.audit import make_entry
from remit.core import ConflictError, JsonValue
from remit.gateway import (
    Check,
    Denied,
    Done,
    Left,
    Parts,
    RollbackPlan,
    carrier,
    left_of,
    plan_rollback,
    undoing_run,
    writes_of,
)
from remit.journal import Origin, Run
from remit.runtime.handle import RunHandle
from remit.runtime.model import RunFailedError
from remit.store import Commit, CommitRefused, Entry, Statement

# What a rollback that nobody asked for says when something is left.
FAILED_RUN = "the run failed, and its contract has it undone"


@dataclass(frozen=True, slots=True)
class Begun:
    """A rollback that is to begin: its run, and what the commit needs that begins it."""

    run: Run
    statements: tuple[Statement, ...]
    entry: Entry


def plan_begun(
    parts: Parts, run: Run, plan: RollbackPlan, *, by: str, because: str, asked_by: str = ""
) -> Begun | None:
    """Plans the rollback of a run that is over; None when no version of its agent may act."""
    carried = carrier(parts, run)
    if carried is None:
        return None
    origin = Origin(hops=run.hops, asked_by=asked_by or by)
    task = parts.journal.task(run.task)
    rollback, statements = undoing_run(parts, task, carried[0], plan, origin, because=because)
    steps = [{"run": of.id, "step": undo.step, "name": undo.name, "by": undo.by} for of, undo in writes_of(plan)]
    fields = {"run": rollback.id, "undoes": run.id, "task": run.task, "release": rollback.release, "by": by}
    fields |= {"because": because, "steps": steps, "left": [_logged(each.told()) for each in left_of(plan)]}
    entry = make_entry(rollback.id, "rollback.started", rollback.id, parts.clock.now(), fields)
    return Begun(rollback, tuple(statements), entry)


async def begin_rollback(parts: Parts, run: Run, *, by: str, because: str, asked_by: str = "") -> Run | None:
    """Queues the rollback of a run; None when there is nothing to undo and nothing to tell.

    `asked_by` is the person who answers for `by`, when that is a program: they permit nothing it asks. Raises
    `ConflictError` while the run, or another one for its task, is at work.
    """
    check_undoable(parts, run)
    plan = plan_rollback(parts, run)
    if plan.is_empty:
        return None
    begun = plan_begun(parts, run, plan, by=by, because=because, asked_by=asked_by)
    if begun is None:
        hint = "Approve a version of the agent, then roll back"
        raise ConflictError("Nobody can undo it", which=run.id, why=f"no version of {run.agent} may act", hint=hint)
    statements = [parts.journal.guard_alone(run.task), *begun.statements]
    result = await parts.writer.commit(Commit(statements, [begun.entry], begun.run.id))
    if isinstance(result, CommitRefused):
        raise ConflictError("The run could not be rolled back", which=run.id, why=result.refusal, hint="Look again")
    return begun.run


def check_undoable(parts: Parts, run: Run) -> None:
    """Raises `ConflictError` for a run that cannot be rolled back now, or not at all."""
    if run.undoes:
        hint = "Give the agent the task anew"
        raise ConflictError("A rollback is not rolled back", which=run.id, why=f"it undoes {run.undoes}", hint=hint)
    if parts.journal.task(run.task).erased_at is not None:
        raise ConflictError("This run cannot be rolled back", which=run.id, why="the content of its task was erased")
    for other in (run, *parts.journal.runs_of(run.task)):
        if other.effects and not other.state.is_over:
            how = "Wait for it" if other.undoes else "Cancel it first: `remit rollback --cancel`, or `remit cancel`"
            raise ConflictError("A run is still at work", which=other.id, why=f"it is {other.state}", hint=how)


class RollbackAgent:
    """Drives a rollback: each step of its plan once, whatever became of the others."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def __call__(self, run: RunHandle) -> JsonValue:
        """Undoes what the plan has, and returns what was undone and what was left."""
        plan = run.input
        undone: list[dict[str, Any]] = []
        left: list[dict[str, Any]] = list(plan["left"])
        for item in plan["steps"]:
            if first := _not_yet(plan["undoes"], item, left):
                left.append(await _skipped(run, plan, item, first))
            elif item["kind"] == "handoff":
                await _hand_on(run, plan, item, undone, left)
            else:
                outcome = await run.try_action("tool", item["by"], item["arguments"], reasoning=_why(plan, item))
                _sort(outcome, run, plan, item, undone, left)
        if left and not plan["asked_by"] and not run.is_child:
            await self._tell_people(run, undone, left)
        return cast("JsonValue", {"undoes": plan["undoes"], "undone": undone, "left": left})

    async def _tell_people(self, run: RunHandle, undone: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
        """A rollback nobody asked for that left something is put to people: they say when they have dealt with it."""
        because = f"the failed run was rolled back, and {len(left)} of its changes could not be undone"
        role = next(iter(run.contract.terms.approvers), "")
        with suppress(RunFailedError):  # whatever they say, or if nobody does: what was undone is undone
            await run.ask_person({"undone": undone, "left": left}, because=because, role=role)


def _not_yet(run: str, item: Mapping[str, Any], left: list[dict[str, Any]]) -> str:
    """Returns which later change that has to be undone first is left; empty when none is."""
    for other in left:
        # What a taker has left was handed over after this: later changes come first.
        is_own = other["run"] == run
        if other["name"] in item["after"] and (not is_own or other["step"] > item["step"]):
            where = "" if is_own else f" of {other['run']}"
            return f"step {other['step']}{where}, {other['name']}, must be undone first"
    return ""


async def _skipped(run: RunHandle, plan: Mapping[str, Any], item: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Takes the step's number without doing anything, so that every later one keeps its own."""
    await run.value("not undone", lambda: {"step": item["step"], "reason": reason})
    return _left(plan, item, reason)


async def _hand_on(
    run: RunHandle, plan: Mapping[str, Any], item: Mapping[str, Any], undone: list[Any], left: list[Any]
) -> None:
    outcome = await run.try_action("handoff", item["by"], item["arguments"])
    if isinstance(outcome, Denied):
        left.append(_left(plan, item, _refused(outcome), outcome.words))
        return
    told: Any = outcome.value
    if outcome.is_error:
        left.append(_left(plan, item, f"its rollback, {told['run']}, {told['state']}", outcome.words()))
    output: Any = told.get("output") or {}
    undone += output.get("undone", [])
    left += output.get("left", [])


def _sort(
    outcome: Denied | Done,
    run: RunHandle,
    plan: Mapping[str, Any],
    item: Mapping[str, Any],
    undone: list[Any],
    left: list[Any],
) -> None:
    if isinstance(outcome, Denied):
        left.append(_left(plan, item, _refused(outcome), outcome.words))
    elif outcome.is_error:
        acted = outcome.acted
        reason = "its compensation has acted and was not found true" if acted else f"{item['by']} refused"
        left.append(_left(plan, item, reason, outcome.words()))
    else:
        here = {"by": item["by"], "rollback": run.id, "number": run.steps}
        undone.append({"run": plan["undoes"], "step": item["step"], "name": item["name"], **here})


def _refused(denied: Denied) -> str:
    if denied.step is Check.APPROVAL:
        return denied.reason
    return f"its compensation is not permitted: {denied.reason}"


def _why(plan: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    return f"undoes step {item['step']} of {plan['undoes']}, {item['name']}"


def _left(plan: Mapping[str, Any], item: Mapping[str, Any], reason: str, words: str = "") -> dict[str, Any]:
    return Left(plan["undoes"], item["step"], item["name"], reason, words).told()


# --- how it ends


def ended(parts: Parts, rollback: Run, output: Mapping[str, Any]) -> tuple[str, Entry]:
    """Returns the outcome of a rollback and its entry in the log: what was undone, and what was left and why."""
    undone, left = output["undone"], output["left"]
    outcome = "undone" if not left else "partly undone" if undone else "not undone"
    fields = {"run": rollback.id, "undoes": rollback.undoes, "outcome": outcome, "undone": undone}
    fields |= {"left": [_logged(each) for each in left]}
    return outcome, make_entry(rollback.id, "rollback.completed", rollback.id, parts.clock.now(), fields)


def _logged(left: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out what somebody said: it may be personal."""
    return {name: left[name] for name in ("run", "step", "name", "reason")}


def undone_at_once(parts: Parts, run: Run) -> Begun | None:
    """Plans the rollback of a run that is failing, where its contract wants it; None without anything to undo."""
    contract = parts.releases.contract(run.release)
    if contract is None or contract.terms.on_failure != "rollback":
        return None
    if run.undoes or run.is_child or not run.effects:
        return None  # whoever handed the work over fails with it, and is rolled back with it
    plan = plan_rollback(parts, run)
    return None if plan.is_empty else plan_begun(parts, run, plan, by="", because=FAILED_RUN)
