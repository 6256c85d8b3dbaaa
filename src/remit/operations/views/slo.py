"""Views of service level objectives: what an agent promised, and how much of its error budget is used."""

from collections.abc import Collection, Mapping

from remit.contracts import as_percent
from remit.core import DAY, NotFoundError, iso
from remit.kpis import BudgetState, BurnRule, ErrorBudget, worst
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.promises import Promise, amount, budget_in_words, promises
from remit.operations.views.model import MOST_ROWS, PAGE_SIZE, Page, Shown, Viewing
from remit.operations.views.sheets import share

_TITLES = {"success": "Tasks that succeed", "in_time": "Tasks that end in time"}
# The states somebody has to do something about.
URGENT: Mapping[str, int] = {BudgetState.EXHAUSTED: 0, BudgetState.BURNING: 1}
# Agents that the overview looks at: more would take longer than a page may.
LOOKED_AT = 30


class BurnShown(Shown):
    """How fast an error budget was used over one window."""

    window: str
    tasks: int
    bad: int
    rate: float | None
    """How many times more tasks were bad than the objective allows; None without tasks."""


class ObjectiveShown(Shown):
    """One objective with its error budget."""

    name: str
    """success or in_time."""
    title: str
    target: str
    state: str
    """ok, burning, exhausted, or too few to say."""
    because: str
    """The state in words."""
    tasks: int
    """Tasks that ended in the window."""
    bad: int
    """Of these, those that do not meet the objective."""
    allowed: float
    """How many may be bad: the error budget."""
    allowed_text: str
    used: float | None
    """Which part of the budget is used; more than 1 when it is overdrawn, None without tasks."""
    used_text: str
    evidence: float
    """The e-value against the objective; from 100 on it is an alarm."""
    alarm: bool
    """Whether that evidence suffices."""
    windows: tuple[BurnShown, ...]


class SloSheet(Shown):
    """What an agent promises, and how it stands."""

    agent: str
    version: str
    """Whose contract promises it."""
    unit: str
    promise: str
    state: str
    """As the objective that is missed most."""
    days: int
    since: str
    until: str
    claimable: bool
    """Whether every model was a live one; what is not must be marked wherever it stands."""
    note: str
    """What is to be said of it otherwise."""
    objectives: tuple[ObjectiveShown, ...]


class SloViews(Viewing):
    """Reads objectives and error budgets."""

    @view(Permission.FLEET_FIGURES_READ)
    def page(self, *, after: str = "", limit: int = PAGE_SIZE) -> Page[SloSheet]:
        """Returns the agents that promise something by name, each with its error budgets."""
        limit = min(limit, MOST_ROWS)
        named = [agent for agent in self._promising() if agent > after][: limit + 1]
        first = self._sheets(self._promises(named[:limit]))
        # Who promises nothing any more since a newer version was approved is left out, so a page may be shorter.
        return Page(rows=tuple(first), next=named[limit - 1] if len(named) > limit else "")

    @view(Permission.FLEET_FIGURES_READ)
    def get(self, agent: str) -> SloSheet:
        """Returns what an agent promises and how its error budgets stand."""
        if not self._parts.registry.versions(agent):
            raise NotFoundError("No such agent", which=agent, hint="`remit agents` lists them")
        if (sheet := self.find(agent)) is None:
            raise NotFoundError("The agent has no slo", which=agent, hint="Write slo: into its contract and approve it")
        return sheet

    @view(Permission.FLEET_FIGURES_READ)
    def find(self, agent: str) -> SloSheet | None:
        """Returns the same; None when the agent promises nothing."""
        return next(iter(self._sheets(self._promises({agent}))), None)

    @view(Permission.FLEET_FIGURES_READ)
    def urgent(self, *, first: int) -> tuple[SloSheet, ...]:
        """Returns agents whose budget is used up or burning, of those with the most failed tasks since yesterday."""
        named = self._promising()
        failing = self._source.kpis.most_failing(named, self._parts.clock.now(), limit=LOOKED_AT) if named else []
        kept = {agent: one for agent, one in self._promises(failing).items() if not one.is_retired}
        sheets = [one for one in self._sheets(kept) if one.state in URGENT]
        return tuple(sorted(sheets, key=lambda one: (URGENT[one.state], one.agent))[:first])

    def _promising(self) -> list[str]:
        """Returns the agents of which some version here promises something."""
        return sorted({contract.name for _, contract in self._parts.releases.contracts() if contract.terms.slo})

    def _promises(self, agents: Collection[str]) -> dict[str, Promise]:
        return promises(self._parts.registry, self._parts.releases, self._parts.registry.among(agents))

    def _sheets(self, promised: Mapping[str, Promise]) -> list[SloSheet]:
        now = self._parts.clock.now()
        budgets = self._source.kpis.error_budgets({agent: one.slo for agent, one in promised.items()}, now)
        return [_sheet(promise, budgets[agent], now) for agent, promise in promised.items()]


def _sheet(promise: Promise, budgets: tuple[ErrorBudget, ...], now: int) -> SloSheet:
    version, slo = promise
    not_live, tasks = budgets[0].not_live, budgets[0].total.tasks
    note = f"{not_live} of {tasks} tasks used recorded or simulated models: no quality may be claimed from this."
    return SloSheet(
        agent=version.agent,
        version=version.version,
        unit=version.unit,
        promise=str(slo),
        state=worst(budgets),
        days=slo.days,
        since=iso((now // DAY - slo.days + 1) * DAY),
        until=iso(now),
        claimable=not not_live,
        note=note if not_live else "",
        objectives=tuple(_objective(budget) for budget in budgets),
    )


def _objective(budget: ErrorBudget) -> ObjectiveShown:
    may_be_bad = float(1 - budget.target)
    return ObjectiveShown(
        name=budget.objective,
        title=_TITLES[budget.objective],
        target=as_percent(budget.target),
        state=budget.state,
        because=_because(budget),
        tasks=budget.total.tasks,
        bad=budget.total.bad,
        allowed=float(budget.allowed),
        allowed_text=amount(float(budget.allowed)),
        used=budget.used,
        used_text="–" if budget.used is None else share(budget.used),
        evidence=budget.e_value,
        alarm=budget.is_alarming,
        windows=tuple(
            BurnShown(window=name, tasks=counted.tasks, bad=counted.bad, rate=counted.burn_rate(may_be_bad))
            for name, counted in budget.windows.items()
        ),
    )


def _because(budget: ErrorBudget) -> str:
    """Returns why a budget stands as it does."""
    match budget.state:
        case BudgetState.TOO_FEW if not budget.total.tasks:
            return "no task ended in the window"
        case BudgetState.TOO_FEW:
            return f"among so few tasks not even one may fail: {budget_in_words(budget)}"
        case BudgetState.BURNING if budget.burning:
            return "; ".join(map(_rule, budget.burning))
        case BudgetState.BURNING:
            return "lately more tasks are bad than chance explains at this objective"
        case _:
            return budget_in_words(budget)


def _rule(rule: BurnRule) -> str:
    return f"the burn rate is above {rule.factor:g} over {rule.long} and over {rule.short}"
