"""Views of runs: the listing, and one run as a trajectory on a time axis."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from remit.audit import LogEntry
from remit.core import SECOND, format_micros
from remit.gateway import Check
from remit.journal import Run, RunState, StepRow, StepState
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.decisions import level_of, reason_of
from remit.operations.views.model import LATEST, MOST_ROWS, NOT_SHOWN, PAGE_SIZE, Page, Shown, Viewing, moment, page_of
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
MOST_AGENTS = 12


class RunRow(Shown):
    """One run in a listing."""

    run: str
    task: str
    agent: str
    """`agent@version`."""
    unit: str
    state: str
    outcome: str
    """Of its task, at the run that carries it."""
    reason: str
    """Why it ended or waits; what a run failed with is shown like content."""
    on_behalf_of: str
    attempts: int
    cost: str
    simulated: bool
    """Whether a recorded or simulated model answered: no claim may rest on it."""
    effects: bool
    """False for a fork that only looks what would happen."""
    created: str
    ended: str
    seconds: float | None
    """From created to ended; null while it is not over."""
    waits_for: str
    parent: str
    """The run that handed this one its work, or that it was forked from."""
    hops: int
    """How many times the work was handed on before it came here."""
    priority: int
    """How urgent it is: from 0 to 9, the most urgent."""
    undoes: str = ""
    """The run whose changes it undoes, when it is a rollback."""


class StepShown(Shown):
    """One step of a trajectory."""

    step: int
    kind: str
    name: str
    state: str
    level: str
    """How freely it was done: autonomous, human-in-the-loop, human-led; empty where nobody decided."""
    decision: str
    reason: str
    """Why, in words."""
    approval: str
    person: str
    """Who acted, when it was not the agent."""
    error: bool
    """Whether the tool itself refused."""
    refused_at: str
    attempt: int
    cost: str
    priced: bool
    source: str
    """What answered: live, recorded or simulated."""
    input_tokens: int
    output_tokens: int
    started: str
    ended: str
    offset: float
    """Seconds after the run was created."""
    seconds: float | None
    log_index: int | None
    """The decision's place in the log."""


class Refusal(Shown):
    """Something the run was denied."""

    decision: str
    name: str
    step: int
    refused_at: str
    reason: str
    log_index: int | None


class Relative(Shown):
    """A run that this one handed work to, or that was forked from it."""

    run: str
    agent: str
    state: str
    forked_at: int | None
    step: int | None = None
    """The step that handed the work over; null for a fork."""


class AttemptShown(Shown):
    """One try to drive the run."""

    number: int
    executor: str
    state: str
    started: str
    ended: str
    reason: str


class RunShown(RunRow):
    """One run as a trajectory."""

    intent: str
    forked_at: int | None
    goes_on: str
    span: float
    """Seconds from created to ended, or to the latest step: the length of the time axis."""
    children: tuple[Relative, ...]
    tries: tuple[AttemptShown, ...]
    steps: tuple[StepShown, ...]
    refusals: tuple[Refusal, ...]
    content: bool
    """Whether what was said is shown to whoever asked."""
    input: Any = None
    output: Any = None
    pending: tuple[str, ...] = ()
    """Questions to people that are open."""
    asked_by: str = ""
    """Who had the rollback; empty for any other run, and where a contract had it."""


