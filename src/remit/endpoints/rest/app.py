"""The REST API under /api/v1: one FastAPI application, built from what it is handed."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from remit.core import Clock
from remit.endpoints.idempotency import Idempotency
from remit.endpoints.problems import problem
from remit.endpoints.rest import agents, approvals, cell, figures, log, switches, work
from remit.endpoints.rest.caller import CLOCKED, Rest
from remit.endpoints.rest.documents import PROBLEM_SCHEMA, Problem, Wrong
from remit.endpoints.rest.door import DESCRIPTION, Door
from remit.journal import Run
from remit.operations import Access, Actor, Verbs, Views, remit_version

PARTS = (cell, work, approvals, agents, switches, log, figures)
ROUTERS = tuple(part.router for part in PARTS)
PREFIX = "/api/v1"
"""Where it is mounted."""
# Threads that read views; each keeps a connection.
READERS = 4
# A request with a hundred mistakes is no request.
MOST_ERRORS = 20

ABOUT = """The control plane of a fleet of AI agents: what they did and were denied, what people are asked, and stopping them.

Show an API token: `Authorization: Bearer rmt_…` (`remit tokens create` makes one). It may do what its permissions say
and no more than its owner may now. Each operation names the permission it takes, also as `x-permission`.

- Errors are problem details (RFC 9457) that say what, which, why, and what to do.
- Listings have `limit` and `after`; `next` and the `Link` header lead on.
- What is read has an `ETag`: ask with `If-None-Match`, answer questions with `If-Match`.
- What changes something takes an `Idempotency-Key`. Operations with `x-repeatable` may be repeated without one as well.
- Times are RFC 3339 in UTC, money is text such as `0.40 EUR`, and an empty text means that there is none.
"""


class _Api(FastAPI):
    """Describes itself as it is: every operation behind a token, every refusal a problem."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _described(super().openapi())
        return self.openapi_schema


def build_rest(
    *,
    views: Callable[[Actor], Views],
    verbs: Callable[[Actor], Verbs],
    access: Access,
    settled: Callable[[str, float], Awaitable[Run]],
    idempotency: Idempotency,
    clock: Clock,
    largest: int,
) -> FastAPI:
    """Returns the application to mount at `PREFIX`.

    It sees and does only what `views` and `verbs` let somebody see and do; `settled` returns a run once it is over or
    waits, or as it stands after so many seconds. `largest` is the most bytes of a body.
    """
    api = _Api(
        title="Remit",
        version=remit_version(),
        description=ABOUT,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        openapi_url=DESCRIPTION,
        docs_url=None,  # both load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.rest = Rest(
        views=views,
        verbs=verbs,
        access=access,
        settled=settled,
        idempotency=idempotency,
        clock=clock,
        readers=ThreadPoolExecutor(READERS, thread_name_prefix="remit-rest"),
        verifying=asyncio.Lock(),
    )
    for router in ROUTERS:
        api.include_router(router)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _other)
    api.add_middleware(Door, token_actor=access.token_actor, largest=largest)
    return api


def _invalid(_: Request, fault: Exception) -> Response:
    """Answers a request whose parts do not fit, naming each that is wrong and nothing that was sent."""
    invalid = cast("RequestValidationError", fault)
    errors = [
        Wrong(where=".".join(map(str, one["loc"])), why=one["msg"]).model_dump()
        for one in invalid.errors()[:MOST_ERRORS]
    ]
    detail = "; ".join(f"{one['where']}: {one['why']}" for one in errors[:3])
    return problem(422, detail=detail, errors=errors)


def _other(request: Request, fault: Exception) -> Response:
    """Answers what the router refuses; where a method is not taken, with those that are."""
    other = cast("HTTPException", fault)
    headers = {name.lower(): value for name, value in (other.headers or {}).items()}
    if other.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = ", ".join(sorted(_methods(request)))
    detail = "" if other.detail == HTTPStatus(other.status_code).phrase else other.detail
    return problem(other.status_code, detail=detail, headers=headers)


def _methods(request: Request) -> set[str]:
    return {
        method
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """Adds what FastAPI does not know, and takes out what no answer has."""
    components = document["components"]
    schemas = components["schemas"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "rmt_…"}}
    document["security"] = [{"token": []}]
    problems = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problems.pop("$defs"), **{PROBLEM_SCHEMA: problems})
    for schema in schemas.values():
        if CLOCKED in schema.get("properties", {}):
            del schema["properties"][CLOCKED]
            schema["required"].remove(CLOCKED)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document
