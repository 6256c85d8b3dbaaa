"""What a rollback may do: exactly the compensations that follow from the record of the run it undoes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from remit.approvals import Approval, ApprovalState
from remit.contracts import Level, Tool, compensating_arguments
from remit.core import InputError, JsonValue, NotFoundError
from remit.gateway.context import ActionContext, Parts
from remit.gateway.model import Check, Denied
from remit.gateway.release import Release
from remit.guardrails import has_gap
from remit.journal import Origin, Payload, Run, StepRow, StepState, Task, Tried
from remit.policy import undoes
from remit.registry import Version
from remit.store import Statement


@dataclass(frozen=True, slots=True)
class Undo:
    """One change and what undoes it."""

    step: int
    name: str
    """The tool that made it, or the agent it was handed to."""
    by: str
    """The tool that undoes it; of a hand-off, the agent."""
    arguments: Mapping[str, Any]
    after: tuple[str, ...] = ()
    """Tools whose later calls must be undone first."""
    taken: "RollbackPlan | None" = None
    """Of a hand-off: what the run that took it over has to undo."""

    @property
    def kind(self) -> str:
        """`tool` or `handoff`."""
        return "handoff" if self.taken else "tool"


@dataclass(frozen=True, slots=True)
class Left:
    """One change that is not undone, and why."""

    run: str
    step: int
    name: str
    reason: str
    words: str = ""
    """What a tool, a gate or a person said about it; it may be personal."""

    def told(self) -> dict[str, Any]:
        """Returns it as JSON."""
        return {"run": self.run, "step": self.step, "name": self.name, "reason": self.reason, "words": self.words}


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback of a run would do, the latest change first."""

    run: Run
    steps: tuple[Undo, ...] = ()
    left: tuple[Left, ...] = ()
    undone: tuple[int, ...] = ()
    """Steps that are undone already."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to undo and nothing to tell."""
        return not self.steps and not self.left


def carrier(parts: Parts, run: Run) -> tuple[Version, Release] | None:
    """Returns who undoes a run: its own version with its own release, else the agent's present one; None: nobody may."""
    own = parts.registry.find(run.agent, run.version)
    if own is not None and own.may_act and own.release == run.release:
        release = parts.releases.get(own.release)
        if release is not None:
            return own, release
    try:
        present = parts.registry.current(run.agent)
    except NotFoundError:
        return None
    release = parts.releases.get(present.release)
    return (present, release) if release is not None and present.may_act else None


def plan_rollback(parts: Parts, run: Run) -> RollbackPlan:
    """Returns what is to be undone of a run, and of those it handed work to; reads the record only."""
    carried = carrier(parts, run)
    plan = _Planning(parts, run, carried[1] if carried else None)
    for row in sorted(parts.journal.steps(run.id), key=lambda row: (row.ended_at or row.at, row.step), reverse=True):
        plan.look_at(row)
    return RollbackPlan(run, tuple(plan.steps), tuple(plan.left), tuple(sorted(plan.undone)))


class _Planning:
    def __init__(self, parts: Parts, run: Run, release: Release | None) -> None:
        self._parts, self._run, self._release = parts, run, release
        known = release or parts.releases.get(run.release)
        self._tools: Mapping[str, Tool] = known.tools if known else {}
        self._tried: dict[int, Tried] = {}
        self.undone: set[int] = set()
        for tried in reversed(parts.journal.undoing.tried(run.id)):  # the latest counts, unless one has done it
            self._tried[tried.step] = tried
            if tried.has_undone:
                self.undone.add(tried.step)
        self.steps: list[Undo] = []
        self.left: list[Left] = []

    def look_at(self, row: StepRow) -> None:
        if not self._run.effects:
            return  # a fork that only looks does nothing
        if row.attempt == 0:
            self._begun_with(row)
        elif row.kind == "handoff":
            self._handed(row)
        elif row.kind == "tool" and self._may_have_acted(row):
            self._called(row)

    def _begun_with(self, row: StepRow) -> None:
        """A fork begins with what another run did; that is undone with the other one, and until then it is told."""
        doer = who_did(self._parts, self._run, row.step)
        if not doer.effects:
            return
        if row.kind == "handoff":
            taker = self._parts.journal.child(doer.id, row.step)
            stands = taker is not None and not plan_rollback(self._parts, taker).is_empty
        else:
            stands = row.kind == "tool" and self._may_have_acted(row)
            stands = stands and row.step not in self._parts.journal.undoing.undone(doer.id)
        if stands:
            self._leave(row, f"{doer.id} did it: roll that one back, too")

    def _handed(self, row: StepRow) -> None:
        taker = self._parts.journal.child(self._run.id, row.step)
        plan = plan_rollback(self._parts, taker) if taker else None
        if taker is None or plan is None or plan.is_empty:
            return
        if self._release is None:
            self._leave(row, _NOBODY)
        else:
            self.steps.append(Undo(row.step, taker.agent, taker.agent, {"undo": taker.id}, taken=plan))

    def _may_have_acted(self, row: StepRow) -> bool:
        tool = self._tools.get(row.name)
        if tool is not None and tool.effect == "read":
            return False
        return row.state in (StepState.DECIDED, StepState.UNKNOWN) or (
            row.state is StepState.DONE and (not row.is_error or _has_acted(self._parts, row.result))
        )

    def _called(self, row: StepRow) -> None:
        if row.step in self.undone:
            return
        tried = self._tried.get(row.step)
        why = _still_open(row) or (_tried_in_vain(self._parts, tried) if tried else "")
        if why:
            self._leave(row, why)
        elif self._release is None:
            self._leave(row, _NOBODY)
        else:
            found = compensation_of(self._parts, self._release, row)
            if isinstance(found, str):
                self._leave(row, found)
            else:
                self.steps.append(found)

    def _leave(self, row: StepRow, reason: str) -> None:
        self.left.append(Left(row.run, row.step, row.name, reason))


