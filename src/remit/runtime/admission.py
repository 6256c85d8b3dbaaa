"""Admission: new work is refused before the cell is so full that it would be late with everything.

The least urgent is refused first. What belongs to work that was admitted, such as a hand-off, and what the cell asks for
itself, such as a schedule, is never refused here.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from remit.core import CrowdedError, OwnCrowdError
from remit.gateway import Parts
from remit.journal import Waiting

# Seconds a count is taken for true; what this process admits meanwhile is added, what others admit is not.
LOOK_SECONDS = 1.0
# A count may take up to this share of the time.
MOST_SHARE = 0.05
# From which share of a bound on a priority is refused, the most urgent last.
_SHARES = ((2, 0.5), (5, 0.8), (8, 0.95))
# Nobody is sent away for longer, or asked back sooner.
LONGEST, SHORTEST = 300, 1
# Where nothing was seen to be taken up yet.
UNKNOWN = 30
# How much the latest look says of how fast work is taken up.
WEIGHT = 0.3


def share_of(priority: int) -> float:
    """Returns how much of a bound may be taken before work of this priority is refused."""
    return next((share for below, share in _SHARES if priority < below), 1.0)


@dataclass(slots=True)
class _Bound:
    """One bound, and how much of it is taken."""

    name: str
    most: int
    taken: int


class Admission:
    """Says whether new work is taken on, by counts that are a second old."""

    def __init__(self, parts: Parts, *, now: Callable[[], float] = time.monotonic) -> None:
        self._parts = parts
        self._now = now
        self._waiting = Waiting()
        self._looked_at: float | None = None
        self._next_look = 0.0
        self._rate = 0.0
        """Runs taken up in a second, by the latest looks."""

    def admit(self, *, agent: str, unit: str, priority: int) -> Callable[[], None]:
        """Counts one more run in, or raises `OwnCrowdError` (a bound of its own) or `CrowdedError` (the cell's).

        Returns what counts it out again, where it is not taken on after all.
        """
        self._look()
        limits, waiting = self._parts.settings.limits, self._waiting
        if waiting.entries >= limits.waiting_entries:
            raise CrowdedError(**_behind(limits.waiting_entries), retry_after=UNKNOWN)
        own = [
            _Bound(f"agent {agent}", limits.queued_runs_per_agent, waiting.of_agents[agent]),
            _Bound(f"unit {unit}", limits.queued_runs_per_unit, waiting.of_units[unit]),
        ]
        for bound in own:
            if bound.most and (excess := _excess(bound, priority)) > 0:
                raise OwnCrowdError(**_told(bound, priority), retry_after=self._seconds(excess))
        cell = _Bound("the cell", limits.queued_runs, waiting.runs)
        if (excess := _excess(cell, priority)) > 0:
            raise CrowdedError(**_told(cell, priority), retry_after=self._seconds(excess))
        waiting.add(unit, agent)
        return partial(waiting.add, unit, agent, -1)

    def _look(self) -> None:
        now = self._now()
        if now < self._next_look:
            return
        limits, before = self._parts.settings.limits, self._waiting.runs
        most, each = limits.queued_runs, bool(limits.queued_runs_per_unit or limits.queued_runs_per_agent)
        backlog = self._parts.journal.backlog
        self._waiting = backlog.look(self._parts.clock.now(), most=most, each=each)
        self._waiting.entries = backlog.unlogged(most=limits.waiting_entries)
        if self._looked_at is not None:
            taken_up = (before - self._waiting.runs) / (now - self._looked_at)
            self._rate += WEIGHT * (max(0.0, taken_up) - self._rate)
        self._looked_at = now
        took = self._now() - now
        self._next_look = now + max(LOOK_SECONDS, took / MOST_SHARE)

    def _seconds(self, excess: int) -> int:
        """Returns after how long so many will have been taken up, at the measured rate."""
        if self._rate <= 0:
            return UNKNOWN
        return min(LONGEST, max(SHORTEST, math.ceil(excess / self._rate)))


def _excess(bound: _Bound, priority: int) -> int:
    """Returns how many too many wait for one more of this priority."""
    return bound.taken + 1 - max(1, int(bound.most * share_of(priority)))


def _behind(most: int) -> dict[str, str]:
    return {
        "what": "The log is behind",
        "why": f"more entries wait for their place in it than there should, the bound is {most}",
        "hint": "Come back later; nothing was started. `remit doctor` says why nobody moves them",
    }


def _told(bound: _Bound, priority: int) -> dict[str, str]:
    share = share_of(priority)
    less = f"; work of priority {priority} is taken on up to {share:.0%} of that" if share < 1 else ""
    return {
        "what": "Too much work waits",
        "which": bound.name,
        "why": f"{bound.taken} runs wait, the bound is {bound.most}{less}",
        "hint": "Come back later; nothing was started",
    }
