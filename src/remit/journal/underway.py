"""What every step of an attempt asks, answered from memory: what cannot change while it lasts, and what it did itself.

Nobody but the attempt that holds the pen writes the steps of its run, and whether it still holds it every commit checks.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from remit.core import NotFoundError, remember
from remit.journal.model import Run, RunState, StepRow, Task, run_of, task_of
from remit.store import Database, load_queries

_Q = load_queries("remit.journal")
# Runs in flight that are remembered, a kilobyte each.
CACHED = 16_384
# Inputs up to this many bytes come with their task, instead of in a reading of their own.
SMALL = 1_024


@dataclass(slots=True)
class _Course:
    """The steps of one attempt."""

    asked: int
    """The highest step it has asked for, or found: every later one is new."""
    latest: int
    """The highest step that is journaled."""
    before: deque[str]
    """Digests of the latest journaled actions, newest first."""


class Underway:
    """Remembers the runs this process drives. What it has forgotten it reads again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._worked: OrderedDict[tuple[str, int, RunState], tuple[int, int]] = OrderedDict()
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._given: OrderedDict[str, bytes] = OrderedDict()
        self._subjects: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._runs: OrderedDict[tuple[str, int], Run] = OrderedDict()
        self._courses: OrderedDict[tuple[str, int], _Course] = OrderedDict()

    def task(self, identifier: str) -> Task:
        """Returns the task as it was taken on, or raises `NotFoundError`: salt, person and chain never change."""
        if identifier not in self._tasks:
            remember(self._tasks, identifier, self._read_task(identifier), CACHED)
        return self._tasks[identifier]

    def given(self, task: str) -> bytes | None:
        """Returns the small input that came with a task, once: it is remembered until it is asked for."""
        return self._given.pop(task, None)

    def began(self, run: Run, at: int) -> None:
        """Remembers an attempt whose begin stands since the moment `at`; `run` is as it is now.

        Before the first attempt of a run that is no fork there are no steps, and nobody has worked.
        """
        remember(self._runs, (run.id, run.attempt), run, CACHED)
        if run.attempt == 1 and not run.is_fork:
            remember(self._courses, (run.id, run.attempt), _Course(0, 0, deque()), CACHED)
            remember(self._worked, (run.id, run.attempt, run.state), (0, at), CACHED)

    def subjects(self, task: str, kinds: Collection[str]) -> Mapping[str, str]:
        """Returns the subjects bound to a task, by kind: those of `kinds` as of now, of others at least the earlier ones.

        The first that is bound stays; so only one that is not known yet is looked for.
        """
        known = self._subjects.get(task)
        if known is None or not known.keys() >= set(kinds):
            rows = self._database.read(_Q["subjects"], {"task": task})
            known = {row["kind"]: row["value"] for row in rows}
            remember(self._subjects, task, known, CACHED)
        return known

    def run(self, identifier: str, attempt: int) -> Run | None:
        """Returns the run as it was when this attempt was first seen holding the pen; else as it is now, if it is.

        An attempt's secret never changes.
        """
        key = (identifier, attempt)
        if key in self._runs:
            return self._runs[key]
        row = self._database.read_one(_Q["run"], {"id": identifier})
        run = run_of(row) if row else None
        if run is not None and run.state is RunState.RUNNING and run.attempt == attempt:
            remember(self._runs, key, run, CACHED)
        return run

    def working_time(self, run: Run, now: int) -> int:
        """Returns the microseconds its attempts have worked; parked time does not count."""
        key = (run.id, run.attempt, run.state)
        if key not in self._worked:
            remember(self._worked, key, self._read_worked(run.id), CACHED)
        ended, since = self._worked[key]
        return ended + (now - since if since else 0)

    def recent(self, run: str, attempt: int, step: int, limit: int) -> tuple[StepRow | None, list[str]]:
        """Returns the step, if it is not new, and the digests of up to `limit` actions before it, newest first."""
        course = self._course(run, attempt, limit)
        if step > course.asked:
            course.asked = step
            return None, [*islice(course.before, limit)]
        rows = self._database.read(_Q["recent_steps"], {"run": run, "step": step, "limit": limit + 1})
        is_known = bool(rows) and rows[0]["step"] == step
        before = [row["asked"] for row in rows[is_known:]]
        return (self._read_step(run, step) if is_known else None), before[:limit]

    def taken(self, run: str, attempt: int, step: int, asked: str) -> None:
        """Remembers a step of which a commit stood."""
        course = self._courses.get((run, attempt))
        if course is None or step == course.latest:
            return
        if step < course.latest:  # of steps taken side by side an earlier one came later: the order is looked up again
            del self._courses[run, attempt]
            return
        course.asked, course.latest = max(course.asked, step), step
        course.before.appendleft(asked)

    def _course(self, run: str, attempt: int, limit: int) -> _Course:
        key = (run, attempt)
        if key not in self._courses:
            rows = self._database.read(_Q["newest_steps"], {"run": run, "limit": limit})
            latest = int(rows[0]["step"]) if rows else 0
            remember(self._courses, key, _Course(latest, latest, deque((row["asked"] for row in rows), limit)), CACHED)
        return self._courses[key]

    def _read_step(self, run: str, step: int) -> StepRow | None:
        row = self._database.read_one(_Q["step"], {"run": run, "step": step})
        return StepRow.of(row) if row else None

    def _read_task(self, identifier: str) -> Task:
        rows = self._database.read(_Q["taken_on"], {"id": identifier})
        if not rows:
            raise NotFoundError("No such task", which=identifier, hint="`remit runs` lists what there is")
        subjects = {row["subject"]: row["bound"] for row in rows if row["subject"] is not None}
        remember(self._subjects, identifier, subjects, CACHED)
        if (body := rows[0]["given"]) is not None and len(body) <= SMALL:
            remember(self._given, identifier, bytes(body), CACHED)
        return task_of(rows[0])

    def _read_worked(self, run: str) -> tuple[int, int]:
        row = self._database.read_one(_Q["worked"], {"run": run})
        return (int(row["ended"]), int(row["since"])) if row else (0, 0)
