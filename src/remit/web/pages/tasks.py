"""/tasks: business work with its outcome, and the runs that worked on it."""

from starlette.requests import Request
from starlette.routing import Route

from remit.web.console import Console, Sheet
from remit.web.pages.trying import asked_of


def routes(console: Console) -> list[Route]:
    """Returns the routes of tasks."""

    def listing(request: Request) -> Sheet:
        query = asked_of(request, "state", "agent", "after")
        views = console.views(console.actor(request))
        page = views.tasks.page(state=query["state"], agent=query["agent"], after=query["after"])
        return Sheet("tasks.html", page, {"page": page, "query": query})

    def one(request: Request) -> Sheet:
        views = console.views(console.actor(request))
        task = views.tasks.get(request.path_params["task"])
        page = views.runs.page(task=task.task)
        return Sheet("task.html", {"task": task, "runs": page}, {"task": task, "page": page})

    return [*console.routes("/tasks", listing), *console.routes("/tasks/{task}", one)]
