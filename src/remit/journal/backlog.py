"""How much work waits to be taken up: counted by an index that has nothing else in it, and never past a bound."""

from collections import Counter
from dataclasses import dataclass, field

from remit.audit import waiting_entries
from remit.core import MINUTE
from remit.store import Database, load_queries

_Q = load_queries("remit.journal")
# What goes on by itself this soon counts: runs are sent away from a busy upstream for half as long at most.
SOON = 10 * MINUTE


@dataclass(slots=True)
class Waiting:
    """Runs that can go on, now or soon, and are not taken up; and what of those before has no place in the log yet."""

    runs: int = 0
    entries: int = 0
    of_units: Counter[str] = field(default_factory=Counter[str])
    of_agents: Counter[str] = field(default_factory=Counter[str])

    def add(self, unit: str, agent: str, count: int = 1) -> None:
        """Counts one more, or so many."""
        self.runs += count
        self.of_units[unit] += count
        self.of_agents[agent] += count


class Backlog:
    """Counts what waits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unlogged(self, *, most: int) -> int:
        """Returns how many entries wait for their place in the log, up to `most`."""
        return waiting_entries(self._database, most=most)

    def look(self, now: int, *, most: int, each: bool) -> Waiting:
        """Returns what waits at the moment `now`, up to `most` of it; by unit and agent only if `each` is asked for."""
        parameters = {"until": now + SOON, "most": most}
        if not each:
            row = self._database.read_one(_Q["backlog"], parameters)
            return Waiting(int(row["count"]) if row else 0)
        waiting = Waiting()
        for row in self._database.read(_Q["backlog_of_each"], parameters):
            waiting.runs += row["count"]
            waiting.of_units[row["unit"]] += row["count"]
            waiting.of_agents[row["agent"]] += row["count"]
        return waiting
