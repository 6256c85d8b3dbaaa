"""Views of figures: what outcomes cost, how long they take, what is spent, each with what it means and how far it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from remit.core import DAY, NotFoundError, day_of, iso
from remit.kpis import DEFINITIONS, Definition, Figures, Period, Spending, statement
from remit.ledger import Budget
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.baselines import beside
from remit.operations.views.model import Viewing
from remit.operations.views.sheets import (
    BaselineShown,
    BeforeShown,
    BudgetShown,
    CostSheet,
    DayShown,
    DefinitionShown,
    FigureSheet,
    FigureShown,
    PartShown,
    SpenderShown,
    SpentRow,
    changed,
    duration,
    written,
)

# As many as fit on a screen.
MOST_SPENDERS = 20
MOST_BUDGETS = 50
MOST_DAYS = 366
# Of these, some are open only because the period before has passed: a comparison would say nothing.
_NEVER_COMPARED = frozenset({"tasks", "open"})
# What is said of any model, whatever it is.
_NEVER_MARKED = frozenset({"open", "live", "recorded", "simulated", "not_live"})
_WITH_PEOPLE = frozenset({"cpso", "people"})


@dataclass(frozen=True, slots=True)
class _Compared:
    """Figures, and those of the period before."""

    now: Figures
    before: Figures | None


class FigureViews(Viewing):
    """Reads figures. They are right without a roll-up, and fast with it."""

    @view(Permission.FLEET_FIGURES_READ)
    def figures(self, *, agent: str = "", unit: str = "", period: str = "7d") -> FigureSheet:
        """Returns every figure of an agent, a unit or the fleet, beside those of the period before."""
        now, kpis = self._parts.clock.now(), self._source.kpis
        asked = Period.of(period, now)
        earlier = asked.before(now)
        told = kpis.figures(agent=agent, unit=unit, since=asked.since)
        self._check_agent(agent)
        self._check_unit(unit, told)
        before = kpis.figures(agent=agent, unit=unit, since=earlier.since, until=earlier.until) if earlier else None
        return FigureSheet(
            agent=agent,
            unit=unit,
            period=period,
            since=iso(asked.since) if asked.since else "",
            until=iso(now),
            currency=self._parts.settings.currency,
            claimable=told.claimable,
            note=_note(told),
            figures=tuple(self._figure(one, _Compared(told, before)) for one in DEFINITIONS),
            baseline=self._baseline(agent, unit, told),
        )

    @view(Permission.FLEET_FIGURES_READ)
    def costs(self, *, agent: str = "", period: str = "7d") -> CostSheet:
        """Returns what an agent, or the fleet, was charged by unit, kind and source, and who was charged most."""
        kpis, since = self._source.kpis, self._since(period)
        self._check_agent(agent)
        spent = kpis.spending(agent=agent, since=since) if agent else kpis.spending_of_units(since=since)
        most = [] if agent else kpis.spenders(since=since, limit=MOST_SPENDERS)
        total = sum(each.amount for each in spent)
        return CostSheet(
            agent=agent,
            period=period,
            since=iso(since) if since else "",
            currency=self._parts.settings.currency,
            amount=self._source.money(total),
            value=total,
            priced=all(each.priced for each in spent),
            rows=tuple(self._spent(each) for each in spent),
            spenders=tuple(
                SpenderShown(agent=name, amount=self._source.money(amount), value=amount) for name, amount in most
            ),
        )

    @view(Permission.FLEET_FIGURES_READ)
    def spending(self, *, agent: str = "", period: str = "all") -> list[SpentRow]:
        """Returns what each agent was charged, by unit, kind and source: for reports, it may be long."""
        self._check_agent(agent)
        return [self._spent(each) for each in self._source.kpis.spending(agent=agent, since=self._since(period))]

    @view(Permission.FLEET_FIGURES_READ)
    def budgets(self, *, limit: int = MOST_BUDGETS) -> list[BudgetShown]:
        """Returns today's budgets of agents and units, the most used first."""
        day = day_of(self._parts.clock.now())
        return [self._budget(budget, day) for budget in self._parts.ledger.budgets_of_day(day, limit=limit)]

    @view(Permission.FLEET_FIGURES_READ)
    def days(self, *, agent: str = "", unit: str = "", days: int = 30) -> list[DayShown]:
        """Returns the latest UTC days, today included, the oldest first."""
        now = self._parts.clock.now()
        since = now - (min(max(days, 1), MOST_DAYS) - 1) * DAY
        return [
            DayShown(
                day=day_of(each.day * DAY),
                succeeded=each.succeeded,
                failed=each.failed,
                cost=self._source.money(each.cost),
                cost_value=each.cost,
                hir=each.hir,
                ttr=duration(each.ttr),
                ttr_value=each.ttr,
                claimable=each.not_live == 0,
            )
            for each in self._source.kpis.days(agent=agent, unit=unit, since=since, until=now)
        ]

    @view(Permission.FLEET_FIGURES_READ)
    def definitions(self) -> list[DefinitionShown]:
        """Returns what each figure means, and the SQL it rests on."""
        return [
            DefinitionShown(
                name=one.name,
                title=one.title,
                unit=one.unit,
                text=one.text,
                parts=one.parts,
                queries={name: statement(name) for name in one.queries},
            )
            for one in DEFINITIONS
        ]

    def _baseline(self, agent: str, unit: str, told: Figures) -> BaselineShown | None:
        """Returns the figures beside those of people, where all contracts they are of name the same ones."""
        terms = [contract.terms for contract in self._source.fleet.contracts.values()]
        mine = [one for one in terms if agent in ("", one.agent) and unit in ("", one.unit)]
        names = {one.evaluation.baseline if one.evaluation else "" for one in mine}
        name = names.pop() if len(names) == 1 else ""
        baseline = self._source.fleet.baselines.get(name)
        return beside(name, baseline, told, self._parts.settings) if baseline else None

    def _since(self, period: str) -> int:
        return Period.of(period, self._parts.clock.now()).since

    def _check_agent(self, agent: str) -> None:
        """Raises for a name nobody has: nought would look like an answer."""
        if agent and not self._parts.registry.versions(agent):
            raise NotFoundError("No such agent", which=agent, hint="`remit agents` lists them")

    def _check_unit(self, unit: str, told: Figures) -> None:
        units = {contract.terms.unit for contract in self._source.fleet.contracts.values()}
        if unit and unit not in units and not told.tasks:
            raise NotFoundError("No such unit", which=unit, why=f"the fleet has: {', '.join(sorted(units))}")

    def _figure(self, one: Definition, compared: _Compared) -> FigureShown:
        value = _value(compared.now, one.name)
        return FigureShown(
            name=one.name,
            title=one.title,
            text=self._text(one.unit, value),
            value=value,
            unit=one.unit,
            definition=one.text,
            parts=tuple(
                PartShown(name=part.name, title=part.title, text=self._text(part.unit, known), value=known)
                for part in DEFINITIONS
                if part.name in one.parts
                for known in (_value(compared.now, part.name),)
            ),
            change=self._change(one, compared),
            marks=_marks(one, compared.now),
        )

    def _change(self, one: Definition, compared: _Compared) -> BeforeShown | None:
        if compared.before is None or one.name in _NEVER_COMPARED:
            return None
        now, before = _value(compared.now, one.name), _value(compared.before, one.name)
        if now is None or before is None:
            return None
        difference = now - before
        value = (
            difference if one.unit in ("share", "score") or not difference else difference / before if before else None
        )
        return BeforeShown(
            text=changed(value, one.unit),
            value=value,
            before=self._text(one.unit, before),
            marks=_marks(one, compared.before),
        )

    def _budget(self, budget: Budget, day: str) -> BudgetShown:
        kind, _, name = budget.id.removesuffix(f":{day}").partition(":")
        return BudgetShown(
            kind=kind,
            name=name,
            day=day,
            cap="" if budget.cap is None else self._source.money(budget.cap),
            held=self._source.money(budget.held),
            spent=self._source.money(budget.spent),
            used=(budget.held + budget.spent) / budget.cap if budget.cap else None,
        )

    def _spent(self, spent: Spending) -> SpentRow:
        return SpentRow(
            agent=spent.agent,
            unit=spent.unit,
            kind=spent.kind,
            source=spent.source,
            calls=spent.calls,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            amount=self._source.money(spent.amount),
            priced=spent.priced,
            value=spent.amount,
        )

    def _text(self, unit: str, value: float | int | None) -> str:
        return written(unit, value, self._parts.settings.currency)


def _value(figures: Figures, name: str) -> float | int | None:
    return getattr(figures, name)


def _marks(one: Definition, figures: Figures) -> tuple[str, ...]:
    if one.name in _NEVER_MARKED:
        return ()
    sources: Sequence[Literal["simulated", "recorded"]] = ("simulated", "recorded")
    marks: list[str] = [source for source in sources if _value(figures, source)]
    if one.unit == "money" and figures.unpriced:
        marks.append("some prices unknown")
    if one.name in _WITH_PEOPLE:
        marks.append("people's time not counted" if figures.people is None else "minutes of people assumed")
    return tuple(marks)


def _note(figures: Figures) -> str:
    if figures.claimable:
        return ""
    kinds = " and ".join(kind for kind in ("simulated", "recorded") if _value(figures, kind))
    ended = figures.succeeded + figures.failed
    return f"{figures.not_live} of {ended} tasks used {kinds} models: no saving may be claimed from these figures."
