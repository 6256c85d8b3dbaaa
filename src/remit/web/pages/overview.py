"""/: where things stand, what needs a person first."""

from starlette.requests import Request
from starlette.routing import Route

from remit.operations import Permission
from remit.web.console import Console, Sheet
from remit.web.pages.figures import headlines


def routes(console: Console) -> list[Route]:
    """Returns the routes of the overview."""

    def show(request: Request) -> Sheet:
        actor = console.actor(request)
        views = console.views(actor)
        figures = headlines(views) if actor.may(Permission.FLEET_FIGURES_READ) else None
        seen = views.overview()
        return Sheet("overview.html", seen, {"figures": figures, "bar": console.bar(actor, seen.questions)})

    return console.routes("/", show)
