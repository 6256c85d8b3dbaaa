"""An error budget: how many tasks may fail, how many have, and whether too many do now. Pure rules, no I/O.

Two ways tell that tasks fail faster than the objective allows. Burn rates (Site Reliability Workbook, chapter 5) compare
shares over two windows each; they need a thousand tasks a day, else one failure is an alarm. Evidence that fewer tasks
suffice for is an e-value: what a bet against the objective has come to (Waudby-Smith and Ramdas, 2024). While the objective
holds, it passes `1 / ALPHA` with probability `ALPHA` at most, however often anybody looks (Ville's inequality).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import exp, fsum, log, log1p
from typing import Literal

from remit.core import HOUR, MINUTE

Objective = Literal["success", "in_time"]

ALPHA = 0.01
# Stakes of the bets, evenly spaced in their logarithm: the best one is near the share that fails, mostly a small number.
STAKES = 25
_HIGHEST_STAKE = 0.98
# As far as a float goes.
_LOG_MOST = 700.0

# Windows that are counted task by task.
SHORT_WINDOWS: Mapping[str, int] = {"5 min": 5 * MINUTE, "30 min": 30 * MINUTE, "1 h": HOUR, "6 h": 6 * HOUR}
# The one that is made of UTC days, today included.
LONG_WINDOW, LONG_DAYS = "3 d", 3
# Fewer tasks in the long window than this are too few for burn rates: a thousand a day.
BUSY = 1_000 * LONG_DAYS


@dataclass(frozen=True, slots=True)
class BurnRule:
    """Tasks fail too fast when over both windows more than `factor` times as many fail as the objective allows."""

    factor: float
    long: str
    short: str
    """Its share falls soon after failures stop, so the alarm does too."""


BURN_RULES = (BurnRule(14.4, "1 h", "5 min"), BurnRule(6.0, "6 h", "30 min"), BurnRule(1.0, LONG_WINDOW, "6 h"))


class BudgetState(StrEnum):
    """How an error budget stands; the worst first."""

    EXHAUSTED = "exhausted"
    """As many tasks were bad as may be, or more."""
    BURNING = "burning"
    """Some of it is left, and tasks fail faster than the objective allows."""
    TOO_FEW = "too few to say"
    """Not even one task may fail among so few, and there is no evidence against the objective."""
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How many tasks ended, and how many of them do not meet the objective."""

    tasks: int = 0
    bad: int = 0

    def __add__(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(self.tasks + other.tasks, self.bad + other.bad)

    def burn_rate(self, allowed: float) -> float | None:
        """Returns how many times the allowed share is bad; None without tasks."""
        return self.bad / self.tasks / allowed if self.tasks else None


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """One objective of an agent over its window."""

    objective: Objective
    target: Decimal
    days: tuple[Outcomes, ...]
    """Each UTC day of the window, the oldest first, today last."""
    recent: Mapping[str, Outcomes]
    """By window of `SHORT_WINDOWS`."""
    not_live: int = 0
    """Tasks of the window whose model was recorded or simulated: no claim may rest on them."""

    @property
    def total(self) -> Outcomes:
        """All tasks of the window."""
        return sum(self.days, start=Outcomes())

    @property
    def allowed(self) -> Decimal:
        """How many of these tasks may be bad."""
        return (1 - self.target) * self.total.tasks

    @property
    def used(self) -> float | None:
        """Which part of the budget is used, more than 1 when it is overdrawn; None without tasks."""
        return float(self.total.bad / self.allowed) if self.total.tasks else None

    @property
    def e_value(self) -> float:
        """The evidence that more tasks are bad than the objective allows."""
        return e_value(self.days, self.target)

    @property
    def is_alarming(self) -> bool:
        """Whether that evidence suffices."""
        return self.e_value >= 1 / ALPHA

    @property
    def windows(self) -> Mapping[str, Outcomes]:
        """Every window that burn rates are told of, the shortest first."""
        return {**self.recent, LONG_WINDOW: sum(self.days[-LONG_DAYS:], start=Outcomes())}

    @property
    def burning(self) -> tuple[BurnRule, ...]:
        """The rules that hold, where there are tasks enough for them."""
        windows = self.windows
        if windows[LONG_WINDOW].tasks < BUSY:
            return ()
        share = float(1 - self.target)
        rates = {name: counted.burn_rate(share) or 0.0 for name, counted in windows.items()}
        return tuple(rule for rule in BURN_RULES if min(rates[rule.long], rates[rule.short]) > rule.factor)

    @property
    def state(self) -> BudgetState:
        """How it stands."""
        is_alarming = self.is_alarming
        if self.allowed < 1 and not is_alarming:
            return BudgetState.TOO_FEW
        if self.total.bad >= self.allowed:
            return BudgetState.EXHAUSTED
        return BudgetState.BURNING if is_alarming or self.burning else BudgetState.OK


def worst(budgets: Sequence[ErrorBudget]) -> BudgetState:
    """Returns how an agent stands: as the objective it misses most."""
    order = list(BudgetState)
    return min((budget.state for budget in budgets), key=order.index)


def e_value(days: Sequence[Outcomes], target: Decimal) -> float:
    """Returns what bets against the objective have come to, on average of all that begin at a day of the window.

    Those that begin early find a small excess that lasts, those that begin late a large one that is new. Each is a
    martingale while the objective holds, so their mean is one too.
    """
    if not any(day.bad for day in days):
        return 0.0
    since, values = Outcomes(), list[float]()
    for day in reversed(days):
        since += day
        values.append(exp(min(_log_of_bets(since, float(1 - target)), _LOG_MOST)))
    return fsum(values) / len(values)


def _log_of_bets(counted: Outcomes, share: float) -> float:
    """Returns the logarithm of the mean of the bets on all stakes; a bet of `g` loses `g` of itself by a good task."""
    good = counted.tasks - counted.bad
    logs = [good * log1p(-g) + counted.bad * log1p(g * (1 - share) / share) for g in _stakes(share)]
    most = max(logs)
    return most + log(fsum(exp(one - most) for one in logs) / len(logs))


def _stakes(share: float) -> list[float]:
    lowest = share / 2
    return [lowest * (_HIGHEST_STAKE / lowest) ** (i / (STAKES - 1)) for i in range(STAKES)]
