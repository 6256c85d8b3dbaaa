"""The roll-up: counts tasks that ended or changed, and new charges, in commits that nobody can do twice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from remit.core import DAY
from remit.kpis.counting import as_row, count_tasks, counted_tasks
from remit.kpis.spending import SPENT, marks, new_spending
from remit.kpis.tally import SUMS, TaskFigures, bucket_of
from remit.store import Commit, Database, Row, Statement, load_queries

_Q = load_queries("remit.kpis")
_DAY = ("day", "scope", *SUMS)
_TIMES = ("day", "scope", "kind", "bucket", "count", "total")
_HOME = ("day", "agent", "unit", "kind", "source")


@dataclass(frozen=True, slots=True)
class Change:
    """A task before, as it was counted, and after, as it is; None when it was not or is no more counted."""

    before: TaskFigures | None
    after: TaskFigures | None

    def signed(self) -> Iterator[tuple[TaskFigures, int]]:
        """Yields what is to be taken back, and what is to be counted."""
        if self.before is not None:
            yield self.before, -1
        if self.after is not None:
            yield self.after, 1


def changes(database: Database, first: int, last: int, *, agent: str = "") -> list[Change]:
    """Returns the tasks that entries `first` to `last` of the log speak of and that are not counted as they are now."""
    rows = database.read(_Q["touched"], {"first": first, "last": last, "agent": agent})
    tasks = [row["task"] for row in rows]
    before, after = counted_tasks(database, tasks), count_tasks(database, tasks)
    found = [Change(before.get(task), after.get(task)) for task in tasks]
    return [change for change in found if change.before != change.after]


def roll_up(database: Database, *, limit: int) -> Commit | None:
    """Returns the commit that counts what at most `limit` entries and as many charges brought; None when all is counted."""
    with database.snapshot():
        (head,) = database.read(_Q["head"])
        first, first_charge = head["entries"], head["charges"]
        last = min(first + limit, head["last_entry"])
        last_charge = min(first_charge + limit, head["last_charge"])
        if (first, first_charge) == (last, last_charge):
            return None
        found = changes(database, first, last)
        spent, marked = new_spending(database, first_charge, last_charge), marks(database, first_charge, last_charge)
    advance = {"from_entries": first, "entries": last, "from_charges": first_charge, "charges": last_charge}
    return Commit(
        [
            Statement(_Q["advance"], advance, refusal="another process has counted on"),
            *marked,
            *(_kept(change) for change in found),
            *_day_sums(found),
            *_spending(spent),
        ],
        key="figures",
    )


def _kept(change: Change) -> Statement:
    if change.after is not None:
        return Statement(_Q["put_task"], as_row(change.after))
    assert change.before is not None  # noqa: S101  a change has one of the two
    return Statement(_Q["drop_task"], {"task": change.before.task})


def _day_sums(found: Iterable[Change]) -> Iterator[Statement]:
    sums: dict[tuple[Any, ...], Sequence[int]] = {}
    times: dict[tuple[Any, ...], Sequence[int]] = {}
    for task, sign in (each for change in found for each in change.signed()):
        day, values = task.ended_at // DAY, [sign * value for value in task.sums]
        counted = [(kind, bucket_of(time), (sign, sign * time)) for kind, time in task.times]
        for scope in task.scopes:
            _add(sums, (day, scope), values)
            for kind, bucket, time in counted:
                _add(times, (day, scope, kind, bucket), time)
    for home, added in sums.items():
        yield Statement(_Q["add_day"], dict(zip(_DAY, (*home, *added), strict=True)))
    for home, added in times.items():
        if any(added):
            yield Statement(_Q["add_times"], dict(zip(_TIMES, (*home, *added), strict=True)))


def _add(sums: dict[tuple[Any, ...], Sequence[int]], home: tuple[Any, ...], values: Sequence[int]) -> None:
    before = sums.get(home)
    sums[home] = values if before is None else [a + b for a, b in zip(before, values, strict=True)]


def _spending(rows: Iterable[Row]) -> Iterator[Statement]:
    """Each home twice, for its agent and for all agents of its unit together; and who spent how much."""
    homes: dict[tuple[Any, ...], Sequence[int]] = {}
    spenders: dict[tuple[int, str], int] = {}
    for row in rows:
        day, agent, *home = (row[name] for name in _HOME)
        spenders[day, agent] = spenders.get((day, agent), 0) + row["amount"]
        values = [row[name] for name in SPENT]
        _add(homes, (day, agent, *home), values)
        _add(homes, (day, "", *home), values)
    for home, added in homes.items():
        yield Statement(_Q["add_spending"], dict(zip((*_HOME, *SPENT), (*home, *added), strict=True)))
    for (day, agent), amount in spenders.items():
        yield Statement(_Q["add_spender"], {"day": day, "agent": agent, "amount": amount})
