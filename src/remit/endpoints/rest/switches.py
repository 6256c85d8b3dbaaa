"""/switches: what is stopped, what a stop would stop, and stopping."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from remit.endpoints.rest.bodies import LONGEST_TEXT, SwitchGiven
from remit.endpoints.rest.caller import CallerDep, Done
from remit.endpoints.rest.documents import does, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import SwitchReceipt
from remit.operations import DryRun, SwitchRow, SwitchViews, Verbs

router = APIRouter(route_class=Operation, tags=["switches"])

_FORMS = "`fleet`, or `unit:`, `class:`, `agent:`, `version:`, `tool:`, `model:` or `run:` with a name behind it."


@router.get("/switches", response_model=list[SwitchRow], **sees(SwitchViews.listing))
async def list_switches(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.switches.listing())


@router.get("/switches/scopes", response_model=list[str], **sees(SwitchViews.scopes))
async def list_scopes(caller: CallerDep, begins: Annotated[str, Query(max_length=LONGEST_TEXT)] = "") -> Response:
    return await caller.shown(lambda views: views.switches.scopes(begins))


@router.get("/switches/dry-run", response_model=DryRun, **sees(SwitchViews.dry_run, 404))
async def try_switch(
    caller: CallerDep, scope: Annotated[str, Query(max_length=LONGEST_TEXT, description=_FORMS)]
) -> Response:
    return await caller.shown(lambda views: views.switches.dry_run(scope))


@router.put(
    "/switches/{scope:path}",
    response_model=SwitchReceipt,
    **does(Verbs.stop, repeatable=True, when={"`stopped` is false": Verbs.resume}),
)
async def set_switch(
    caller: CallerDep, scope: Annotated[str, Path(max_length=LONGEST_TEXT, description=_FORMS)], given: SwitchGiven
) -> Response:
    turn = caller.verbs.stop if given.stopped else caller.verbs.resume
    return Done(SwitchReceipt.of(await turn(scope, because=given.because)))