def who_did(parts: Parts, run: Run, step: int) -> Run:
    """Returns the run that did a step: of those a fork begins with, one before it."""
    while run.is_fork and step < (run.forked_at or 0) and (before := parts.journal.find_run(run.parent_run or "")):
        run = before
    return run


def is_undone(parts: Parts, run: Run, row: StepRow) -> bool:
    """Whether what a step did, or any of those did it handed work to, is undone."""
    doer = who_did(parts, run, row.step)
    if row.kind != "handoff":
        return row.step in parts.journal.undoing.undone(doer.id)
    taker = parts.journal.child(doer.id, row.step)
    return taker is not None and any(is_undone(parts, taker, each) for each in parts.journal.steps(taker.id))


_NOBODY = "no version of the agent may act, so nobody can undo it"


def _still_open(row: StepRow) -> str:
    match row.state:
        case StepState.UNKNOWN:
            return f"nobody knows whether it happened: answer {row.approval} first"
        case StepState.DECIDED:
            return "its outcome is still being found out: try again in a moment"
        case _:
            return ""


def _tried_in_vain(parts: Parts, tried: Tried) -> str:
    where = f"step {tried.number} of {tried.rollback}"
    if tried.state is StepState.UNKNOWN:
        return f"nobody knows whether its compensation happened: answer {tried.approval} first"
    if tried.state is StepState.DECIDED:
        return f"the outcome of its compensation, {where}, is still being found out"
    if tried.state is StepState.DONE and tried.is_error and _has_acted(parts, tried.result):
        return f"its compensation has acted and was not found true: look at {where}"
    return ""


def _has_acted(parts: Parts, result: str) -> bool:
    try:
        kept: Any = parts.journal.content(result)
    except NotFoundError:
        return True
    return bool(kept.get("acted"))


def compensation_of(parts: Parts, release: Release, row: StepRow) -> Undo | str:
    """Returns what undoes a call that was made, or why nothing can. Its arguments follow from the record alone."""
    tool = release.tools.get(row.name)
    if tool is None or release.contract.tool_use(row.name) is None:
        return "the contract does not grant the tool any more"
    if tool.compensation is None:
        return "it is irreversible" if not tool.reversible else "no compensation is declared for it"
    undoing = release.tools.get(tool.compensation.use)
    validator = release.undoing.get(tool.compensation.use)
    if undoing is None or validator is None:
        return f"{tool.compensation.use}, which undoes it, is not declared any more"
    try:
        judged: Any = parts.journal.content(row.judged)
        kept: Any = parts.journal.content(row.result)
        given = compensating_arguments(tool.compensation, undoing.input, judged["arguments"], kept["value"])
    except NotFoundError:
        return "the content of its record was erased"
    except InputError as fault:
        return f"the arguments of {undoing.name} are not in its record: {fault.which}"
    if gaps := [tool.compensation.arguments[name] for name, value in given.items() if has_gap(value)]:
        return f"a secret was taken out of its record: {', '.join(gaps)}"
    if problems := validator.problems(given):
        return f"its record does not fit {undoing.name}: {'; '.join(problems)}"
    return Undo(row.step, row.name, undoing.name, given, tool.compensation.after)


# --- one step of a rollback, at the gateway


