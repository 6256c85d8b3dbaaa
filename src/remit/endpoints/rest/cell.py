"""What belongs to the cell as a whole: where things stand, people, settings, and the caller's own account."""

from fastapi import APIRouter
from starlette.responses import Response

from remit.endpoints.rest.caller import CLOCKED, CallerDep, Done
from remit.endpoints.rest.documents import asks, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import Me, TokenShown
from remit.operations import (
    Chart,
    Overview,
    OverviewViews,
    PeopleViews,
    Permission,
    PersonShown,
    SettingRow,
    SettingViews,
    UpstreamShown,
    UpstreamViews,
)

router = APIRouter(route_class=Operation, tags=["cell"])
_ONE = {"questions": {"first": {"__all__": {CLOCKED}}}}


@router.get("/overview", response_model=Overview, **sees(OverviewViews.get))
async def get_overview(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.overview(), without=_ONE)


@router.get("/upstreams", response_model=list[UpstreamShown], **sees(UpstreamViews.listing))
async def list_upstreams(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.upstreams.listing())


@router.get("/people", response_model=list[PersonShown], **sees(PeopleViews.listing))
async def list_people(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.people.listing())


@router.get("/people/chart", response_model=Chart, **sees(PeopleViews.chart))
async def get_chart(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.people.chart())


@router.get("/settings", response_model=list[SettingRow], **sees(SettingViews.listing))
async def list_settings(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.settings.listing())


@router.get(
    "/me", response_model=Me, **asks(None, 304, 422, text="Returns whoever shows the token, with what they may do.")
)
async def get_me(caller: CallerDep) -> Response:
    return await caller.shown(lambda _: Me.of(caller.actor))


@router.get(
    "/tokens",
    response_model=list[TokenShown],
    **asks(
        Permission.ACCOUNT_TOKENS_MANAGE,
        304,
        403,
        422,
        text=f"Returns one's own tokens; with `{Permission.CELL_ACCESS_MANAGE}` everybody's. A token makes no tokens.",
    ),
)
async def list_tokens(caller: CallerDep) -> Response:
    now, access = caller.rest.clock.now(), caller.rest.access
    return await caller.shown(lambda _: [TokenShown.of(token, now) for token in access.tokens(caller.actor)])


@router.delete(
    "/tokens/{token}",
    response_model=TokenShown,
    **asks(
        Permission.ACCOUNT_TOKENS_MANAGE,
        403,
        404,
        409,
        422,
        503,
        text=f"Ends a token for good: one's own, or with `{Permission.CELL_ACCESS_MANAGE}` anybody's.",
    ),
)
async def revoke_token(caller: CallerDep, token: str) -> Response:
    revoked = await caller.rest.access.revoke_token(caller.actor, token)
    return Done(TokenShown.of(revoked, caller.rest.clock.now()))
