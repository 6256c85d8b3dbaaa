"""What the OpenAPI document says of an operation besides its parameters: permission, answers, problems."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Header
from pydantic import BaseModel, ConfigDict

from remit.endpoints.problems import PROBLEM
from remit.endpoints.rest.operation import PERMISSION, PERMISSION_WHEN, REPEATABLE
from remit.operations import Permission, permission_of

PROBLEM_SCHEMA = "Problem"

_SAYS: dict[int, str] = {
    304: "It is what you have (If-None-Match)",
    400: "What was sent cannot be read",
    401: "No live token was shown",
    403: "You may not",
    404: "There is no such thing",
    408: "The body took too long",
    409: "The state of things forbids it now",
    412: "It is not what you looked at any more (If-Match)",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "It can be read and makes no sense",
    500: "Something is wrong here, not with the request",
    503: "Too busy; try again",
}
_SEEING, _DOING = (304, 401, 403, 422, 500), (400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 503)


class Wrong(BaseModel):
    """One part of a request that is wrong."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    where: str
    """Such as `body.because`."""
    why: str


class Problem(BaseModel):
    """Why something was not done: problem details of RFC 9457. What is empty is left out."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    """Under which the log has a fault that is not the caller's."""
    error: str = ""
    """The kind of fault, as in `--json`."""
    what: str = ""
    which: str = ""
    why: str = ""
    hint: str = ""
    """What to do next."""
    errors: list[Wrong] = []


def sees(
    view: Callable[..., object], *more: int, paged: bool = False, content: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Documents an operation that shows what `view` returns; `more` are answers that not every view gives."""
    headers: dict[str, Any] = {"ETag": _header("Of exactly this answer")}
    if paged:
        headers["Link"] = _header("To the next page, where there is one (RFC 8288)")
    shown = {"headers": headers, **({"content": content} if content else {})}
    told = {200: shown, **_problems((*_SEEING, *more))}
    return _operation(_says(view), permission_of(view), told, {})


def does(
    verb: Callable[..., object],
    *more: int,
    repeatable: bool = False,
    status: int = 200,
    when: Mapping[str, Callable[..., object]] | None = None,
) -> dict[str, Any]:
    """Documents an operation that does `verb`, or in a case named in `when` another one."""
    headers: dict[str, Any] = {"Idempotent-Replayed": _header("`true` when this was answered before")}
    if status == HTTPStatus.CREATED:
        headers["Location"] = _header("Where it is")
    told = {status: {"headers": headers}, **_problems((*_DOING, *more))}
    marks: dict[str, Any] = {REPEATABLE: repeatable}
    text = _says(verb)
    if when:
        marks[PERMISSION_WHEN] = {case: permission_of(other).value for case, other in when.items()}
        text += "".join(f"\n\nWhen {case}: {_says(other)}" for case, other in when.items())
    documented = _operation(text, permission_of(verb), told, marks)
    return {**documented, "status_code": status, "dependencies": [Depends(_idempotency_key)]}


def asks(permission: Permission | None, *statuses: int, text: str) -> dict[str, Any]:
    """Documents an operation that asks for its permission inside, or for none."""
    return _operation(text, permission, _problems((401, 500, *statuses)), {})


def _operation(
    text: str, permission: Permission | None, told: Mapping[int, Any], marks: Mapping[str, Any]
) -> dict[str, Any]:
    takes = f"Takes `{permission.value}`" if permission else "Takes a live token and no permission"
    cases = [f"; when {case}, `{other}`" for case, other in marks.get(PERMISSION_WHEN, {}).items()]
    named = {PERMISSION: permission.value} if permission else {}
    return {
        "description": f"{text}\n\n{takes}{''.join(cases)}.",
        "responses": dict(told),
        "openapi_extra": {**named, **marks},
    }


def _says(carried: Callable[..., object]) -> str:
    return " ".join((carried.__doc__ or "").split())


def _problems(statuses: tuple[int, ...]) -> dict[int, dict[str, Any]]:
    content = {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{PROBLEM_SCHEMA}"}}}
    bodies = {status: {} if status == HTTPStatus.NOT_MODIFIED else {"content": content} for status in statuses}
    return {status: {"description": _SAYS[status], **body} for status, body in sorted(bodies.items())}


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


async def _idempotency_key(
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            max_length=257,
            description="The same key and request are done once: for a day, the answer of then is given again.",
        ),
    ] = "",
) -> None:
    """Documents the header; `Operation` reads it."""
    del key
