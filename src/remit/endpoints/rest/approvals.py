"""/approvals: what people are asked, and their answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from remit.approvals import ApprovalState
from remit.endpoints.rest.bodies import AnswerGiven, EscalationGiven
from remit.endpoints.rest.caller import CLOCKED, Caller, CallerDep, Done, PageDep, entity_tag, entity_tags
from remit.endpoints.rest.documents import does, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import AnswerReceipt
from remit.operations import ApprovalRow, ApprovalShown, Page, QuestionViews, Verbs

router = APIRouter(route_class=Operation, tags=["approvals"])

_ONE, _ROWS = {CLOCKED}, {"rows": {"__all__": {CLOCKED}}}


@router.get("/approvals", response_model=Page[ApprovalRow], **sees(QuestionViews.page, paged=True))
async def list_approvals(caller: CallerDep, page: PageDep, state: ApprovalState | None = None) -> Response:
    stands = state.value if state else ""
    return await caller.shown(lambda views: views.approvals.page(state=stands, **page), without=_ROWS)


@router.get("/approvals/queue", response_model=Page[ApprovalRow], **sees(QuestionViews.queue, paged=True))
async def list_open_approvals(caller: CallerDep, page: PageDep, mine: bool = False) -> Response:
    return await caller.shown(lambda views: views.approvals.queue(mine=mine, **page), without=_ROWS)


@router.get("/approvals/{approval}", response_model=ApprovalShown, **sees(QuestionViews.get, 404))
async def get_approval(caller: CallerDep, approval: str) -> Response:
    return await caller.shown(lambda views: views.approvals.get(approval), without=_ONE)


@router.post("/approvals/{approval}/answers", response_model=AnswerReceipt, **does(Verbs.answer, 412, repeatable=True))
async def answer_approval(
    caller: CallerDep,
    approval: str,
    given: AnswerGiven,
    if_match: Annotated[
        str, Header(alias="If-Match", description="The entity tag of the question as it was looked at.")
    ] = "",
) -> Response:
    seen = given.seen
    if if_match:
        looked_at = await _as_it_was_looked_at(caller, approval)
        # Whoever says "whatever it is now" has looked at nothing.
        seen = seen or ("" if if_match.strip() == "*" else looked_at.fingerprint)
    answered = await caller.verbs.answer(
        approval,
        given.answer,
        reason=given.reason,
        arguments=given.arguments,
        seen=seen,
        category=given.category,
    )
    return Done(AnswerReceipt.of(answered))


@router.post("/approvals/{approval}/escalation", response_model=AnswerReceipt, **does(Verbs.escalate))
async def escalate_approval(caller: CallerDep, approval: str, given: EscalationGiven) -> Response:
    passed_on = await caller.verbs.escalate(approval, to=given.to, reason=given.reason)
    return Done(AnswerReceipt.of(passed_on))


async def _as_it_was_looked_at(caller: Caller, approval: str) -> ApprovalShown:
    """Returns the question if it is still what the client's entity tag says, else the answer is 412."""
    shown = await caller.sees(lambda views: views.approvals.get(approval))
    body: dict[str, Any] = {"exclude": _ONE}
    tags = entity_tags(caller.request, "if-match")
    if entity_tag(to_json(shown, **body)) not in tags and caller.request.headers["if-match"].strip() != "*":
        raise HTTPException(412, "The question is not what you looked at any more; look again")
    return shown
