"""What did not work is told on the page where it was tried, with everything that was typed."""

from collections import defaultdict
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from remit.core import InputError, RemitError
from remit.web.console import Console, Show
from remit.web.errors import status_of
from remit.web.session import CSRF_FIELD


def nothing_tried() -> dict[str, Any]:
    """Returns what a page's template finds while nothing was tried on it."""
    return {"acting": "", "fault": None, "typed": defaultdict[str, str](str)}


def asked_of(request: Request, *names: str) -> dict[str, str]:
    """Returns parameters of the address; one that is missing is empty."""
    return {name: request.query_params.get(name, "").strip() for name in names}


def texts(form: FormData) -> dict[str, str]:
    """Returns every text that was typed, without the token; a field that is missing reads as empty."""
    typed = {name: value for name, value in form.items() if isinstance(value, str) and name != CSRF_FIELD}
    return defaultdict(str, typed)


def number(typed: str, what: str) -> int:
    """Returns a whole number that was typed."""
    try:
        return int(typed)
    except ValueError as error:
        raise InputError(f"{what} is no number", which=typed, hint="Give a whole number") from error


async def tried(
    console: Console, request: Request, show: Show, fault: RemitError | None, *, status: int = 0, **context: Any
) -> Response:
    """Returns the page `show` makes, with what went wrong; it does not follow the run, or typed words would go."""
    code = status or (status_of(fault) if fault else 422)

    def page() -> Response:
        sheet = show(request)
        told = {**sheet.context, "fault": fault, "here": request.url.path.rpartition("/")[0], "topics": "", **context}
        return console.page(request, sheet.template, status=code, model=sheet.model, **told)

    return await console.beside(page)
