"""Who calls, with what they may do and see here, and how what they see becomes an answer."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from remit.core import Clock
from remit.endpoints.idempotency import Idempotency
from remit.journal import Run
from remit.operations import Access, Actor, Page, Shown, Verbs, Views

MOST_ROWS, ROWS = 200, 50
# Longer waits are cut off by proxies.
MOST_SECONDS = 30.0
# Whoever looks again gets what is new, and nobody in between keeps it.
LOOK_AGAIN = {"cache-control": "private, no-cache"}
CLOCKED = "seconds_left"
"""What a clock changes by itself is no part of an answer; `expires` says it, too."""
_ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e]*")')

Seen = TypeVar("Seen")
Without = Any
"""Which fields are left out, as pydantic takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What the API stands on; it reaches nothing else of the cell."""

    views: Callable[[Actor], Views]
    verbs: Callable[[Actor], Verbs]
    access: Access
    settled: Callable[[str, float], Awaitable[Run]]
    """Returns a run once it is over or waits, or as it stands after so many seconds."""
    idempotency: Idempotency
    clock: Clock
    readers: Executor
    """Where views are read: they must not hold up the runs that this process drives."""
    verifying: asyncio.Lock
    """Held while the whole log is read, which one at a time is enough for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent this request."""

    request: Request
    rest: Rest
    actor: Actor

    @property
    def verbs(self) -> Verbs:
        """What they may do."""
        return self.rest.verbs(self.actor)

    async def sees(self, look: Callable[[Views], Seen]) -> Seen:
        """Returns what `look` finds in their views, read beside the event loop."""
        views = self.rest.views(self.actor)
        return await asyncio.get_running_loop().run_in_executor(self.rest.readers, look, views)

    def path(self, within: str) -> str:
        """Returns where something of this API is."""
        return f"{self.request.scope.get('root_path', '')}{within}"

    async def shown(self, look: Callable[[Views], object], *, without: Without = None) -> Response:
        """Answers with what `look` finds: with an entity tag, and a link where a listing goes on.

        `without` leaves out what a clock changes by itself: else no answer would have the same tag as the one before.
        """
        found = await self.sees(look)
        headers = dict(LOOK_AGAIN)
        if isinstance(found, Page) and found.next:  # pyright: ignore[reportUnknownMemberType]
            following = self.request.url.include_query_params(after=found.next)
            headers["link"] = f'<{following.path}?{following.query}>; rel="next"'
        return tagged(self.request, to_json(found, exclude=without), headers)


def tagged(request: Request, body: bytes, headers: Mapping[str, str], media_type: str = "application/json") -> Response:
    """Answers with a body and its entity tag, or 304 when that is what the client has."""
    tag = entity_tag(body)
    headers = {**headers, "etag": tag}
    if tag in entity_tags(request, "if-none-match") or "*" in request.headers.getlist("if-none-match"):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def entity_tag(body: bytes) -> str:
    """Returns the strong entity tag of exactly these bytes (RFC 9110 §8.8.3)."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def entity_tags(request: Request, header: str) -> list[str]:
    """Returns the entity tags a conditional header names."""
    return _ETAG.findall(", ".join(request.headers.getlist(header)))


class Done(Response):
    """What was done. `kept` is what whoever asks again under the same key is told; it holds no content."""

    media_type = "application/json"

    def __init__(self, receipt: Shown, status: int = 200, *, location: str = "", kept: Shown | None = None) -> None:
        super().__init__(to_json(receipt), status, {"location": location} if location else None)
        self.kept = to_json(kept) if kept else bytes(self.body)


def caller_of(request: Request) -> Caller:
    """Returns whoever the door let in."""
    return Caller(request, request.app.state.rest, request.state.actor)


def paging(
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")] = ROWS,
    after: Annotated[str, Query(max_length=256, description="`next` of the page before.")] = "",
) -> dict[str, Any]:
    """Returns which page is asked for, as views take it."""
    return {"limit": limit, "after": after}


CallerDep = Annotated[Caller, Depends(caller_of)]
PageDep = Annotated[dict[str, Any], Depends(paging)]
