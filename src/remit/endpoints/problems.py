"""Errors as programs read them: problem details of RFC 9457."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from remit.core import (
    BusyError,
    ConflictError,
    CrowdedError,
    InputError,
    NotFoundError,
    OwnCrowdError,
    RefusedError,
    RemitError,
)

PROBLEM = "application/problem+json"
RETRY_SECONDS = 5

# The first kind that fits counts; every other fault is ours.
_STATUSES: tuple[tuple[type[RemitError], int], ...] = (
    (OwnCrowdError, HTTPStatus.TOO_MANY_REQUESTS),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (ConflictError, HTTPStatus.CONFLICT),
    (InputError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (RefusedError, HTTPStatus.FORBIDDEN),
)


def problem(
    status: int, title: str = "", *, detail: str = "", headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """Returns a problem as an answer; without a title of its own it has the status's, and empty members are left out."""
    body = {"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status, "detail": detail}
    told = {name: value for name, value in {**body, **members}.items() if value not in ("", [], None)}
    sent = {"cache-control": "no-store", **(headers or {})}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        sent.setdefault("retry-after", str(RETRY_SECONDS))
    return Response(json.dumps(told), status, sent, PROBLEM)


def status_of(fault: RemitError) -> int:
    """Returns the status that says what kind of fault it is."""
    return next((status for kind, status in _STATUSES if isinstance(fault, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_of(fault: RemitError, *, status: int = 0, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a fault that its caller may know of, with all it says as members of its own."""
    if isinstance(fault, CrowdedError):
        headers = {"retry-after": str(fault.retry_after), **(headers or {})}
    return problem(status or status_of(fault), detail=fault.text(), headers=headers, **fault.as_json())
