"""One task, one run, and the moves a runtime makes with them."""

from dataclasses import dataclass
from typing import Any

from remit.journal import Journal, LeftRun, Run, RunState, StepRow, Task
from remit.store import Statement
from remit.testing import SettableClock
from store.opened import Store

ASKED = "hmac-sha256:asked"


@dataclass(frozen=True)
class Desk:
    """What a test of the journal needs."""

    store: Store
    journal: Journal
    clock: SettableClock
    task: Task
    run_id: str

    @classmethod
    def open(cls, store: Store, journal: Journal, clock: SettableClock) -> "Desk":
        """Takes a task on and queues its run."""
        task, kept = journal.new_task(agent="desk", value={"order": "W1"}, on_behalf_of="ann", subjects={"user": "u1"})
        run, queued = journal.new_run(task, agent="desk", version="1.0.0", release="sha256:r")
        store.commit(*kept, queued)
        return cls(store, journal, clock, task, run.id)

    @property
    def run(self) -> Run:
        """The run as it is kept now."""
        return self.journal.run(self.run_id)

    def begin(self, executor: str = "host/1/x") -> int:
        """Begins the next attempt and returns its number."""
        run = self.run
        self.store.commit(*self.beginning(run, executor))
        return run.attempt + 1

    def beginning(self, run: Run, executor: str = "host/1/x", secret: bytes = b"secret") -> list[Statement]:
        """The statements that begin the next attempt of `run`, or take it over from a process that is gone."""
        if run.state is RunState.RUNNING:
            return self.journal.take_over(LeftRun(run, "host/0/gone", 0), secret, executor)
        return self.journal.begin_attempt(run, secret, executor)

    def working_time(self) -> int:
        """The microseconds the run has worked so far."""
        return self.journal.underway.working_time(self.run, self.clock.now())

    def park(self, attempt: int) -> None:
        """Ends the attempt; the run waits."""
        self.store.commit(*self.journal.park(self.run_id, attempt, "approval"))

    def end(self, attempt: int, state: RunState = RunState.DONE) -> list[Statement]:
        """The statements that end the run."""
        return self.journal.end(self.run, attempt, state, output=None)

    def open_step(self, attempt: int, *, step: int = 1, state: str = "decided", **more: Any) -> Statement:
        """The statement that opens a step, or opens a waiting one again."""
        return self._step("open_step", attempt, step, sent="", state=state, **more)

    def deny_step(self, attempt: int, *, step: int = 1, **more: Any) -> Statement:
        """The statement that refuses a step."""
        return self._step("deny_step", attempt, step, result="told", refused_at=6, **more)

    def close_step(self, *, step: int = 1, result: str = "done", query: str = "close_step") -> Statement:
        """The statement that keeps a step's outcome."""
        values = {"result": result, "is_error": 0, "cost": 5, "at": self.clock.now()}
        return self.journal.write_step(query, run=self.run_id, step=step, **values)

    def doubt_step(self, *, step: int = 1) -> Statement:
        """The statement that says nobody knows a step's outcome."""
        return self.journal.write_step("doubt_step", run=self.run_id, step=step, approval="apr_1")

    def act_on_step(self, *, step: int = 1) -> Statement:
        """The statement with which a person acts on a proposal."""
        return self.journal.write_step(
            "act_on_step", run=self.run_id, step=step, judged="j2", sent="j2", decision="dec_2", person="p@x.example"
        )

    def keep_value(self, attempt: int, *, step: int = 1) -> Statement:
        """The statement that keeps a value the agent's code drew."""
        values = {"run": self.run_id, "step": step, "attempt": attempt, "name": "now", "asked": ASKED}
        return self.journal.write_step("keep_value", **values, result="kept", at=self.clock.now())

    def step(self, step: int = 1) -> StepRow:
        """The step as it is kept now."""
        row = self.journal.step(self.run_id, step)
        assert row is not None
        return row

    def _step(self, query: str, attempt: int, step: int, **more: Any) -> Statement:
        values: dict[str, Any] = {
            "run": self.run_id,
            "step": step,
            "attempt": attempt,
            "kind": "tool",
            "name": "shop__get_order",
            "asked": ASKED,
            "judged": "j1",
            "decision": "dec_1",
            "approval": "",
            "at": self.clock.now(),
        }
        return self.journal.write_step(query, **{**values, **more})
