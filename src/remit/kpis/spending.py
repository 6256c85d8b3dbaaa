"""What was charged, by its home: sums of days that were rolled up, and the charges since, added up as asked for."""

from collections.abc import Iterable

from remit.core import DAY
from remit.kpis.model import Spending
from remit.store import Database, Row, load_queries

_Q = load_queries("remit.kpis")
SPENT = ("calls", "unpriced", "input_tokens", "output_tokens", "amount")
"""What is added up over charges."""
_HOME = ("agent", "unit", "kind", "source")


def new_spending(database: Database, first: int, last: int) -> list[Row]:
    """Returns charges `first` (left out) to `last` by day and home."""
    return database.read(_Q["new_spending"], {"first": first, "last": last})


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


def spenders(database: Database, since: int, limit: int) -> list[tuple[str, int]]:
    """Returns the agents that were charged most since the UTC day of `since`, with the amount."""
    rows = database.read(_Q["spenders"], {"first": since // DAY, "limit": limit})
    return [(row["agent"], row["amount"]) for row in rows]


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
