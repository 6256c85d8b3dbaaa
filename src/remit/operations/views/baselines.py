"""Figures of an agent beside those of people who do the same work, with every reason why no saving may be claimed."""

from collections.abc import Iterator

from remit.contracts import Baseline
from remit.core import InputError, Money, Settings
from remit.kpis import Figures
from remit.operations.views.sheets import BaselineShown, BesideShown, changed, written


def beside(name: str, baseline: Baseline, figures: Figures, settings: Settings) -> BaselineShown:
    """Returns an agent's figures beside those of people."""
    reasons = tuple(_reasons(baseline, figures))
    return BaselineShown(
        name=name,
        source=baseline.source,
        period=baseline.period,
        own=baseline.own,
        claimable=not reasons,
        note=f"No saving may be claimed: {'; '.join(reasons)}." if reasons else "",
        rows=tuple(_rows(baseline, figures, settings)),
    )


def _reasons(baseline: Baseline, figures: Figures) -> Iterator[str]:
    for kind in ("simulated", "recorded"):
        if getattr(figures, kind):
            yield f"{kind} models took part"
    if figures.unpriced:
        yield "some prices are not known"
    if figures.people is None:
        yield "the time of people in the agent's work is not counted"
    if not baseline.own:
        yield "people's figures are those of another organisation"


def _rows(baseline: Baseline, figures: Figures, settings: Settings) -> Iterator[BesideShown]:
    if baseline.cost_per_task is not None or (baseline.minutes is not None and settings.people_minute):
        title = "Cost per successful outcome, beside people's cost per task"
        yield _row(("cpso", title, "money"), figures.cpso, _cost(baseline, settings), settings)
    if baseline.ttr is not None:
        yield _row(("ttr", "Time to resolution", "time"), figures.ttr, baseline.ttr, settings)


def _cost(baseline: Baseline, settings: Settings) -> int | None:
    """Returns what a task costs when people do it; None without an exchange rate."""
    try:
        if baseline.cost_per_task is not None:
            return settings.in_cell(baseline.cost_per_task)
        return round(settings.in_cell(Money.parse(settings.people_minute)) * (baseline.minutes or 0))
    except InputError:
        return None


def _row(named: tuple[str, str, str], value: int | None, people: int | None, settings: Settings) -> BesideShown:
    name, title, unit = named
    difference = (value - people) / people if value is not None and people else None
    return BesideShown(
        name=name,
        title=title,
        text=written(unit, value, settings.currency),
        value=value,
        people=written(unit, people, settings.currency),
        people_value=people,
        change="" if difference is None else changed(difference, unit),
        difference=difference,
    )
