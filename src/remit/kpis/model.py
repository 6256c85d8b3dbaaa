"""Key figures of a fleet: what an outcome costs, how long it takes, how often people have to touch it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from remit.core import DAY, InputError

PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "all": 0}
"""Periods people ask for, with how many UTC days they have, today included; 0 means from the beginning."""
Source = Literal["live", "recorded", "simulated"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a period. Money in micro-units, times in microseconds; None where there is nothing to count.

    They speak of the tasks that ended in the period, but for `open`: `remit.kpis.DEFINITIONS` says what each means.
    """

    tasks: int
    open: int
    succeeded: int
    failed: int
    success_rate: float | None
    cost: int
    cpso: int | None
    tool: int
    model: int
    people: int | None
    """What people's time did cost; None while `people_minute` is not set."""
    waste: int
    waste_share: float | None
    ttr: int | None
    ttr_p90: int | None
    waiting: float | None
    hir: float | None
    asked: float | None
    answers: int
    answer_time: int | None
    satisfaction: float | None
    """From 1 to 5: the mean of the last scores."""
    rated: float | None
    appeals: float | None
    person_asked: float | None
    denied: int
    unpriced: int
    """Tasks in which some price is not known: their cost is not the whole truth."""
    live: int
    recorded: int
    simulated: int
    not_live: int
    """Tasks whose model was recorded or simulated: no claim of saving may rest on them."""

    @property
    def claimable(self) -> bool:
        """Whether every model was a live one; figures that are not must be marked wherever they stand."""
        return self.not_live == 0

    def as_json(self) -> dict[str, Any]:
        """Returns the figures by name."""
        return asdict(self) | {"claimable": self.claimable}


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What a trend shows of one UTC day."""

    day: int
    """Days since 1970."""
    succeeded: int
    failed: int
    cost: int
    hir: float | None
    ttr: int | None
    not_live: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What was charged, by its home; `agent` is empty where all agents of a unit are added up."""

    agent: str
    unit: str
    kind: str
    source: str
    calls: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    amount: int

    @property
    def priced(self) -> bool:
        """Whether every price is known."""
        return self.unpriced == 0


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment to another, or to no end."""

    name: str
    since: int
    until: int | None = None

    @classmethod
    def of(cls, name: str, now: int) -> "Period":
        """Returns a period by its name: whole UTC days, the last of which is today."""
        if name not in PERIODS:
            raise InputError("There is no such period", which=name, hint=f"Write one of {', '.join(PERIODS)}")
        days = PERIODS[name]
        return cls(name, now - now % DAY - (days - 1) * DAY if days else 0)

    def before(self, now: int) -> "Period | None":
        """Returns as much time as has passed of this period, as many days earlier; None when it has no beginning."""
        days = PERIODS[self.name]
        return Period(self.name, self.since - days * DAY, now - days * DAY) if days else None


def scope_of(agent: str, unit: str) -> str:
    """Returns the scope whose sums are asked for, in the words of switches."""
    if agent and unit:
        raise InputError("Figures are of an agent or of a unit", which=f"{agent}, {unit}", hint="Name one of them")
    return f"agent:{agent}" if agent else f"unit:{unit}" if unit else "fleet"
