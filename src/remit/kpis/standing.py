"""How many runs, tasks or questions are in each state: counted once, then only the days on which something has moved.

Whatever changes the state of one has an entry in the log, in the same commit, in the stream of the run, or of one of the
runs of its task. So what the log has said since tells on which days to count again, and the counts are those of now.
"""

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from remit.store import Database, load_queries

_Q = load_queries("remit.kpis")
# Looking through more entries than this takes longer than to count everything.
MOST_ENTRIES = 50_000


@dataclass(frozen=True, slots=True)
class _Kept:
    seen: int
    """How many entries of the log these counts have heard."""
    days: Mapping[int, Mapping[str, int]]
    """Of what began on a UTC day, how much is in each state."""


class StateCounts:
    """Remembers counts by the day of the beginning, some hundred small numbers a quarter."""

    def __init__(
        self, database: Database, what: Literal["runs", "tasks", "approvals"], states: tuple[str, ...]
    ) -> None:
        self._database = database
        self._what = what
        self._states = json.dumps(states)
        self._kept: _Kept | None = None
        self._turn = threading.Lock()

    def now(self) -> dict[str, int]:
        """Returns how many are in each state; states without any are left out."""
        known = self._kept
        with self._database.snapshot(), self._turn:
            (head,) = self._database.read(_Q["log_end"])
            kept = self._kept
            # While this look waited for its turn, another one has come further than it can see.
            if kept is None or kept is known or kept.seen < head["last"]:
                kept = self._kept = self._brought_on(kept, head["last"])
        counts: Counter[str] = Counter()
        for day in kept.days.values():
            counts.update(day)
        return dict(sorted(counts.items()))

    def _brought_on(self, kept: _Kept | None, last: int) -> _Kept:
        # A log that is shorter than it was belongs to another history.
        if kept is None or not 0 <= last - kept.seen <= MOST_ENTRIES:
            (span,) = self._database.read(_Q[f"span_of_{self._what}"], {"states": self._states})
            every = [] if span["first"] is None else list(range(span["first"], span["last"] + 1))
            return _Kept(last, self._counted(every))
        moved = self._database.read(_Q[f"days_of_{self._what}"], {"first": kept.seen, "last": last})
        if not moved:
            return _Kept(last, kept.days)
        days = [row["day"] for row in moved]
        rest = {day: counts for day, counts in kept.days.items() if day not in days}
        return _Kept(last, rest | self._counted(days))

    def _counted(self, listed: Sequence[int]) -> dict[int, dict[str, int]]:
        """Counts some days; those without anything are left out."""
        days: dict[int, dict[str, int]] = {}
        for row in self._database.read(
            _Q[f"{self._what}_of_days"], {"days": json.dumps(listed), "states": self._states}
        ):
            if row["count"]:
                days.setdefault(row["day"], {})[row["state"]] = row["count"]
        return days
