"""Rollbacks: runs each of whose steps undoes one step of another run, and what came of each."""

from dataclasses import dataclass

from remit.journal.model import Run, RunState, StepState, run_of
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.journal")


@dataclass(frozen=True, slots=True)
class Tried:
    """One try to undo a step."""

    rollback: str
    number: int
    """The step of the rollback."""
    step: int
    """What it undoes."""
    rollback_state: RunState
    kind: str
    """Of the rollback's step: `tool`, `handoff`, or `value` where it was passed over; empty before it has begun."""
    state: StepState | None
    """None before it has begun."""
    is_error: bool
    result: str
    approval: str

    @property
    def has_undone(self) -> bool:
        """Whether a tool has done it, and did not refuse; what became of a hand-off, its own steps say."""
        return self.kind == "tool" and self.state is StepState.DONE and not self.is_error


class Undoing:
    """Reads which steps were undone; changes are statements for the runtime's commits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, rollback: str, number: int) -> tuple[str, int] | None:
        """Returns the run and step that a step of a rollback is to undo."""
        row = self._database.read_one(_Q["compensated"], {"rollback": rollback, "number": number})
        return (row["run"], row["step"]) if row else None

    def tried(self, run: str) -> list[Tried]:
        """Returns every try to undo a step of a run, the latest first."""
        return [
            Tried(
                row["rollback"],
                row["number"],
                row["step"],
                RunState(row["rollback_state"]),
                row["kind"] or "",
                StepState(row["state"]) if row["state"] else None,
                bool(row["is_error"]),
                row["result"] or "",
                row["approval"] or "",
            )
            for row in self._database.read(_Q["compensations_of"], {"run": run})
        ]

    def undone(self, run: str) -> set[int]:
        """Returns the steps of a run that are undone."""
        return {each.step for each in self.tried(run) if each.has_undone}

    def rollbacks(self, run: str) -> list[Run]:
        """Returns the rollbacks of a run in the order they began."""
        return [run_of(row) for row in self._database.read(_Q["rollbacks_of"], {"run": run})]

    def open_rollbacks(self, run: str) -> list[Run]:
        """Returns the rollback of a run that is not over, if there is one."""
        return [each for each in self.rollbacks(run) if not each.state.is_over]

    def add(self, rollback: str, number: int, run: str, step: int) -> Statement:
        """Says which step the rollback's step `number` undoes."""
        return Statement(_Q["add_compensation"], {"rollback": rollback, "number": number, "run": run, "step": step})

    def guard_alone(self, run: str) -> Statement:
        """Holds only while no rollback undoes a run."""
        return Statement(_Q["guard_not_undoing"], {"run": run}, refusal="another rollback undoes it")

    def undo_task(self, task: str) -> Statement:
        """Says that something of what was done for a task was undone."""
        return Statement(_Q["undo_task"], {"task": task}, want=None)
