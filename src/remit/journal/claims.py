"""Claims: a worker takes runs that can go on for itself, for as long as it needs to begin them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from remit.core import MINUTE, SECOND, Clock
from remit.journal.model import Run, run_of
from remit.store import Commit, Committed, Statement, load_queries

_Q = load_queries("remit.journal")
# A unit that was not served for so long, although it had something, counts as one more urgent, and so on up to 9.
AGEING = MINUTE
# What no limit is.
UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Places:
    """How many runs may be under way at once, over all workers; None is no limit."""

    per_agent: int | None = None
    per_unit: int | None = None
    of_agents: Mapping[str, int] = field(default_factory=dict[str, int])
    """What agents' contracts say, where it is less."""

    @property
    def are_limited(self) -> bool:
        """Whether anything is to be counted."""
        return bool(self.of_agents) or self.per_agent is not None or self.per_unit is not None


class Claims:
    """Makes the commits by which one executor claims runs, and gives back what it does not begin.

    A claim is a lease: what is not begun in time is anybody's again. The attempt itself begins with a commit of its own,
    which needs the claim; whoever only believes to have one begins nothing.
    """

    def __init__(self, clock: Clock, *, executor: str, seconds: float, places: Places) -> None:
        """Claims for `executor`, each time for `seconds`."""
        self._clock = clock
        self._executor = executor
        self._lease = int(seconds * SECOND)
        self._places = places
        self._served: dict[str, int] = {}
        """When this executor last claimed for a priority and unit; each worker has units take turns by itself."""

    def claim(self, *, room: int, unknown: Collection[str]) -> Commit:
        """Claims up to `room` runs, of other releases than the `unknown` ones; `claimed` tells which.

        The most urgent first, units in turns, within a unit the longest ready; where places are limited, what is under
        way anywhere counts.
        """
        now, places = self._clock.now(), self._places
        self._served = {unit: at for unit, at in self._served.items() if at > now - 10 * AGEING}
        parameters = {
            "executor": self._executor,
            "until": now + self._lease,
            "now": now,
            "room": room,
            "unknown": json.dumps([*unknown]),
            "limited": int(places.are_limited),
            "agent_limit": UNLIMITED if places.per_agent is None else places.per_agent,
            "unit_limit": UNLIMITED if places.per_unit is None else places.per_unit,
            "agent_limits": json.dumps(dict(places.of_agents)),
            "served": json.dumps(self._served),
            "ageing": AGEING,
        }
        claims = [Statement(_Q["begin_claims"], {}, want=None), Statement(_Q["claim"], parameters, want=None)]
        return Commit(claims, key=self._key)

    def claimed(self, result: Committed) -> list[Run]:
        """Returns the runs that a commit of `claim` has claimed, in no order."""
        rows = result.rows[1]
        now = self._clock.now()
        self._served |= {f"{row['priority']}/{row['unit']}": now for row in rows}
        return [run_of(row) for row in rows]

    def give_back(self, runs: Sequence[Run]) -> Commit:
        """Gives some claims back at once: somebody else has what these runs need."""
        executor = self._executor
        given = [Statement(_Q["give_back"], {"run": run.id, "executor": executor}, want=None) for run in runs]
        return Commit(given, key=self._key)

    def release(self) -> Commit:
        """Gives back what this executor has claimed and not begun."""
        return Commit([Statement(_Q["release_claims"], {"executor": self._executor}, want=None)], key=self._key)

    def expire(self) -> Commit:
        """Gives back what anybody has claimed and not begun in time; any number of processes may do it."""
        return Commit([Statement(_Q["expire_claims"], {"now": self._clock.now()}, want=None)])

    @property
    def _key(self) -> str:
        """One claim after the other, and what is given back after what was claimed."""
        return f"claims:{self._executor}"
