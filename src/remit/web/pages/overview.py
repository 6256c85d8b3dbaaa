"""/: where things stand, what needs a person first."""

from starlette.requests import Request
from starlette.routing import Route

from remit.web.console import Console, Sheet


def routes(console: Console) -> list[Route]:
    """Returns the routes of the overview."""

    def show(request: Request) -> Sheet:
        return Sheet("overview.html", console.views(console.actor(request)).overview(), {"figures": None})

    return console.routes("/", show)