class RunViews(Viewing):
    """Reads runs."""

    @view(Permission.FLEET_RUNS_READ)
    def page(
        self, *, state: str = "", agent: str = "", task: str = "", after: str = "", limit: int = PAGE_SIZE
    ) -> Page[RunRow]:
        """Returns the newest runs, with counts by state and agent."""
        limit = min(limit, MOST_ROWS)
        parameters = {"state": state, "agent": agent, "task": task, "after": after, "limit": limit + 1}
        if task:
            name = "runs_of_task"
        elif agent:
            name = "runs_of_agent"
        else:
            name = "runs_in_state" if state else "runs"
        rows = [self._row(row) for row in self._read(name, parameters)]
        return page_of(rows, limit, "run", {"state": self._states(agent), "agent": self._agents(state)})

    @view(Permission.FLEET_RUNS_READ)
    def listing(self, *, state: str = "", limit: int = 100) -> list[RunRow]:
        """Returns the newest runs, without counts."""
        name, parameters = "runs_in_state" if state else "runs", {"state": state, "after": "", "limit": limit}
        return [self._row(row) for row in self._read(name, parameters)]

    @view(Permission.FLEET_RUNS_READ)
    def states(self, agent: str = "") -> dict[str, int]:
        """Returns the number of runs in each state, of one agent or of all."""
        return self._states(agent)

    @view(Permission.FLEET_RUNS_READ)
    def get(self, identifier: str) -> RunShown:
        """Returns one run as a trajectory: every step with its decision and reason."""
        with self._source.database.snapshot():  # a run that is done has its output
            return self._shown(identifier)

    # --- rows

    def _shown(self, identifier: str) -> RunShown:
        run = self._parts.journal.run(identifier)
        task = self._parts.journal.task(run.task)
        content = self._source.shows_content(run.agent, run.version)
        entries = {entry.ref: entry for entry in self._source.log.entries(run.id) if entry.kind == "decision"}
        steps = self._steps(run, {**self._decided_before(run, entries), **entries}, content=content)
        return RunShown(
            **self._run(run).model_dump(),
            intent=task.intent if self._source.shows_intent(task.agent) else "",
            forked_at=run.forked_at,
            goes_on=moment(run.ready_at) if run.ready_at and run.ready_at < LATEST else "",
            span=_span(run, steps),
            children=tuple(_relative(each) for each in self._parts.journal.children(run.id)),
            tries=tuple(_attempt(row, content=content) for row in self._read("attempts", {"run": run.id})),
            steps=tuple(steps),
            refusals=tuple(self._refusals(run, entries.values(), content=content)),
            content=content,
            input=self._source.content(run.input or task.input) if content else None,
            output=self._source.content(run.output) if content else None,
            pending=tuple(a.id for a in self._parts.approvals.of_run(run.id) if a.state == "pending"),
            asked_by=run.asked_by,
        )

    def _read(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)

    def _states(self, agent: str) -> dict[str, int]:
        counts = self._states_of(agent) if agent else self._source.kpis.runs_by_state()
        return {state.value: counts.get(state.value, 0) for state in RunState}

    def _states_of(self, agent: str) -> dict[str, int]:
        return {row["state"]: row["count"] for row in self._read("run_states_of_agent", {"agent": agent})}

    def _agents(self, state: str) -> dict[str, int]:
        name = "run_agents_in_state" if state else "run_agents"
        parameters = {"limit": MOST_AGENTS, **({"state": state} if state else {})}
        return {row["agent"]: row["count"] for row in self._read(name, parameters)}

    def _row(self, row: Row) -> RunRow:
        return RunRow(
            run=row["id"],
            task=row["task"],
            agent=f"{row['agent']}@{row['version']}",
            unit=row["unit"] or "",
            state=row["state"],
            outcome=_outcome(row),
            reason=_told_why(row, content=self.actor.may(Permission.FLEET_CONTENT_READ, row["unit"] or "")),
            on_behalf_of=row["on_behalf_of"],
            attempts=row["attempt"],
            cost=self._source.money(row["cost"]),
            simulated=is_simulated(row["sources"]),
            effects=bool(row["effects"]),
            created=moment(row["created_at"]),
            ended=moment(row["ended_at"]),
            seconds=(row["ended_at"] - row["created_at"]) / SECOND if row["ended_at"] else None,
            waits_for=row["waits_for"],
            parent=row["parent_run"] or "",
            hops=row["hops"],
            priority=row["priority"],
            undoes=row["undoes"] or "",
        )

    def _run(self, run: Run) -> RunRow:
        (row,) = self._read("run", {"run": run.id})
        return self._row(row)

    # --- the trajectory

    def _decided_before(self, run: Run, own: Mapping[str, LogEntry]) -> dict[str, LogEntry]:
        """Returns the decisions that a fork has from the run it was forked from; they stand in that one's stream."""
        if not run.is_fork:
            return {}
        refs = {row.decision for row in self._parts.journal.steps(run.id)} - {"", *own}
        found = (self._source.log.entry_by_ref(ref) for ref in refs)
        return {entry.ref: entry for entry in found if entry}

    def _steps(self, run: Run, entries: Mapping[str, LogEntry], *, content: bool) -> list[StepShown]:
        charges = {row["step"]: row for row in self._read("step_charges", {"run": run.id})}
        return [
            self._step(run, row, entries.get(row.decision), charges.get(row.step), content=content)
            for row in self._parts.journal.steps(run.id)
        ]

    def _step(self, run: Run, row: StepRow, entry: LogEntry | None, charge: Row | None, *, content: bool) -> StepShown:
        words = self._words(row) if row.state is StepState.DENIED and content else ""
        return StepShown(
            step=row.step,
            kind=row.kind,
            name=row.name,
            state=row.state.value,
            level=level_of(entry, row.person),
            decision=row.decision,
            reason=_told(reason_of(entry, self._parts.releases.get(run.release)), words),
            approval=row.approval,
            person=row.person,
            error=row.is_error,
            refused_at=Check(row.refused_at).name.lower() if row.refused_at else "",
            attempt=row.attempt,
            cost=format_micros(charge["amount"] if charge else row.cost, self._parts.settings.currency),
            priced=bool(charge["priced"]) if charge else True,
            source=_source(charge),
            input_tokens=charge["input_tokens"] if charge else 0,
            output_tokens=charge["output_tokens"] if charge else 0,
            started=moment(row.at),
            ended=moment(row.ended_at),
            offset=max(0.0, (row.at - run.created_at) / SECOND),
            seconds=max(0.0, (row.ended_at - row.at) / SECOND) if row.ended_at else None,
            log_index=entry.index if entry else None,
        )

    def _words(self, row: StepRow) -> str:
        """Returns what a gate or a person said about a refusal; the log has only the digest of it."""
        said: Any = self._source.content(row.result)
        return said if isinstance(said, str) else str(said["denied"]["words"])

    def _refusals(self, run: Run, entries: Any, *, content: bool) -> list[Refusal]:
        words: dict[str, str] = {}
        if content:
            denied = [row for row in self._parts.journal.steps(run.id) if row.state is StepState.DENIED]
            words = {row.decision: self._words(row) for row in denied}
        return [
            Refusal(
                decision=entry.ref,
                name=str(entry.fields["action"]["name"]),
                step=int(entry.fields["action"]["step"]),
                refused_at=Check(int(str(entry.fields["refused_at"]))).name.lower(),
                reason=_told(str(entry.fields["reason"]), words.get(entry.ref, "")),
                log_index=entry.index,
            )
            for entry in entries
            if entry.fields.get("verdict") == "deny"
        ]


