"""/: where things stand, what needs a person first."""

from starlette.requests import Request
from starlette.routing import Route

from remit.operations import Permission
from remit.web.console import Console, Sheet, is_twin
from remit.web.pages.figures import headlines


def routes(console: Console) -> list[Route]:
    """Returns the routes of the overview."""

    def show(request: Request) -> Sheet:
        actor = console.actor(request)
        views = console.views(actor)
        seen = views.overview()
        if is_twin(request):  # which has no figures
            return Sheet("overview.html", seen)
        figures = headlines(views) if actor.may(Permission.FLEET_FIGURES_READ) else None
        return Sheet("overview.html", seen, {"figures": figures, "bar": console.bar(actor, seen.questions)})

    return console.routes("/", show)
