"""/figures, /costs, /spending, /budgets and /slos: what outcomes cost, how long they take, how many fail."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from remit.endpoints.rest.bodies import LONGEST_TEXT
from remit.endpoints.rest.caller import MOST_ROWS, ROWS, CallerDep, PageDep
from remit.endpoints.rest.documents import sees
from remit.endpoints.rest.operation import Operation
from remit.kpis import PERIODS
from remit.operations import (
    BudgetShown,
    CostSheet,
    DayShown,
    DefinitionShown,
    FigureSheet,
    FigureViews,
    Page,
    SloSheet,
    SloViews,
    SpentRow,
)

router = APIRouter(route_class=Operation, tags=["figures"])

MOST_DAYS, DAYS = 366, 30
Filter = Annotated[str, Query(max_length=LONGEST_TEXT)]
Span = Annotated[str, Query(max_length=16, description=f"One of {', '.join(PERIODS)}.")]


@router.get("/figures", response_model=FigureSheet, **sees(FigureViews.figures, 404))
async def get_figures(caller: CallerDep, agent: Filter = "", unit: Filter = "", period: Span = "7d") -> Response:
    return await caller.shown(lambda views: views.figures.figures(agent=agent, unit=unit, period=period))


@router.get("/figures/days", response_model=list[DayShown], **sees(FigureViews.days))
async def list_days(
    caller: CallerDep,
    agent: Filter = "",
    unit: Filter = "",
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = DAYS,
) -> Response:
    return await caller.shown(lambda views: views.figures.days(agent=agent, unit=unit, days=days))


@router.get("/figures/definitions", response_model=list[DefinitionShown], **sees(FigureViews.definitions))
async def list_definitions(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.figures.definitions())


@router.get("/costs", response_model=CostSheet, **sees(FigureViews.costs, 404))
async def get_costs(caller: CallerDep, agent: Filter = "", period: Span = "7d") -> Response:
    return await caller.shown(lambda views: views.figures.costs(agent=agent, period=period))


@router.get("/spending", response_model=list[SpentRow], **sees(FigureViews.spending, 404))
async def list_spending(caller: CallerDep, agent: Filter = "", period: Span = "7d") -> Response:
    return await caller.shown(lambda views: views.figures.spending(agent=agent, period=period))


@router.get("/budgets", response_model=list[BudgetShown], **sees(FigureViews.budgets))
async def list_budgets(caller: CallerDep, limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = ROWS) -> Response:
    return await caller.shown(lambda views: views.figures.budgets(limit=limit))


@router.get("/slos", response_model=Page[SloSheet], **sees(SloViews.page, paged=True))
async def list_slos(caller: CallerDep, page: PageDep) -> Response:
    return await caller.shown(lambda views: views.slo.page(**page))


@router.get("/slos/{agent}", response_model=SloSheet, **sees(SloViews.get, 404))
async def get_slo(caller: CallerDep, agent: str) -> Response:
    return await caller.shown(lambda views: views.slo.get(agent))