def is_simulated(sources: str) -> bool:
    """Whether a recorded or simulated model is among the sources (JSON) of some charges."""
    return any(source != "live" for source in json.loads(sources))


def _source(charge: Row | None) -> str:
    if charge is None:
        return ""
    sources = json.loads(charge["sources"])
    return next((source for source in ("simulated", "recorded") if source in sources), "live")


def _told(reason: str, words: str) -> str:
    return f"{reason}: {words}" if words else reason


def _span(run: Run, steps: Sequence[StepShown]) -> float:
    latest = max((step.offset + (step.seconds or 0.0) for step in steps), default=0.0)
    ended = (run.ended_at - run.created_at) / SECOND if run.ended_at else 0.0
    return max(latest, ended)


def _outcome(row: Row) -> str:
    """Returns the task's outcome at the run that carries it; a taker, a look ahead, a cancelled run, a rollback have none."""
    carries = row["parent_step"] is None and row["effects"] and row["state"] != RunState.CANCELLED
    carries = carries and not row["undoes"]
    return row["task_outcome"] if carries else ""


def _relative(run: Run) -> Relative:
    return Relative(run=run.id, agent=run.agent, state=run.state.value, forked_at=run.forked_at, step=run.parent_step)


def _attempt(row: Row, *, content: bool) -> AttemptShown:
    return AttemptShown(
        number=row["number"],
        executor=row["executor"],
        state=row["state"],
        started=moment(row["started_at"]),
        ended=moment(row["ended_at"]),
        reason=_told_why(row, content=content),
    )


def _told_why(row: Row, *, content: bool) -> str:
    """Returns why a run or an attempt ended or waits; a fault or a gate may have said so in words of the task."""
    is_hidden = row["reason"] and row["state"] == RunState.FAILED and not content
    return NOT_SHOWN if is_hidden else row["reason"]
