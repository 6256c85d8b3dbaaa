"""/figures: what outcomes cost, how long they take, how often people step in; what each is made of, and what it means."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.routing import Route

from remit.kpis import PERIODS
from remit.operations import DayShown, Views
from remit.web.console import Console, Sheet
from remit.web.sparkline import sparkline

HEADLINES = ("success_rate", "cpso", "ttr", "hir")
"""What a fleet is judged by, in this order."""
PERIOD = "7d"
# Days of a trend: a quarter fits into a small curve.
TREND_DAYS: Mapping[str, int] = {"today": 7, "7d": 7, "30d": 30, "90d": 90, "all": 90}


def routes(console: Console) -> list[Route]:
    """Returns the routes of figures."""

    def show(request: Request) -> Sheet:
        query = {name: request.query_params.get(name, "") for name in ("agent", "unit")}
        period = request.query_params.get("period", PERIOD)
        views = console.views(console.actor(request))
        sheet = views.figures.figures(**query, period=period)
        days = views.figures.days(**query, days=TREND_DAYS[period])
        definitions = views.figures.definitions()
        model = {
            "sheet": sheet,
            "days": days,
            "costs": views.figures.costs(agent=query["agent"], period=period),
            "budgets": views.figures.budgets(),
            "definitions": definitions,
            "slo": views.slo.find(query["agent"]) if query["agent"] else None,
        }
        context: dict[str, Any] = {
            **query,
            "period": period,
            "periods": list(PERIODS),
            "headlines": [sheet.figure(name) for name in HEADLINES],
            "curves": curves_of(days),
            "units": views.agents.units(),
            "statements": {name: sql for one in definitions for name, sql in one.queries.items()},
        }
        return Sheet("figures.html", model, context)

    return console.routes("/figures", show)


def headlines(views: Views) -> dict[str, Any]:
    """Returns what the overview shows of figures."""
    sheet, days = views.figures.figures(period=PERIOD), views.figures.days(days=TREND_DAYS[PERIOD])
    return {
        "sheet": sheet,
        "headlines": [sheet.figure(name) for name in HEADLINES],
        "curves": curves_of(days),
        "budgets": views.figures.budgets(limit=5),
    }


def curves_of(days: Sequence[DayShown]) -> dict[str, Markup]:
    """Returns a curve of each headline that has a value for every day."""
    span = f"{len(days)} days"
    return {
        "success_rate": sparkline([_rate(day) for day in days], label=f"Success rate, {span}", top=1.0),
        "cpso": sparkline([_cost(day) for day in days], label=f"Cost per successful outcome by charges, {span}"),
        "ttr": sparkline([day.ttr_value for day in days], label=f"Time to resolution, {span}"),
        "hir": sparkline([day.hir for day in days], label=f"Human intervention rate, {span}", top=1.0),
    }


def _rate(day: DayShown) -> float | None:
    ended = day.succeeded + day.failed
    return day.succeeded / ended if ended else None


def _cost(day: DayShown) -> float | None:
    return day.cost_value / day.succeeded if day.succeeded else None