def check_undoing(parts: Parts, ctx: ActionContext) -> Denied | None:
    """5, in a rollback. What is asked for is the compensation of the step that the rollback's plan has here."""
    found = parts.journal.undoing.of(ctx.run.id, ctx.action.step)
    row = parts.journal.step(*found) if found else None
    if row is None or row.run != ctx.run.undoes:
        return _not_undoing("a rollback does nothing but undo the run it was made for")
    others = [each for each in parts.journal.undoing.tried(row.run) if each.step == row.step]
    if any(each.has_undone for each in others):
        return _not_undoing("this is undone already")
    for other in others:
        if other.rollback != ctx.run.id and (why := _tried_in_vain(parts, other)):
            return _not_undoing(why)
    if row.kind == "handoff":
        return None if ctx.action.kind == "handoff" else _not_undoing("this was handed over")
    undo = compensation_of(parts, ctx.release, row)
    if isinstance(undo, str):
        return _not_undoing(undo)
    if ctx.action.kind != "tool" or ctx.action.name != undo.by:
        return _not_undoing(f"{row.name} is undone by {undo.by}")
    ctx.undone, ctx.undoing = row, undo.arguments
    return None


def check_undoing_arguments(ctx: ActionContext) -> Denied | None:
    """5, in a rollback. Nobody changes what follows from the record, people who answer included."""
    if ctx.undone is None or dict(ctx.arguments) == dict(ctx.undoing):
        return None
    return _not_undoing("the arguments of a compensation are those that follow from the record")


def taker_to_undo(parts: Parts, ctx: ActionContext) -> Run | None:
    """Returns the run whose changes this hand-off of a rollback is to undo, if that is what it asks for."""
    found = parts.journal.undoing.of(ctx.run.id, ctx.action.step)
    taker = parts.journal.child(*found) if found else None
    if taker is None or ctx.action.name != taker.agent or dict(ctx.action.arguments) != {"undo": taker.id}:
        return None
    return taker


def _not_undoing(why: str) -> Denied:
    return Denied(Check.INPUT, why, "Look at the plan: `remit rollback RUN --plan`")


def permission_used(parts: Parts, row: StepRow) -> Approval | None:
    """Returns the question under whose answer a step was done; None when the agent did it by itself."""
    asked = [
        one
        for one in parts.approvals.of_run(row.run)
        if one.step == row.step and one.kind in ("action", "proposal") and one.state is ApprovalState.USED
    ]
    return asked[-1] if asked else None


def how_done(parts: Parts, row: StepRow) -> str:
    """Returns what was done and how freely, as policy is told of it; what undoes it is done no more freely."""
    level = Level.HUMAN_IN_THE_LOOP if permission_used(parts, row) else Level.AUTONOMOUS
    return undoes(row.name, Level.HUMAN_LED if row.person else level)


def writes_of(plan: RollbackPlan) -> Iterator[tuple[Run, Undo]]:
    """Yields everything a plan undoes, in its order, hand-offs resolved."""
    for undo in plan.steps:
        if undo.taken:
            yield from writes_of(undo.taken)
        else:
            yield plan.run, undo


def left_of(plan: RollbackPlan) -> Iterator[Left]:
    """Yields everything a plan leaves, hand-offs resolved."""
    yield from plan.left
    for undo in plan.steps:
        if undo.taken:
            yield from left_of(undo.taken)


def undoing_run(
    parts: Parts, task: Task, version: Version, plan: RollbackPlan, origin: Origin, *, because: str
) -> tuple[Run, list[Statement]]:
    """Returns a queued rollback of a run, and the statements that keep it with its plan, alone of its kind."""
    given = Payload.of(_content(plan, because, origin.asked_by), task=task.id, salt=task.salt)
    undoing, of = parts.journal.undoing, plan.run
    rollback, queued = parts.journal.new_run(
        task,
        agent=version.agent,
        version=version.version,
        release=version.release,
        origin=replace(origin, undoes=of.id, input=given.digest),
        priority=of.priority,
    )
    steps = [undoing.add(rollback.id, number, of.id, undo.step) for number, undo in enumerate(plan.steps, start=1)]
    return rollback, [undoing.guard_alone(of.id), queued, parts.journal.keep(given), *steps]


def _content(plan: RollbackPlan, because: str, by: str) -> dict[str, JsonValue]:
    """Returns a plan as a rollback is given it."""
    steps: list[JsonValue] = [
        {
            "step": undo.step,
            "name": undo.name,
            "kind": undo.kind,
            "by": undo.by,
            "arguments": dict(undo.arguments),
            "after": list(undo.after),
        }
        for undo in plan.steps
    ]
    left: list[JsonValue] = [each.told() for each in plan.left]
    return {"undoes": plan.run.id, "because": because, "asked_by": by, "steps": steps, "left": left}
