"""/agents: the registry, the approval and end of versions, and the cases that came of overrides."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from remit.approvals import OverrideCategory
from remit.core import NotFoundError
from remit.endpoints.rest.bodies import LONGEST_TEXT, BecauseGiven, ReasonGiven
from remit.endpoints.rest.caller import CallerDep, Done, PageDep
from remit.endpoints.rest.documents import does, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import VersionReceipt
from remit.operations import (
    AgentRow,
    AgentShown,
    AgentViews,
    AuthorityShown,
    CaseRow,
    CaseShown,
    OverrideViews,
    Page,
    Verbs,
    VersionRow,
    Views,
)
from remit.registry import Lifecycle

router = APIRouter(route_class=Operation, tags=["agents"])
Filter = Annotated[str, Query(max_length=LONGEST_TEXT)]


@router.get("/agents", response_model=Page[AgentRow], **sees(AgentViews.page, paged=True))
async def list_agents(
    caller: CallerDep,
    page: PageDep,
    search: Filter = "",
    unit: Filter = "",
    lifecycle: Lifecycle | None = None,
) -> Response:
    stage = lifecycle.value if lifecycle else ""
    return await caller.shown(lambda views: views.agents.page(search=search, unit=unit, lifecycle=stage, **page))


@router.get("/agents/{agent}", response_model=AgentShown, **sees(AgentViews.get, 404))
async def get_agent(caller: CallerDep, agent: str) -> Response:
    return await caller.shown(lambda views: views.agents.get(agent))


@router.get("/agents/{agent}/authority", response_model=list[AuthorityShown], **sees(AgentViews.authority, 404))
async def get_authority(caller: CallerDep, agent: str) -> Response:
    return await caller.shown(lambda views: views.agents.authority(agent))


@router.get("/agents/{agent}/versions", response_model=list[VersionRow], **sees(AgentViews.versions, 404))
async def list_versions_of_agent(caller: CallerDep, agent: str) -> Response:
    return await caller.shown(lambda views: _versions(views, agent))


@router.get("/agents/{agent}/cases", response_model=Page[CaseRow], **sees(OverrideViews.of_agent, 404, paged=True))
async def list_cases(
    caller: CallerDep, agent: str, page: PageDep, category: OverrideCategory | None = None
) -> Response:
    only = category.value if category else ""
    return await caller.shown(lambda views: views.overrides.of_agent(agent, category=only, **page))


@router.get("/cases/{case}", response_model=CaseShown, **sees(OverrideViews.get, 404))
async def get_case(caller: CallerDep, case: str) -> Response:
    return await caller.shown(lambda views: views.overrides.get(case))


@router.get("/versions", response_model=list[VersionRow], **sees(AgentViews.versions))
async def list_versions(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.agents.versions())


@router.post(
    "/agents/{agent}/versions/{version}/approval",
    response_model=VersionReceipt,
    **does(Verbs.promote, repeatable=True),
)
async def approve_version(caller: CallerDep, agent: str, version: str, given: ReasonGiven | None = None) -> Response:
    because = given.because if given else ""
    return Done(VersionReceipt.of(await caller.verbs.promote(agent, version, because=because)))


@router.post(
    "/agents/{agent}/versions/{version}/retirement",
    response_model=VersionReceipt,
    **does(Verbs.retire, repeatable=True),
)
async def retire_version(caller: CallerDep, agent: str, version: str, given: BecauseGiven) -> Response:
    return Done(VersionReceipt.of(await caller.verbs.retire(agent, version, because=given.because)))


def _versions(views: Views, agent: str) -> list[VersionRow]:
    versions = views.agents.versions(agent)
    if not versions:
        raise NotFoundError("No such agent", which=agent)
    return versions
