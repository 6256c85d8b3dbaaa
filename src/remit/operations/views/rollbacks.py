"""Views of rollbacks: what would be undone, what is undone, and what is left and why."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from remit.core import ConflictError
from remit.gateway import RollbackPlan, Undo, carrier, left_of, plan_rollback, writes_of
from remit.journal import Run, RunState
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import NOT_SHOWN, Shown, Viewing, moment
from remit.runtime import check_undoable, undone_before, where_it_went_wrong


class UndoShown(Shown):
    """One change that would be undone."""

    run: str
    agent: str
    step: int
    name: str
    """The tool that made it."""
    by: str
    """The tool that undoes it."""
    arguments: dict[str, Any] | None
    """What that is called with; null where content is not shown."""


class UndoneShown(Shown):
    """One change that is undone."""

    run: str
    step: int
    name: str
    by: str
    rollback: str
    number: int
    """The step of the rollback."""
    at: str


class LeftShown(Shown):
    """One change that is not undone."""

    run: str
    step: int
    name: str
    reason: str
    words: str
    """What a tool, a gate or a person said; empty where content is not shown."""


class RollbackRow(Shown):
    """One rollback of a run."""

    run: str
    state: str
    outcome: str
    """undone, partly undone or not undone; empty while it is not over, or when it failed."""
    reason: str
    asked_by: str
    """Empty when the contract had it undone."""
    waits_for: str
    created: str
    ended: str


class RollbackShown(Shown):
    """What a run did, as far as it can be, is and is not undone."""

    run: str
    agent: str
    possible: bool
    """Whether it could be rolled back now."""
    why_not: str
    steps: tuple[UndoShown, ...]
    """What would be undone, the latest change first."""
    undone: tuple[UndoneShown, ...]
    left: tuple[LeftShown, ...]
    """What cannot be undone, or could not."""
    rollbacks: tuple[RollbackRow, ...]
    again_why_not: str = ""
    """Why the run cannot be tried again as it is: it would begin with what was undone."""


class RollbackViews(Viewing):
    """Reads what could be, is and is not undone."""

    @view(Permission.FLEET_RUNS_READ)
    def get(self, identifier: str) -> RollbackShown:
        """Returns what a rollback of the run would undo and leave, and what its rollbacks have undone and left."""
        with self._source.database.snapshot():
            run = self._parts.journal.run(identifier)
            plan, why_not = plan_rollback(self._parts, run), self._why_not(run)
            undone = tuple(self._undone(run))
            rollbacks = self._parts.journal.undoing.rollbacks(run.id)
            return RollbackShown(
                run=run.id,
                agent=f"{run.agent}@{run.version}",
                possible=not why_not and not plan.is_empty,
                why_not=why_not,
                steps=tuple(self._undo(of, undo) for of, undo in writes_of(plan)),
                undone=undone,
                left=tuple(self._left(plan, rollbacks, {(each.run, each.step) for each in undone})),
                rollbacks=tuple(self._rollback(each) for each in rollbacks),
                again_why_not=self._again_why_not(run) if undone else "",
            )

    def _again_why_not(self, run: Run) -> str:
        wrong = where_it_went_wrong(self._parts.journal.steps(run.id))
        gone = undone_before(self._parts, run, wrong)
        return f"it would go on at step {wrong}, and step {gone} before it was undone" if gone else ""

    def _why_not(self, run: Run) -> str:
        try:
            check_undoable(self._parts, run)
        except ConflictError as fault:
            return f"{fault.what} ({fault.which}): {fault.why}"
        return "" if carrier(self._parts, run) else f"no version of {run.agent} may act"

    def _undo(self, run: Run, undo: Undo) -> UndoShown:
        shown = self._source.shows_content(run.agent, run.version)
        return UndoShown(
            run=run.id,
            agent=run.agent,
            step=undo.step,
            name=undo.name,
            by=undo.by,
            arguments=dict(undo.arguments) if shown else None,
        )

    def _undone(self, run: Run) -> Iterator[UndoneShown]:
        journal = self._parts.journal
        for tried in journal.undoing.tried(run.id):
            row = journal.step(tried.rollback, tried.number) if tried.has_undone else None
            was = journal.step(run.id, tried.step)
            if row is not None and was is not None and row.kind == "tool":
                yield UndoneShown(
                    run=run.id,
                    step=tried.step,
                    name=was.name,
                    by=row.name,
                    rollback=tried.rollback,
                    number=tried.number,
                    at=moment(row.ended_at),
                )
        for child in journal.children(run.id):
            if child.is_child:
                yield from self._undone(child)

    def _left(self, plan: RollbackPlan, rollbacks: list[Run], undone: set[tuple[str, int]]) -> Iterator[LeftShown]:
        """Yields what the plan leaves, and what the last rollback could not undo though it is planned."""
        told: dict[tuple[str, int], dict[str, Any]] = {(each.run, each.step): each.told() for each in left_of(plan)}
        planned = {(of.id, undo.step) for of, undo in writes_of(plan)} | {
            (plan.run.id, each.step) for each in plan.steps
        }
        last = next((each for each in reversed(rollbacks) if each.output), None)
        for each in _output(self._source.content(last.output if last else None))["left"]:
            if (each["run"], each["step"]) in planned:
                told.setdefault((each["run"], each["step"]), each)
        for place, each in told.items():
            if place not in undone:
                row: dict[str, Any] = {**each, "words": each["words"] if self._shows(each["run"]) else ""}
                yield LeftShown(**row)

    def _shows(self, run: str) -> bool:
        of = self._parts.journal.run(run)
        return self._source.shows_content(of.agent, of.version)

    def _rollback(self, rollback: Run) -> RollbackRow:
        output = _output(self._source.content(rollback.output))
        is_hidden = rollback.reason and rollback.state is RunState.FAILED and not self._shows(rollback.id)
        return RollbackRow(
            run=rollback.id,
            state=rollback.state.value,
            outcome=_outcome(output) if rollback.output else "",
            reason=NOT_SHOWN if is_hidden else rollback.reason if rollback.state is not RunState.DONE else "",
            asked_by=rollback.asked_by,
            waits_for=rollback.waits_for,
            created=moment(rollback.created_at),
            ended=moment(rollback.ended_at),
        )


def _output(content: Any) -> dict[str, list[dict[str, Any]]]:
    """Returns what came of a rollback; nothing of one that has not ended, or was erased."""
    return cast("dict[str, list[dict[str, Any]]]", content) if isinstance(content, dict) else {"undone": [], "left": []}


def _outcome(output: Mapping[str, Any]) -> str:
    if not output["left"]:
        return "undone"
    return "partly undone" if output["undone"] else "not undone"
