"""Key figures: sums of days that were rolled up, and whatever was not, counted as it is asked for."""

import json
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from itertools import chain

from remit.approvals import ApprovalState
from remit.contracts import Slo
from remit.core import DAY, Money, Settings
from remit.journal import TASK_STATES, RunState
from remit.kpis.error_budget import ErrorBudget
from remit.kpis.model import DayFigures, Figures, Spending, scope_of
from remit.kpis.objectives import error_budgets, most_failing
from remit.kpis.rollup import changes, roll_up
from remit.kpis.spending import Spenders, spending_of_agents, spending_of_units
from remit.kpis.standing import StateCounts
from remit.kpis.tally import Tally, TaskFigures
from remit.kpis.work import WorkCounts, count_work
from remit.store import Commit, Database, load_queries

_Q = load_queries("remit.kpis")
# Entries of the log a roll-up looks at in one commit, and charges: ten milliseconds, so that nobody waits long.
BATCH = 5_000
# Later than any moment, and still a number SQLite can keep.
_NEVER = 2**62


class Kpis:
    """Reads across tables. `roll_up` makes it fast; the figures are the same without."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._answer_price = _answer_price(settings)
        self._runs = StateCounts(database, "runs", tuple(RunState))
        self._tasks = StateCounts(database, "tasks", TASK_STATES)
        self._approvals = StateCounts(database, "approvals", tuple(ApprovalState))
        self._spenders = Spenders(database)
        self._seen: tuple[int, int] | None = None
        """How far was counted when this process last looked."""

    def others_count(self) -> bool:
        """Whether another process has counted on since this one last asked; then counting may be left to that one."""
        (head,) = self._database.read(_Q["counted_to"])
        before, self._seen = self._seen, (head["entries"], head["charges"])
        return before is not None and before != self._seen

    def roll_up(self, *, limit: int = BATCH) -> Commit | None:
        """Returns a commit that counts the next tasks and charges once and for all; None when all are counted.

        Several processes may do so: the commit of whoever comes second is refused.
        """
        return roll_up(self._database, limit=limit)

    def figures(self, *, agent: str = "", unit: str = "", since: int = 0, until: int | None = None) -> Figures:
        """Returns the figures of an agent, a unit or the fleet: of tasks that ended from `since` on and before `until`.

        Any moments will do; whole UTC days are fast, however many tasks they had.
        """
        last = _NEVER if until is None else until
        with self._database.snapshot():
            return self._figures(self._tally(agent, unit, since, last), self._open(agent, unit, since, last))

    def days(self, *, agent: str = "", unit: str = "", since: int, until: int) -> list[DayFigures]:
        """Returns each UTC day from that of `since` to that of `until`, days without work too."""
        first, last = since // DAY, until // DAY + 1
        tallies = {day: Tally() for day in range(first, last)}
        scope = scope_of(agent, unit)
        with self._database.snapshot():
            counted = self._counted(scope, first, last)
            for row in self._database.read(_Q["each_day"], counted):
                tallies[row["day"]].add_sums(row)
            for row in self._database.read(_Q["times_of_each_day"], counted):
                numbers = iter(json.loads(row["times"]))
                added = {bucket: (count, total) for bucket, count, total in zip(numbers, numbers, numbers, strict=True)}
                tallies[row["day"]].times["resolution"].buckets |= added
            for task, sign in self._not_rolled_up(agent, unit, first * DAY, last * DAY):
                tallies[task.ended_at // DAY].add_task(task, sign)
        return [_day_figures(day, tally) for day, tally in tallies.items()]

    def spending(self, *, agent: str = "", since: int = 0) -> list[Spending]:
        """Returns what an agent, or each, was charged since the UTC day of `since`, by unit, kind and source."""
        return spending_of_agents(self._database, agent, since)

    def spending_of_units(self, *, since: int = 0) -> list[Spending]:
        """Returns what each unit was charged since the UTC day of `since`, by kind and source."""
        return spending_of_units(self._database, since)

    def spenders(self, *, since: int = 0, limit: int) -> list[tuple[str, int]]:
        """Returns the agents that were charged most since the UTC day of `since`, with the amount."""
        return self._spenders.most(since, limit)

    def error_budgets(self, promised: Mapping[str, Slo], now: int) -> dict[str, tuple[ErrorBudget, ...]]:
        """Returns the error budgets of agents by what each of them promises, as they stand."""
        return error_budgets(self._database, promised, now)

    def most_failing(self, agents: Collection[str], now: int, *, limit: int) -> list[str]:
        """Returns those of some agents with the most failed tasks since yesterday."""
        return most_failing(self._database, agents, now, limit=limit)

    def work(self) -> WorkCounts:
        """Returns every action, gate and question there was. It looks at all of them: for reports, not for pages."""
        return count_work(self._database)

    def steps(self) -> dict[str, dict[str, int]]:
        """Returns the number of steps by kind and state. It looks at every step: for reports, not for pages."""
        counts: dict[str, dict[str, int]] = {}
        for row in self._database.read(_Q["steps"]):
            counts.setdefault(row["kind"], {})[row["state"]] = row["count"]
        return counts

    def runs_by_state(self) -> dict[str, int]:
        """Returns how many runs are in each state now; a process that has asked before counts what has moved since."""
        return self._runs.now()

    def tasks_by_state(self) -> dict[str, int]:
        """Returns how many tasks are in each state now, as quickly."""
        return self._tasks.now()

    def approvals_by_state(self) -> dict[str, int]:
        """Returns how many questions to people are in each state now, as quickly."""
        return self._approvals.now()

    def _tally(self, agent: str, unit: str, since: int, until: int) -> Tally:
        """Adds up whole days from their sums, parts of days and what is not rolled up task by task."""
        tally, scope = Tally(), scope_of(agent, unit)
        first, last = -(-since // DAY), until // DAY
        if first < last:
            self._add_days(tally, scope, first, last)
            parts = [(since, first * DAY), (last * DAY, until)]
        else:
            parts = [(since, until)]
        for begin, end in parts:
            if begin < end < _NEVER:
                self._add_part(tally, {"agent": agent, "unit": unit, "since": begin, "until": end})
        for task, sign in self._not_rolled_up(agent, unit, since, until):
            tally.add_task(task, sign)
        return tally

    def _add_days(self, tally: Tally, scope: str, first: int, last: int) -> None:
        days = self._counted(scope, first, last)
        for row in self._database.read(_Q["day_sums"], days):
            tally.add_sums(row)
        for row in self._database.read(_Q["day_times"], days):
            tally.times[row["kind"]].add(row["bucket"], row["count"], row["total"])

    def _counted(self, scope: str, first: int, last: int) -> dict[str, str | int]:
        """Returns the days to look at: those asked for, as far as anything was counted on them."""
        (known,) = self._database.read(_Q["known_days"])
        return {"scope": scope, "first": max(first, known["first"] or 0), "last": min(last, known["last"] or 0)}

    def _add_part(self, tally: Tally, part: dict[str, str | int]) -> None:
        for row in self._database.read(_Q["part_sums"], part):
            tally.add_sums(row)
        (row,) = self._database.read(_Q["part_times"], part)
        tally.add_times("resolution", json.loads(row["resolutions"]))
        tally.add_times("answer", chain.from_iterable(json.loads(row["answer_times"])))

    def _not_rolled_up(self, agent: str, unit: str, since: int, until: int) -> Iterator[tuple[TaskFigures, int]]:
        (head,) = self._database.read(_Q["head"])
        for change in changes(self._database, head["entries"], head["last_entry"], agent=agent):
            for task, sign in change.signed():
                if since <= task.ended_at < until and unit in ("", task.unit):
                    yield task, sign

    def _open(self, agent: str, unit: str, since: int, until: int) -> int:
        taken_on = {"since": since, "until": until}
        if agent:
            rows = self._database.read(_Q["open_tasks_of_agent"], {"agent": agent, **taken_on})
        elif unit:
            rows = self._database.read(_Q["open_tasks_of_unit"], {"unit": unit, **taken_on})
        else:
            rows = self._database.read(_Q["open_tasks"], taken_on)
        return int(rows[0]["count"])

    def _figures(self, tally: Tally, still_open: int) -> Figures:
        sums, resolution = tally.sums, tally.times["resolution"]
        ended, succeeded = sums["ended"], sums["succeeded"]
        cost, people = _cost(sums), self._people(sums)
        not_live = sums["recorded"] + sums["simulated"]
        return Figures(
            tasks=ended + still_open,
            open=still_open,
            succeeded=succeeded,
            failed=ended - succeeded,
            success_rate=_share(succeeded, ended),
            cost=cost,
            cpso=round((sums["tool"] + sums["model"] + (people or sums["person"])) / succeeded) if succeeded else None,
            tool=sums["tool"],
            model=sums["model"],
            people=people,
            waste=sums["waste"],
            waste_share=_share(sums["waste"], cost),
            ttr=resolution.median(),
            ttr_p90=resolution.percentile(90),
            waiting=_share(sums["waiting"], sums["resolution"]),
            hir=_share(sums["intervened"], ended),
            asked=_share(sums["asked"], ended),
            answers=sums["answers"],
            answer_time=tally.times["answer"].median(),
            satisfaction=_share(sums["score"], sums["rated"]),
            rated=_share(sums["rated"], ended),
            appeals=_share(sums["appeals"], ended),
            person_asked=_share(sums["person_asked"], ended),
            denied=sums["denied"],
            unpriced=sums["unpriced"],
            live=ended - not_live,
            recorded=sums["recorded"],
            simulated=sums["simulated"],
            not_live=not_live,
        )

    def _people(self, sums: dict[str, int]) -> int | None:
        if self._answer_price is None:
            return None
        return sums["person"] + round(self._answer_price * sums["answers"])


def _answer_price(settings: Settings) -> Decimal | None:
    """Returns micro-units of one answer of a person; None when people's time is not counted."""
    if not settings.people_minute:
        return None
    return settings.in_cell(Money.parse(settings.people_minute)) * Decimal(str(settings.answer_minutes))


def _day_figures(day: int, tally: Tally) -> DayFigures:
    sums = tally.sums
    return DayFigures(
        day=day,
        succeeded=sums["succeeded"],
        failed=sums["ended"] - sums["succeeded"],
        cost=_cost(sums),
        hir=_share(sums["intervened"], sums["ended"]),
        ttr=tally.times["resolution"].median(),
        not_live=sums["recorded"] + sums["simulated"],
    )


def _cost(sums: dict[str, int]) -> int:
    return sums["tool"] + sums["model"] + sums["person"]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
