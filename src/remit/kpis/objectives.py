"""Counts the tasks that error budgets speak of, for many agents at once: by the definitions of figures, and none of its own.

Whole days are read from the sums of days, the last six hours task by task, and what is not rolled up is added. So it costs
with agents, days and the fleet's last hours, never with all tasks that ever ended.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest

from remit.contracts import Slo
from remit.core import DAY, MINUTE
from remit.kpis.error_budget import SHORT_WINDOWS, ErrorBudget, Outcomes
from remit.kpis.model import scope_of
from remit.kpis.rollup import changes
from remit.kpis.tally import TaskFigures, after_bucket, bucket_of
from remit.store import Database, load_queries

_Q = load_queries("remit.kpis")
# Longer than any task takes, for agents that promise no time.
_NEVER_LATE = 2**62


@dataclass(frozen=True, slots=True)
class _Span:
    """What is counted alike: so many days, and from which resolution on a task is late."""

    days: int
    late: int

    @classmethod
    def of(cls, slo: Slo) -> "_Span":
        return cls(slo.days, after_bucket(slo.minutes * MINUTE) if slo.minutes else _NEVER_LATE)


@dataclass(slots=True)
class _Counts:
    """What is counted of an agent: tasks, failed, late and not live ones, by UTC day and by short window."""

    days: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    recent: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))

    def add_task(self, task: TaskFigures, sign: int, late: int, now: int) -> None:
        """Counts a task, or takes it back."""
        values = 1, 1 - task.succeeded, int(task.resolution >= late), task.recorded + task.simulated
        within = (name for name, length in SHORT_WINDOWS.items() if now - length <= task.ended_at)
        for sums in (self.days[task.ended_at // DAY], *(self.recent[name] for name in within)):
            for place, value in enumerate(values):
                sums[place] += sign * value


_Counted = Mapping[str, _Counts]


def error_budgets(database: Database, promised: Mapping[str, Slo], now: int) -> dict[str, tuple[ErrorBudget, ...]]:
    """Returns the error budgets of agents by what each promises: first that of success, then that of time."""
    if not promised:
        return {}
    counted = {agent: _Counts() for agent in promised}
    spans = {agent: _Span.of(slo) for agent, slo in promised.items()}
    with database.snapshot():
        for span in sorted(set(spans.values()), key=lambda one: (one.days, one.late)):
            alike = sorted(agent for agent, own in spans.items() if own == span)
            _add_days(database, counted, span, alike, now)
        for late in sorted({span.late for span in spans.values()}):
            alike = sorted(agent for agent, own in spans.items() if own.late == late)
            _add_recent(database, counted, late, alike, now)
        (head,) = database.read(_Q["head"])
        (alone,) = promised if len(promised) == 1 else ("",)
        for change in changes(database, head["entries"], head["last_entry"], agent=alone):
            for task, sign in change.signed():
                if task.agent in counted:
                    counted[task.agent].add_task(task, sign, spans[task.agent].late, now)
    return {agent: tuple(_budgets(slo, counted[agent], now)) for agent, slo in promised.items()}


def most_failing(database: Database, agents: Collection[str], now: int, *, limit: int) -> list[str]:
    """Returns those of some agents with the most failed tasks since yesterday, then those with the most tasks."""
    since = (now // DAY - 1) * DAY
    with database.snapshot():
        counts = {
            row["agent"]: [row["failed"], row["tasks"]]
            for row in database.read(_Q["outcomes_of_all"], {"first": since // DAY})
        }
        (head,) = database.read(_Q["head"])
        for change in changes(database, head["entries"], head["last_entry"]):
            for task, sign in change.signed():
                if task.ended_at >= since:
                    sums = counts.setdefault(task.agent, [0, 0])
                    sums[0], sums[1] = sums[0] + sign * (1 - task.succeeded), sums[1] + sign
    found = ((-failed, -tasks, agent) for agent, (failed, tasks) in counts.items() if tasks > 0)
    wanted = set(agents)
    return [agent for _, _, agent in nsmallest(limit, (one for one in found if one[2] in wanted))]


def _add_days(database: Database, counted: _Counted, span: _Span, agents: list[str], now: int) -> None:
    last, scopes = now // DAY + 1, {scope_of(agent, ""): agent for agent in agents}
    asked = {"scopes": json.dumps(list(scopes)), "first": last - span.days, "last": last}
    for row in database.read(_Q["outcomes_of_days"], asked):
        counted[scopes[row["scope"]]].days[row["day"]][:] = row["tasks"], row["failed"], 0, row["not_live"]
    if span.late < _NEVER_LATE:
        for row in database.read(_Q["late_of_days"], {**asked, "bucket": bucket_of(span.late)}):
            counted[scopes[row["scope"]]].days[row["day"]][2] = row["late"]


def _add_recent(database: Database, counted: _Counted, late: int, agents: list[str], now: int) -> None:
    moments = {now - length: name for name, length in SHORT_WINDOWS.items()}
    listed = {"agents": json.dumps(agents), "moments": json.dumps(sorted(moments))}
    for row in database.read(_Q["outcomes_since"], {**listed, "first": min(moments), "late": late}):
        name = moments[row["since"]]
        counted[row["agent"]].recent[name][:3] = row["tasks"], row["failed"], row["late"]


def _budgets(slo: Slo, counts: _Counts, now: int) -> Iterator[ErrorBudget]:
    last = now // DAY + 1
    days = [counts.days[day] for day in range(last - slo.days, last)]
    recent = {name: counts.recent[name] for name in SHORT_WINDOWS}
    not_live = sum(one for *_, one in days)
    yield ErrorBudget(
        objective="success",
        target=slo.success,
        days=tuple(Outcomes(tasks, failed) for tasks, failed, *_ in days),
        recent={name: Outcomes(tasks, failed) for name, (tasks, failed, *_) in recent.items()},
        not_live=not_live,
    )
    if slo.in_time is not None:
        yield ErrorBudget(
            objective="in_time",
            target=slo.in_time,
            days=tuple(Outcomes(tasks, late) for tasks, _, late, _ in days),
            recent={name: Outcomes(tasks, late) for name, (tasks, _, late, _) in recent.items()},
            not_live=not_live,
        )
