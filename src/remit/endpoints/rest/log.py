"""/log: the tamper-evident record, its proofs, and whether all of it holds."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, Response

from remit.core import BusyError
from remit.endpoints.rest.bodies import LONGEST_TEXT, VerificationGiven
from remit.endpoints.rest.caller import LOOK_AGAIN, Caller, CallerDep, Done, PageDep, tagged
from remit.endpoints.rest.documents import does, sees
from remit.endpoints.rest.operation import Operation
from remit.endpoints.rest.receipts import VerificationReceipt
from remit.operations import EntryShown, LogHead, LogRow, LogViews, Page

router = APIRouter(route_class=Operation, tags=["log"])
Filter = Annotated[str, Query(max_length=LONGEST_TEXT)]
Index = Annotated[int, Path(ge=0, lt=2**62)]
TEXT = "text/plain"
ZIP = "application/zip"


def _content(media_type: str, **schema: str) -> dict[str, object]:
    return {media_type: {"schema": {"type": "string", **schema}}}


@router.get("/log", response_model=LogHead, **sees(LogViews.head))
async def get_log(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.log.head())


@router.get("/log/entries", response_model=Page[LogRow], **sees(LogViews.page, paged=True))
async def list_entries(caller: CallerDep, page: PageDep, kind: Filter = "", search: Filter = "") -> Response:
    return await caller.shown(lambda views: views.log.page(kind=kind, search=search, **page))


@router.get("/log/kinds", response_model=dict[str, int], **sees(LogViews.kinds))
async def list_kinds(caller: CallerDep) -> Response:
    return await caller.shown(lambda views: views.log.kinds())


@router.get("/log/entries/{index}", response_model=EntryShown, **sees(LogViews.get, 404))
async def get_entry(caller: CallerDep, index: Index) -> Response:
    return await caller.shown(lambda views: views.log.get(index))


@router.get(
    "/log/entries/{index}/proof",
    response_class=PlainTextResponse,
    **sees(LogViews.prove, 404, 409, content=_content(TEXT)),
)
async def get_proof(caller: CallerDep, index: Index) -> Response:
    proof = await caller.sees(lambda views: views.log.prove(index))
    return tagged(caller.request, proof.encode(), LOOK_AGAIN, TEXT)


@router.post("/log/verifications", response_model=VerificationReceipt, **does(LogViews.verify, repeatable=True))
async def verify_log(caller: CallerDep, given: VerificationGiven | None = None) -> Response:
    since = given.since if given else ()
    async with _alone(caller):
        return Done(VerificationReceipt.of(await caller.sees(lambda views: views.log.verify(since=since))))


@router.get(
    "/log/archive",
    response_class=FileResponse,
    **sees(LogViews.export, 409, 503, content=_content(ZIP, format="binary")),
)
async def get_archive(caller: CallerDep) -> Response:
    folder = tempfile.TemporaryDirectory(prefix="remit-log-")
    try:
        target = FilePath(folder.name) / "log.zip"
        async with _alone(caller):
            await caller.sees(lambda views: views.log.export(target))
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(target, media_type=ZIP, filename=target.name, background=BackgroundTask(folder.cleanup))


@asynccontextmanager
async def _alone(caller: Caller) -> AsyncGenerator[None]:
    """Lets one at a time read the whole log, which may take minutes; others are told to come back."""
    if caller.rest.verifying.locked():
        raise BusyError("The whole log is being read for somebody else", hint="Try again")
    async with caller.rest.verifying:
        yield
