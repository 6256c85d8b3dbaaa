"""The journal: what was done, so that a run driven again gets its recorded outcomes back instead of new effects."""

import json
import secrets
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from remit.core import Clock, JsonValue, NotFoundError, new_id
from remit.journal.backlog import Backlog
from remit.journal.executors import LeftRun
from remit.journal.feedback import Feedback
from remit.journal.model import (
    SALT_BYTES,
    USUAL_PRIORITY,
    Origin,
    Payload,
    Run,
    RunState,
    StepRow,
    Task,
    run_of,
    task_of,
)
from remit.journal.underway import Underway
from remit.journal.undoing import Undoing
from remit.store import Database, Statement, Value, load_queries

_Q = load_queries("remit.journal")
LIST_LIMIT = 1_000
FIRST = Origin()
NOTHING: Mapping[str, Value] = MappingProxyType({})


class Journal:
    """Reads tasks, runs and steps; its changes are statements for the gateway's and runtime's commits."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.underway = Underway(database)
        """What every step asks, from memory."""
        self.undoing = Undoing(database)
        """Which runs undo others."""
        self.backlog = Backlog(database)
        """How much waits."""

    # --- tasks and runs

    def new_task(
        self,
        *,
        agent: str,
        value: JsonValue,
        on_behalf_of: str,
        intent: str = "",
        subjects: dict[str, str] | None = None,
        chain: tuple[str, ...] = (),
        dedup: str | None = None,
    ) -> tuple[Task, list[Statement]]:
        """Returns a new open task and the statements that keep it, its input and its subjects."""
        now = self._clock.now()
        identifier, salt = new_id("task"), secrets.token_bytes(SALT_BYTES)
        payload = Payload.of(value, task=identifier, salt=salt)
        chain = chain or (on_behalf_of,)
        task = Task(identifier, agent, intent, on_behalf_of, chain, salt, payload.digest, dedup, "open", "", now, None)
        add = Statement(
            _Q["add_task"],
            {
                "id": identifier,
                "agent": agent,
                "intent": intent,
                "on_behalf_of": on_behalf_of,
                "chain": json.dumps(chain),
                "salt": salt,
                "input": payload.digest,
                "dedup": dedup,
                "at": now,
            },
        )
        bound = [self.bind_subject(identifier, kind, name, "input") for kind, name in (subjects or {}).items()]
        return task, [add, *bound, self.keep(payload)]

    def new_run(
        self,
        task: Task,
        *,
        agent: str,
        version: str,
        release: str,
        origin: Origin = FIRST,
        priority: int = USUAL_PRIORITY,
    ) -> tuple[Run, Statement]:
        """Returns a queued run of `task` and the statement that keeps it."""
        values: dict[str, Any] = {
            "id": new_id("run"),
            "task": task.id,
            "agent": agent,
            "version": version,
            "release": release,
            "priority": priority,
            **{name: getattr(origin, name) for name in Origin.__slots__},
        }
        now = self._clock.now()
        run = Run(
            **values, state=RunState.QUEUED, attempt=0, secret=None, output=None, reason="", ready_at=now, waits_for="",
            created_at=now, ended_at=None,
        )  # fmt: skip
        return run, Statement(_Q["add_run"], {**values, "effects": int(origin.effects), "at": now})

    def task(self, identifier: str) -> Task:
        """Returns the task, or raises `NotFoundError`."""
        row = self._database.read_one(_Q["task"], {"id": identifier})
        if row is None:
            raise NotFoundError("No such task", which=identifier, hint="`remit runs` lists what there is")
        return task_of(row)

    def tasks_among(self, identifiers: Collection[str]) -> list[Task]:
        """Returns those of some tasks that there are, in one look."""
        return [task_of(row) for row in self._database.read(_Q["tasks_among"], {"tasks": json.dumps([*identifiers])})]

    def task_by_dedup(self, agent: str, key: str) -> Task | None:
        """Returns the agent's task that a trigger with this de-duplication key has already started."""
        row = self._database.read_one(_Q["task_by_dedup"], {"agent": agent, "dedup": key})
        return task_of(row) if row else None

    def find_run(self, identifier: str) -> Run | None:
        """Returns the run, or None."""
        row = self._database.read_one(_Q["run"], {"id": identifier})
        return run_of(row) if row else None

    def run(self, identifier: str) -> Run:
        """Returns the run by its id or the end of its id, or raises `NotFoundError`."""
        if exact := self.find_run(identifier):
            return exact
        rows = self._database.read(_Q["runs_ending"], {"ending": identifier.removeprefix("run_")})
        if len(rows) != 1:
            why = "several runs end like this" if rows else ""
            raise NotFoundError("No such run", which=identifier, why=why, hint="`remit runs` lists what there is")
        return run_of(rows[0])

    def runs(self, *, state: str = "", limit: int = LIST_LIMIT) -> list[Run]:
        """Returns the newest runs first."""
        return [run_of(row) for row in self._database.read(_Q["runs"], {"state": state, "limit": limit})]

    def newest(self, *, agent: str = "", since: int = 0, limit: int = LIST_LIMIT) -> list[Run]:
        """Returns the newest runs, of one agent or of all, that began at `since` or later."""
        rows = self._database.read(_Q["runs_since"], {"agent": agent, "since": since, "limit": limit})
        return [run_of(row) for row in rows]

    def runs_of(self, task: str) -> list[Run]:
        """Returns the runs of one task in the order they began."""
        return [run_of(row) for row in self._database.read(_Q["runs_of_task"], {"task": task})]

    def first(self, run: Run) -> Run:
        """Returns the run that a fork, or a fork of a fork, began from: who handed the work over stands there."""
        while run.is_fork and (before := self.find_run(run.parent_run or "")):
            run = before
        return run

    def child(self, run: str, step: int) -> Run | None:
        """Returns the run that a hand-off has made, or None."""
        row = self._database.read_one(_Q["child"], {"run": run, "step": step})
        return run_of(row) if row else None

    def children(self, run: str) -> list[Run]:
        """Returns runs that were handed work by, or forked from, this one."""
        return [run_of(row) for row in self._database.read(_Q["children"], {"run": run})]

    def open_runs(self) -> list[Run]:
        """Returns runs an attempt is writing to, as far as the journal knows."""
        return [run_of(row) for row in self._database.read(_Q["running_runs"])]

    def counts(self) -> dict[str, int]:
        """Returns the number of runs in each state."""
        return {row["state"]: row["count"] for row in self._database.read(_Q["counts"])}

    def has_open_runs(self, agent: str, version: str) -> bool:
        """Whether a run of this version is not over."""
        parameters = {"agent": agent, "version": version}
        return self._database.read_one(_Q["guard_no_open_runs"], parameters) is None

    def guard_no_open_runs(self, agent: str, version: str) -> Statement:
        """Holds only while no run of this version is open."""
        parameters = {"agent": agent, "version": version}
        return Statement(_Q["guard_no_open_runs"], parameters, refusal="the version still has runs")

    def subjects(self, task: str) -> dict[str, str]:
        """Returns the subjects bound to a task, by kind."""
        return {row["kind"]: row["value"] for row in self._database.read(_Q["subjects"], {"task": task})}

    def bind_subject(self, task: str, kind: str, value: str, bound_by: str) -> Statement:
        """Binds a subject unless one of its kind is bound already: the first stays."""
        parameters = {"task": task, "kind": kind, "value": value, "bound_by": bound_by}
        return Statement(_Q["bind_subject"], parameters, want=None)

    # --- what those served say

    def keep_feedback(self, feedback: Feedback) -> Statement:
        """Keeps what was said of a task; a sender's key counts once."""
        return Statement(_Q["add_feedback"], feedback.as_row(), refusal="something was said under this key before")

    def feedback(self, task: str) -> list[Feedback]:
        """Returns what was said of a task, in the order it came in."""
        return [Feedback.of(row) for row in self._database.read(_Q["feedback"], {"task": task})]

    # --- attempts

    def begin_attempt(self, run: Run, secret: bytes, executor: str, *, claimed: bool = False) -> list[Statement]:
        """Hands the pen to the next attempt, if nobody did so since `run` was read; `claimed`, if it still is for us."""
        if claimed:
            return self._next_attempt("begin_claimed", run, secret, executor, {"executor": executor})
        return self._next_attempt("begin_attempt", run, secret, executor)

    def take_over(self, left: LeftRun, secret: bytes, executor: str) -> list[Statement]:
        """Hands the pen on from an attempt whose process is gone, unless that was heard of again meanwhile."""
        heard = {"was": left.executor, "seen": left.seen_at}
        return [*self._next_attempt("take_over", left.run, secret, executor, heard), self.lose_attempt(left.run)]

    def _next_attempt(
        self, query: str, run: Run, secret: bytes, executor: str, more: Mapping[str, Value] = NOTHING
    ) -> list[Statement]:
        pen = Statement(
            _Q[query],
            {"run": run.id, "attempt": run.attempt, "secret": secret, **more},
            refusal="another attempt of this run has begun",
        )
        added = {"run": run.id, "number": run.attempt + 1, "executor": executor, "at": self._clock.now()}
        return [pen, Statement(_Q["add_attempt"], added)]

    def park(
        self, run: str, attempt: int, reason: str, *, waits_for: str = "", until: int | None = None
    ) -> list[Statement]:
        """Ends the attempt; the run waits for something, at most `until`, and holds nothing."""
        parameters = {"run": run, "attempt": attempt, "reason": reason, "waits_for": waits_for, "until": until}
        return [
            Statement(_Q["park_run"], parameters, refusal="stale attempt"),
            self._end_attempt(run, attempt, "waiting", reason),
        ]

    def parked_since(self, run: str, reason: str) -> int | None:
        """Returns when a run was parked for the first time for exactly this reason, or None."""
        row = self._database.read_one(_Q["parked_since"], {"run": run, "reason": reason})
        return row["since"] if row else None

    def ready(self, run: str) -> Statement:
        """Says that what a run waited for has come."""
        return Statement(_Q["ready_run"], {"run": run, "at": self._clock.now()}, want=None)

    def ready_stopped(self) -> Statement:
        """Says to every run that waits for a switch that one was reset."""
        return Statement(_Q["ready_stopped"], {"at": self._clock.now()}, want=None)

    def ready_runs(self, *, limit: int = LIST_LIMIT) -> list[str]:
        """Returns the ids of runs that can go on now, the longest ready first."""
        return [row["id"] for row in self._database.read(_Q["ready_runs"], {"now": self._clock.now(), "limit": limit})]

    def has_ready_runs(self) -> bool:
        """Whether some run can go on now, as far as one look tells."""
        return self._database.read_one(_Q["has_ready_runs"], {"now": self._clock.now()}) is not None

    def lost_attempts(self, run: str, *, since: int = 0) -> int:
        """Returns how many attempts of a run after number `since` were lost with their process."""
        row = self._database.read_one(_Q["lost_attempts"], {"run": run, "since": since})
        return int(row["count"]) if row else 0

    def end(
        self, run: Run, attempt: int, state: RunState, *, output: Payload | None, reason: str = ""
    ) -> list[Statement]:
        """Ends the attempt and its run."""
        parameters = {
            "run": run.id,
            "attempt": attempt,
            "state": state.value,
            "output": output.digest if output else None,
            "reason": reason,
            "at": self._clock.now(),
        }
        ended = "done" if state is RunState.DONE else "failed"
        kept = [self.keep(output)] if output else []
        return [
            Statement(_Q["end_run"], parameters, refusal="stale attempt"),
            self._end_attempt(run.id, attempt, ended, reason),
            *kept,
        ]

    def cancel(self, run: str, reason: str) -> Statement:
        """Ends a run that is not over, whatever it is doing; its attempt is fenced off."""
        return Statement(
            _Q["stop_run"], {"run": run, "reason": reason, "at": self._clock.now()}, refusal="the run is over already"
        )

    def guard(self, run: str, attempt: int) -> Statement:
        """Holds only while this attempt has the pen."""
        return Statement(
            _Q["guard_attempt"], {"run": run, "attempt": attempt}, refusal="a newer attempt of the run goes on"
        )

    def guard_latest(self, run: str, attempt: int) -> Statement:
        """Holds only while no attempt has begun since this one, whatever became of the run."""
        return Statement(
            _Q["guard_latest"], {"run": run, "attempt": attempt}, refusal="a newer attempt of the run goes on"
        )

    def guard_no_takers(self, run: str) -> Statement:
        """Holds only while nobody to whom a run handed work is at it."""
        return Statement(_Q["guard_no_takers"], {"run": run}, refusal="it has handed work over by now")

    def guard_open(self, run: str, step: int) -> Statement:
        """Holds only while a decided step has no outcome."""
        return Statement(_Q["guard_open"], {"run": run, "step": step}, refusal="the step has its outcome by now")

    def lose_attempt(self, run: Run) -> Statement:
        """Ends the attempt of a run that was taken from it."""
        parameters = {"run": run.id, "number": run.attempt, "at": self._clock.now()}
        return Statement(_Q["lose_attempt"], parameters, want=None)

    def stop_attempt(self, run: str) -> Statement:
        """Ends whatever attempt of a run is under way, as it is cancelled."""
        return Statement(_Q["stop_attempt"], {"run": run, "at": self._clock.now()}, want=None)

    def end_task(self, task: str, state: str, outcome: str) -> Statement:
        """Closes a task with its outcome."""
        parameters = {"task": task, "state": state, "outcome": outcome, "at": self._clock.now()}
        return Statement(_Q["end_task"], parameters, want=None)

    def _end_attempt(self, run: str, attempt: int, state: str, reason: str = "") -> Statement:
        parameters = {"run": run, "number": attempt, "state": state, "reason": reason, "at": self._clock.now()}
        return Statement(_Q["end_attempt"], parameters)

    def executor(self, run: str, attempt: int) -> str:
        """Returns the name of the executor that made an attempt, or nothing."""
        row = self._database.read_one(_Q["attempt"], {"run": run, "number": attempt})
        return str(row["executor"]) if row else ""

    # --- steps

    def step(self, run: str, step: int) -> StepRow | None:
        """Returns one step, or None when it is new."""
        row = self._database.read_one(_Q["step"], {"run": run, "step": step})
        return StepRow.of(row) if row else None

    def steps(self, run: str) -> list[StepRow]:
        """Returns the steps of a run in order."""
        return [StepRow.of(row) for row in self._database.read(_Q["steps"], {"run": run})]

    def recorded_like(self, run: str, asked: str, *, fork: str, step: int) -> StepRow | None:
        """Returns the step of a run that was done for exactly this action, as often as `fork` has done it before `step`."""
        parameters = {"run": run, "asked": asked, "fork": fork, "step": step}
        row = self._database.read_one(_Q["recorded_like"], parameters)
        return StepRow.of(row) if row else None

    def copy_steps(self, run: str, fork: str, *, before: int) -> Statement:
        """Gives a fork what was done before it, at no cost of its own."""
        parameters = {"run": run, "fork": fork, "step": before}
        return Statement(_Q["copy_steps"], parameters, want=before - 1, refusal="a step before it has no outcome yet")

    def reopen_task(self, task: str) -> Statement:
        """Opens a task again that had not come out right."""
        return Statement(_Q["reopen_task"], {"task": task}, want=None)

    def guard_alone(self, task: str) -> Statement:
        """Holds only while no run acts for a task, and its content is there."""
        refusal = "another run acts for the task, or its content was erased"
        return Statement(_Q["guard_alone"], {"task": task}, refusal=refusal)

    def open_steps(self, after: tuple[str, int] = ("", 0), *, limit: int) -> list[tuple[str, int]]:
        """Returns run and step of what was decided in runs that are over, and has no outcome that is known."""
        asked = {"run": after[0], "step": after[1], "limit": limit}
        return [(row["run"], row["step"]) for row in self._database.read(_Q["open_steps"], asked)]

    def write_step(self, query: str, **parameters: Any) -> Statement:
        """Returns one of the step statements.

        open_step, act_on_step, deny_step, close_step, close_doubted, doubt_step, withdraw_step, keep_value, keep_recorded, close_waiting.
        """
        refusal = "the step was decided already, or another attempt has taken over"
        return Statement(_Q[query], parameters, refusal=refusal)

    # --- payloads

    def keep(self, payload: Payload) -> Statement:
        """Keeps content under its name; the same content twice is kept once."""
        parameters = {"digest": payload.digest, "task": payload.task, "labels": payload.labels, "body": payload.body}
        return Statement(_Q["add_payload"], parameters, want=None)

    def given(self, run: Run, task: Task) -> JsonValue:
        """Returns what a run that begins was given, or raises `NotFoundError`."""
        body = None if run.input else self.underway.given(task.id)
        return self.content(run.input or task.input) if body is None else json.loads(body)

    def content(self, digest: str) -> JsonValue:
        """Returns the content named `digest`, or raises `NotFoundError` (erased, or never kept)."""
        row = self._database.read_one(_Q["payload"], {"digest": digest})
        if row is None:
            raise NotFoundError("This content is not here", which=digest, why="it was erased or never kept")
        return json.loads(row["body"])
