"""What views of figures are made of, and how figures are written for people."""

from collections.abc import Mapping

from remit.core import DAY, HOUR, MINUTE, SECOND, format_micros
from remit.operations.views.model import Shown

MILLISECOND = SECOND // 1_000


class PartShown(Shown):
    """What a figure is made of."""

    name: str
    title: str
    text: str
    value: float | int | None


class BeforeShown(Shown):
    """A figure beside that of the period before."""

    text: str
    """`+12 %`, or `+3 points` where it is a share, or `+0.3` where it is a score."""
    value: float | None
    """The difference over what it was before; of a share or score, the difference. None where it was nought before."""
    before: str
    marks: tuple[str, ...]
    """What is to be said of the figure before."""


class FigureShown(Shown):
    """One figure, with everything that has to be said about it."""

    name: str
    title: str
    text: str
    """As people read it; `–` when there is nothing to count."""
    value: float | int | None
    """Money in micro-units, times in microseconds."""
    unit: str
    """tasks, answers, actions, money, time, share or score."""
    definition: str
    parts: tuple[PartShown, ...]
    change: BeforeShown | None
    marks: tuple[str, ...]
    """Such as `simulated` or `some prices unknown`; they belong beside the figure wherever it stands."""


class BesideShown(Shown):
    """One figure of an agent beside that of people."""

    name: str
    title: str
    text: str
    """The agent's; `–` when there is nothing to count."""
    value: int | None
    """Money in micro-units, times in microseconds."""
    people: str
    people_value: int | None
    """None when it cannot be told in the cell's currency."""
    change: str
    """`−38 %`: the agent's against that of people; empty where one of them is not known."""
    difference: float | None
    """The difference over the figure of people."""


class BaselineShown(Shown):
    """Figures of an agent beside those of people."""

    name: str
    source: str
    period: str
    own: bool
    """Whether it was measured in this organisation, at this work."""
    claimable: bool
    """Whether a saving may be claimed: only live models, every price known, people's time counted, one's own baseline."""
    note: str
    """Why no saving may be claimed; empty when one may."""
    rows: tuple[BesideShown, ...]


class FigureSheet(Shown):
    """The figures of a period."""

    agent: str
    unit: str
    period: str
    since: str
    """Empty for the beginning."""
    until: str
    currency: str
    claimable: bool
    """False when a recorded or simulated model took part: no saving may be claimed then."""
    note: str
    figures: tuple[FigureShown, ...]
    baseline: BaselineShown | None = None
    """The figures beside people's: of an agent whose contract names some, of a unit or fleet whose contracts name the same."""

    def figure(self, name: str) -> FigureShown:
        """Returns one of the figures."""
        return next(figure for figure in self.figures if figure.name == name)


class SpentRow(Shown):
    """What was charged, by its home."""

    agent: str
    """Empty where all agents are added up."""
    unit: str
    kind: str
    source: str
    calls: int
    input_tokens: int
    output_tokens: int
    amount: str
    priced: bool
    """False when some price is not known: the amount is not the whole truth."""
    value: int


class SpenderShown(Shown):
    """An agent and what it was charged."""

    agent: str
    amount: str
    value: int


class CostSheet(Shown):
    """What was charged in a period, by the day it was booked."""

    agent: str
    period: str
    since: str
    currency: str
    amount: str
    value: int
    priced: bool
    rows: tuple[SpentRow, ...]
    """By unit, kind and source."""
    spenders: tuple[SpenderShown, ...]
    """The agents that were charged most, when it is of the whole fleet."""


class BudgetShown(Shown):
    """A budget of today."""

    kind: str
    """agent or unit."""
    name: str
    day: str
    cap: str
    """Empty: it is only metered."""
    held: str
    spent: str
    used: float | None
    """Held and spent over the cap."""


class DayShown(Shown):
    """One UTC day of a trend."""

    day: str
    succeeded: int
    failed: int
    cost: str
    cost_value: int
    hir: float | None
    ttr: str
    ttr_value: int | None
    claimable: bool


class DefinitionShown(Shown):
    """What a figure means."""

    name: str
    title: str
    unit: str
    text: str
    parts: tuple[str, ...]
    queries: Mapping[str, str]
    """The SQL that says what is counted of a task, by name."""


def duration(micros: int | None) -> str:
    """Returns a time as people read it, `1.5 min`; `–` for none."""
    if micros is None:
        return "–"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if micros >= unit:
            return f"{micros / unit:.1f} {name}"
    return f"{micros / SECOND:.2f} s" if micros >= SECOND else f"{micros / MILLISECOND:.0f} ms"


def share(value: float) -> str:
    """Returns a share in percent, a small one with a decimal."""
    return f"{value:.1%}" if 0 < value < 0.1 else f"{value:.0%}"


def written(unit: str, value: float | int | None, currency: str) -> str:
    """Returns a figure as people read it; `–` when there is nothing to count."""
    if value is None:
        return "–"
    match unit:
        case "money":
            return format_micros(int(value), currency)
        case "time":
            return duration(int(value))
        case "share":
            return share(value)
        case "score":
            return f"{value:.1f} of 5"
        case _:
            return str(value)


def changed(value: float | None, unit: str) -> str:
    """Returns a difference as people read it; None is one to nought, which no share can tell."""
    if value is None:
        return "from nought"
    if unit == "score":
        return f"{value:+.1f}".replace("-", "−") if round(value, 1) else "unchanged"
    hundreds = round(value * 100)
    if not hundreds:
        return "unchanged"
    if hundreds == -100 and value > -1:
        return "below −99 %"  # not all of it is gone
    return f"{hundreds:+d} {'points' if unit == 'share' else '%'}".replace("-", "−")
