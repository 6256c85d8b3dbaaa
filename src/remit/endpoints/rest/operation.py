"""How one operation is carried out: its parameters are known ones, it is done once for one key, and faults are told."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from remit.core import InputError, IntegrityError, RemitError
from remit.endpoints.idempotency import HEADER, REPLAYED, Asked, Claim, KeptAnswer, fingerprint, read_key
from remit.endpoints.problems import problem, problem_of, status_of
from remit.endpoints.rest.caller import Caller, Done, caller_of

_log = logging.getLogger("remit.endpoints")
# What an answer that is given again keeps of its headers.
_KEPT_HEADERS = ("content-type", "location")
PERMISSION = "x-permission"
"""Names the permission an operation asks for."""
PERMISSION_WHEN = "x-permission-when"
"""Names another permission, by what is asked for."""
REPEATABLE = "x-repeatable"
"""Marks an operation of which doing it again does no more than doing it once."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Operation(APIRoute):
    """One operation of the API."""

    def get_route_handler(self) -> Handler:
        """Returns what answers a request."""
        handle = super().get_route_handler()
        fields = get_flat_params(self.dependant)
        known = {field.alias for field in fields if isinstance(field.field_info, params.Query)}

        async def answer(request: Request) -> Response:
            try:
                _check_query(request, known)
                return await (handle(request) if request.method == "GET" else self._once(request, handle))
            except (HTTPException, RequestValidationError):
                raise
            except RemitError as fault:
                return told(fault)
            except Exception as fault:  # noqa: BLE001  whatever it is, no trace of it leaves the process
                return unexpected(fault)

        return answer

    async def _once(self, request: Request, handle: Handler) -> Response:
        caller, key = caller_of(request), read_key(request.headers.getlist(HEADER))
        if not key:
            return await handle(request)
        asked = Asked(
            actor=caller.actor.id,
            key=key,
            fingerprint=fingerprint(request.method, request.url.path, await request.body()),
            repeatable=bool((self.openapi_extra or {}).get(REPEATABLE)),
        )
        found = await caller.rest.idempotency.claim(asked)
        if isinstance(found, Claim):
            return await _claimed(caller, found, handle)
        if not self._asked_of() <= caller.actor.permissions:
            return await handle(request)  # of one person's tokens, one may hold less than the other
        return Response(found.body, found.status, {**found.headers, REPLAYED: "true"})

    def _asked_of(self) -> set[str]:
        said = self.openapi_extra or {}
        return {*([said[PERMISSION]] if PERMISSION in said else []), *said.get(PERMISSION_WHEN, {}).values()}


async def _claimed(caller: Caller, claim: Claim, handle: Handler) -> Response:
    """Does what the claim is for. What was not done gives its key back; after a fault of ours nobody knows."""
    keys = caller.rest.idempotency
    try:
        answer = await handle(caller.request)
    except (HTTPException, RequestValidationError):
        await keys.give_back(claim)
        raise
    except RemitError as fault:
        if status_of(fault) != 500:
            await keys.give_back(claim)
        raise
    if not isinstance(answer, Done):
        raise TypeError("an operation that changes something answers with what it has done")
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    try:
        await keys.keep(claim, KeptAnswer(answer.status_code, headers, answer.kept))
    except RemitError:
        _log.exception("what was done under an Idempotency-Key is not kept")
    return answer


def _check_query(request: Request, known: set[str]) -> None:
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        there = f"there are: {', '.join(sorted(known))}" if known else "it takes none"
        raise InputError("There is no such parameter", which=unknown[0][:80], why=there)


def told(fault: RemitError) -> Response:
    """Answers with what was refused; what is wrong inside is for the log."""
    if isinstance(fault, IntegrityError) or status_of(fault) == 500:
        return unexpected(fault)
    return problem_of(fault)


def unexpected(fault: Exception) -> Response:
    """Answers that it is our fault, with a name under which the log has it."""
    instance = f"urn:uuid:{uuid4()}"
    _log.error("a request failed: %s", instance, exc_info=fault)
    detail = "Something is wrong here, not with the request; the log has it under this instance"
    return problem(500, detail=detail, instance=instance)
