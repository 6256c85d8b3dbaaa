"""What was charged, by its home: sums of days that were rolled up, and the charges since, added up as asked for."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from heapq import nlargest

from remit.core import DAY, remember
from remit.kpis.model import Spending
from remit.store import Database, Row, Statement, load_queries

_Q = load_queries("remit.kpis")
SPENT = ("calls", "unpriced", "input_tokens", "output_tokens", "amount")
"""What is added up over charges."""
# Periods that are remembered by agent, as many as a page offers.
PERIODS_KEPT = 5
_HOME = ("agent", "unit", "kind", "source")


class Spenders:
    """Remembers what each agent was charged on the days of a period that are over, as long as no charge of them comes late."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._before: OrderedDict[tuple[int, int], tuple[int, dict[str, int]]] = OrderedDict()

    def most(self, since: int, limit: int) -> list[tuple[str, int]]:
        """Returns the agents that were charged most since the UTC day of `since`, with the amount."""
        with self._database.snapshot():
            days = _days(self._database, since)
            days = {**days, "last": max(days["first"], days["last"] - 1)}
            amounts = dict(self._over(days))
            for agent, amount in self._spent("latest_spenders", {**days, "first": since // DAY}).items():
                amounts[agent] = amounts.get(agent, 0) + amount
        least = min(nlargest(limit, amounts.values()), default=0)
        most = [one for one in amounts.items() if one[1] >= least]
        return sorted(most, key=lambda one: (-one[1], one[0]))[:limit]

    def _over(self, days: Mapping[str, int]) -> Mapping[str, int]:
        key = days["first"], days["last"]
        (held,) = self._database.read(_Q["charges_of_days"], days)
        known = self._before.get(key)
        if known is None or known[0] != held["charges"]:
            known = held["charges"], self._spent("spenders", days)
            remember(self._before, key, known, PERIODS_KEPT)
        return known[1]

    def _spent(self, name: str, days: Mapping[str, int]) -> dict[str, int]:
        (row,) = self._database.read(_Q[name], days)
        spent: dict[str, int] = json.loads(row["spent"])
        return spent


def new_spending(database: Database, first: int, last: int) -> list[Row]:
    """Returns charges `first` (left out) to `last` by day and home."""
    return database.read(_Q["new_spending"], {"first": first, "last": last})


def marks(database: Database, first: int, last: int) -> list[Statement]:
    """Returns what marks the same charges as counted, where their numbers do not tell it."""
    numbers = [row["number"] for row in database.read(_Q["unmarked"], {"first": first, "last": last})]
    if not numbers:
        return []
    return [Statement(_Q["mark"], {"numbers": json.dumps(numbers)}, len(numbers), "another process has counted on")]


def spending_of_agents(database: Database, agent: str, since: int) -> list[Spending]:
    """Returns what an agent, or each of them, was charged since the UTC day of `since`."""
    name = "spending_of_one" if agent else "spending_of_agents"
    with database.snapshot():
        kept = database.read(_Q[name], {"agent": agent, **_days(database, since)})
        fresh = [row for row in _since(database, since) if agent in ("", row["agent"])]
    return _added_up([*kept, *fresh])


def spending_of_units(database: Database, since: int) -> list[Spending]:
    """Returns what all agents of each unit together were charged since the UTC day of `since`."""
    with database.snapshot():
        kept = database.read(_Q["spending_of_one"], {"agent": "", **_days(database, since)})
        fresh = [{**dict(row), "agent": ""} for row in _since(database, since)]
    return _added_up([*kept, *fresh])


def _days(database: Database, since: int) -> dict[str, int]:
    """Returns the days to look at: those asked for, as far as there is anything."""
    (known,) = database.read(_Q["spent_days"])
    return {"first": max(since // DAY, known["first"] or 0), "last": known["last"] or 0}


def _since(database: Database, since: int) -> list[Row]:
    """Returns the charges that are not rolled up yet, of the days asked for."""
    (head,) = database.read(_Q["head"])
    rows = new_spending(database, head["charges"], head["last_charge"])
    return [row for row in rows if row["day"] >= since // DAY]


def _added_up(rows: Iterable[Row]) -> list[Spending]:
    together: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        sums = together.setdefault(tuple(row[name] for name in _HOME), [0] * len(SPENT))
        for place, name in enumerate(SPENT):
            sums[place] += row[name]
    return [
        Spending(**dict(zip((*_HOME, *SPENT), (*home, *sums), strict=True)))  # type: ignore[arg-type]
        for home, sums in sorted(together.items())
    ]
