"""The roll-up: counts tasks that ended or changed, and new charges, in commits that nobody can do twice."""

from collections.abc import Iterator
from dataclasses import dataclass

from remit.core import DAY
from remit.kpis.counting import as_row, count_tasks, counted_tasks
from remit.kpis.spending import SPENT, new_spending
from remit.kpis.tally import Tally, TaskFigures
from remit.store import Commit, Database, Row, Statement, load_queries

_Q = load_queries("remit.kpis")


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
        spent = new_spending(database, first_charge, last_charge)
    advance = {"from_entries": first, "entries": last, "from_charges": first_charge, "charges": last_charge}
    return Commit(
        [
            Statement(_Q["advance"], advance, refusal="another process has counted on"),
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


def _day_sums(found: list[Change]) -> Iterator[Statement]:
    tallies: dict[tuple[str, int], Tally] = {}
    for task, sign in (each for change in found for each in change.signed()):
        for scope in task.scopes:
            tallies.setdefault((scope, task.ended_at // DAY), Tally()).add_task(task, sign)
    for (scope, day), tally in tallies.items():
        yield Statement(_Q["add_day"], {"scope": scope, "day": day, **tally.sums})
        for row in tally.rows_of_times():
            yield Statement(_Q["add_times"], {"scope": scope, "day": day, **row})


def _spending(rows: list[Row]) -> Iterator[Statement]:
    """Each home twice: for its agent, and for all agents of its unit together."""
    together: dict[tuple[str, int, str, str, str], list[int]] = {}
    for row in rows:
        for agent in (row["agent"], ""):
            sums = together.setdefault((agent, row["day"], row["unit"], row["kind"], row["source"]), [0] * len(SPENT))
            for place, name in enumerate(SPENT):
                sums[place] += row[name]
    for home, sums in together.items():
        named = zip(("agent", "day", "unit", "kind", "source", *SPENT), (*home, *sums), strict=True)
        yield Statement(_Q["add_spending"], dict(named))
