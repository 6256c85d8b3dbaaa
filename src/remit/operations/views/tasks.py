"""Views of tasks: business work with its outcome, and the runs that worked on it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from remit.core import SECOND, NotFoundError
from remit.journal import TASK_STATES, Feedback, Run
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.history import HistoryRow, TaskHistory
from remit.operations.views.model import MOST_ROWS, PAGE_SIZE, Page, Shown, Viewing, moment, page_of
from remit.operations.views.runs import is_simulated
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
# Fields of an input that say in words what it is about.
_ABOUT = ("subject", "title")
LONGEST_ABOUT = 200


class TaskRow(Shown):
    """One task in a listing."""

    task: str
    agent: str
    intent: str
    """What it is for; empty when it is not shown to your role: it may be taken from the input."""
    about: str
    """What it is about in the words of its input, where that has a subject or a title; empty when content is not shown
    to your role."""
    on_behalf_of: str
    state: str
    outcome: str
    runs: int
    cost: str
    simulated: bool
    created: str
    ended: str
    seconds: float | None


class EffectShown(Shown):
    """Something that was done for a task and changed the world outside."""

    run: str
    step: int
    agent: str
    person: str
    """Who did it, when it was not the agent."""
    what: str
    arguments: Any
    """Null when content is not shown to your role."""
    currencies: Mapping[str, str] = {}
    """Of these, the fields that are money, each with its currency."""
    at: str
    undone: bool = False
    """Whether a rollback has undone it."""
    undoes: str = ""
    """The run of which it undoes something, when a rollback did it."""


class FeedbackShown(Shown):
    """What somebody served said of a task."""

    kind: str
    """satisfaction, appeal or person."""
    score: int | None
    """From 1 to 5, of satisfaction."""
    words: str | None
    """None when content is not shown to your role; `erased` when they are gone."""
    sent_by: str
    at: str


class TaskShown(TaskRow):
    """One task."""

    chain: tuple[str, ...]
    """Who handed the work on; the first is the person it is done for."""
    content: bool
    subjects: Mapping[str, str] = {}
    input: Any = None
    output: Any = None
    """What came of it: the output of the run that carried it to its end."""
    done: tuple[EffectShown, ...] = ()
    """What was done for it, in order; reading is not told here."""
    feedback: tuple[FeedbackShown, ...] = ()
    """What those served said of it, in the order it came in."""
    history: tuple[HistoryRow, ...] = ()
    """What was refused or refuted, and what people were asked and said, in the order it happened."""


class TaskViews(Viewing):
    """Reads tasks."""

    @view(Permission.FLEET_RUNS_READ)
    def page(self, *, state: str = "", agent: str = "", after: str = "", limit: int = PAGE_SIZE) -> Page[TaskRow]:
        """Returns the newest tasks, with counts by state."""
        limit = min(limit, MOST_ROWS)
        parameters = {"state": state, "agent": agent, "after": after, "limit": limit + 1}
        name = "tasks_of_agent" if agent else "tasks_in_state" if state else "tasks"
        states = self._states_of(agent) if agent else self._source.kpis.tasks_by_state()
        counts = {"state": {each: states.get(each, 0) for each in TASK_STATES}}
        return page_of([self._row(row) for row in self._read(name, parameters)], limit, "task", counts)

    @view(Permission.FLEET_RUNS_READ)
    def get(self, identifier: str) -> TaskShown:
        """Returns one task, by its id or the end of it; `runs.page(task=…)` has its runs."""
        with self._source.database.snapshot():  # what was just refused has its entry in the log
            return self._shown(identifier)

    def _shown(self, identifier: str) -> TaskShown:
        rows = self._read("task", {"task": identifier}) or self._ending(identifier)
        if len(rows) != 1:
            raise NotFoundError("No such task", which=identifier, why="several end like this" if rows else "")
        task = self._parts.journal.task(rows[0]["id"])
        runs = self._parts.journal.runs_of(task.id)
        content = bool(runs) and self._source.shows_content(runs[0].agent, runs[0].version)
        return TaskShown(
            **self._row(rows[0]).model_dump(),
            chain=task.chain,
            content=content,
            subjects=self._parts.journal.subjects(task.id) if content else {},
            input=self._source.content(task.input) if content else None,
            output=self._source.content(_output(runs)) if content else None,
            done=tuple(self._done(task.id, runs)),
            feedback=tuple(self._feedback(one, content=content) for one in self._parts.journal.feedback(task.id)),
            history=tuple(TaskHistory(self._source).of_task(task.id, runs)),
        )

    def _done(self, task: str, runs: Sequence[Run]) -> Iterator[EffectShown]:
        undoing = {run.id: run.undoes for run in runs if run.undoes}
        undone = {of: self._parts.journal.undoing.undone(of) for of in set(undoing.values())}
        rows = reversed(self._read("done_for", {"task": task, "limit": MOST_ROWS}))
        first = {row["decision"]: row for row in rows}  # of a fork's copy and the original, the original
        for row in reversed(first.values()):
            tool = self._source.fleet.tools.get(row["name"])
            if tool is not None and tool.effect == "read":
                continue
            content = self._source.shows_content(row["agent"], row["version"])
            said: Any = self._source.content(row["judged"]) if content else None
            arguments = said if said is None or isinstance(said, str) else said["arguments"]
            yield EffectShown(
                run=row["run"],
                step=row["step"],
                agent=f"{row['agent']}@{row['version']}",
                person=row["person"],
                what=row["name"],
                arguments=arguments,
                currencies=self._source.currencies(row["name"], arguments),
                at=moment(row["ended_at"]),
                undone=row["step"] in undone.get(row["run"], ()),
                undoes=undoing.get(row["run"], ""),
            )

    def _feedback(self, given: Feedback, *, content: bool) -> FeedbackShown:
        said: Any = self._source.content(given.said) if content else None
        return FeedbackShown(
            kind=given.kind.value,
            score=given.score,
            words=said if said is None or isinstance(said, str) else said["words"],
            sent_by=given.sent_by,
            at=moment(given.at),
        )

    def _ending(self, identifier: str) -> list[Row]:
        found = self._read("tasks_ending", {"ending": identifier.removeprefix("task_")})
        return [row for each in found for row in self._read("task", {"task": each["id"]})]

    def _read(self, name: str, parameters: Mapping[str, Any]) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)

    def _states_of(self, agent: str) -> dict[str, int]:
        return {row["state"]: row["count"] for row in self._read("task_states_of_agent", {"agent": agent})}

    def _about(self, row: Row) -> str:
        given: Any = self._source.content(row["input"]) if self._source.shows_content_of(row["agent"]) else None
        if not isinstance(given, Mapping):  # it is text, not shown, or was erased
            return ""
        named = cast("Mapping[str, Any]", given)
        told = next((named[name] for name in _ABOUT if isinstance(named.get(name), str)), "")
        return " ".join(told.split())[:LONGEST_ABOUT]

    def _row(self, row: Row) -> TaskRow:
        return TaskRow(
            task=row["id"],
            agent=row["agent"],
            intent=row["intent"] if self._source.shows_intent(row["agent"]) else "",
            about=self._about(row),
            on_behalf_of=row["on_behalf_of"],
            state=row["state"],
            outcome=row["outcome"],
            runs=row["runs"],
            cost=self._source.money(row["cost"]),
            simulated=is_simulated(row["sources"]),
            created=moment(row["created_at"]),
            ended=moment(row["ended_at"]),
            seconds=(row["ended_at"] - row["created_at"]) / SECOND if row["ended_at"] else None,
        )


def _output(runs: Sequence[Run]) -> str | None:
    """Returns the digest of what the newest run that carries the task has put out.

    A taker, a look ahead and a rollback carry none.
    """
    carrying = (run for run in reversed(runs) if run.parent_step is None and run.effects and not run.undoes)
    return next((run.output for run in carrying if run.output), None)
