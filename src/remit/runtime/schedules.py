"""Schedules of contracts: which there are, where each stands, and which of its times are fired or missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from remit.contracts import Contract, Trigger
from remit.core import MINUTE, iso
from remit.runtime.cron import Cron
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.runtime")
# Whoever looks for due times does so several times a minute; a time later than this was missed.
GRACE = MINUTE
# Times a `run-all` schedule makes up for at most; older ones have no taker any more.
MOST_AT_ONCE = 1_000
# Missed times that are counted; a fifth of a second's work for a week of minutes.
MOST_COUNTED = 10_000

Missed = Literal["skip", "run-once", "run-all"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of a contract; another cron line or time zone makes another schedule."""

    agent: str
    owner: str
    trigger: Trigger
    number: int = 1
    """Which it is among those of the contract that have the same times."""

    @property
    def cron(self) -> Cron:
        """When it is due."""
        return Cron(self.trigger.cron, self.trigger.timezone)

    @property
    def name(self) -> str:
        """Its name among the agent's schedules."""
        return f"{self.trigger.cron} {self.trigger.timezone}{self._suffix(' #')}"

    @property
    def input(self) -> Mapping[str, Any]:
        """What the task is given."""
        return self.trigger.input or {}

    def dedup(self, due: int) -> str:
        """Returns the key under which each due time starts one task, however many processes look."""
        return f"schedule:{self.trigger.cron}:{self.trigger.timezone}:{iso(due)}{self._suffix(':')}"

    def _suffix(self, mark: str) -> str:
        return f"{mark}{self.number}" if self.number > 1 else ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a schedule stands."""

    since: int
    last_due: int | None = None
    """The latest time that was fired, missed or given up."""
    refused: int | None = None

    @property
    def after(self) -> int:
        """Times later than this are still to come."""
        return self.since if self.last_due is None else self.last_due


def schedules_of(contract: Contract) -> list[Schedule]:
    """Returns the schedules of a contract."""
    found: list[Schedule] = []
    for trigger in contract.terms.triggers:
        if trigger.on == "schedule":
            same = [s for s in found if (s.trigger.cron, s.trigger.timezone) == (trigger.cron, trigger.timezone)]
            found.append(Schedule(contract.name, contract.terms.owner, trigger, len(same) + 1))
    return found


def split_due(rule: Missed, passed: Sequence[int], now: int) -> tuple[Sequence[int], Sequence[int]]:
    """Returns which of the times that have passed count as missed, and which are fired now, oldest first."""
    match rule:
        case "skip":
            fired = [due for due in passed if due > now - GRACE]
        case "run-once":
            fired = passed[-1:]
        case "run-all":
            fired = passed[-MOST_AT_ONCE:]
    return passed[: len(passed) - len(fired)], fired


class ScheduleTable:
    """Reads where schedules stand; its changes are statements for somebody's commit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standings(self) -> dict[tuple[str, str], Standing]:
        """Returns where each schedule stands, by agent and schedule name."""
        rows = self._database.read(_Q["schedules"])
        return {(row["agent"], row["trigger"]): Standing(row["since"], row["last_due"], row["refused"]) for row in rows}

    def add(self, schedule: Schedule, now: int) -> Statement:
        """Begins a schedule: it is due from now on."""
        return Statement(_Q["add_schedule"], {**_key(schedule), "since": now}, want=None)

    def remove(self, agent: str, name: str) -> Statement:
        """Ends a schedule that the contract no longer has; should it come back, it begins anew."""
        return Statement(_Q["remove_schedule"], {"agent": agent, "trigger": name}, want=None)

    def advance(self, schedule: Schedule, after: int, due: int) -> Statement:
        """Moves a schedule on from `after` to `due`, unless somebody else has."""
        parameters = {**_key(schedule), "after": after, "due": due}
        return Statement(_Q["advance_schedule"], parameters, refusal="another process has moved the schedule on")

    def note_refusal(self, schedule: Schedule, due: int) -> Statement:
        """Notes that the refusal of a time is on record, once."""
        return Statement(_Q["note_refusal"], {**_key(schedule), "due": due}, refusal="the refusal is on record")


def _key(schedule: Schedule) -> dict[str, str]:
    return {"agent": schedule.agent, "trigger": schedule.name}
