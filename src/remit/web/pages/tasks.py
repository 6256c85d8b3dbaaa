"""/tasks: business work with its outcome, and the runs that worked on it."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from remit.operations import Actor, HistoryRow, Page, Permission, RunRow, Views
from remit.web.console import Console, Sheet
from remit.web.differences import Difference, differences
from remit.web.pages.trying import asked_of

# Of runs that wait, so many are told what they wait for.
MOST_WAITING = 10


def routes(console: Console) -> list[Route]:
    """Returns the routes of tasks."""

    def listing(request: Request) -> Sheet:
        query = asked_of(request, "state", "agent", "after")
        views = console.views(console.actor(request))
        page = views.tasks.page(state=query["state"], agent=query["agent"], after=query["after"])
        return Sheet("tasks.html", page, {"page": page, "query": query})

    def one(request: Request) -> Sheet:
        actor = console.actor(request)
        views = console.views(actor)
        task = views.tasks.get(request.path_params["task"])
        page = views.runs.page(task=task.task)
        context: dict[str, Any] = {
            "task": task,
            "page": page,
            "changes": {row.approval: _changes(row) for row in task.history if row.approval},
            "waits": _waits(views, actor, page),
        }
        return Sheet("task.html", {"task": task, "runs": page}, context)

    return [*console.routes("/tasks", listing), *console.routes("/tasks/{task}", one)]


def _changes(row: HistoryRow) -> list[Difference]:
    """Returns what people changed of what was asked."""
    return differences(row.asked, row.decided) if row.decided is not None else []


def _waits(views: Views, actor: Actor, page: Page[RunRow]) -> list[tuple[RunRow, list[Any]]]:
    """Returns runs that wait, with the questions that are open; one that waits for another of these says nothing new."""
    waiting = {row.run: row for row in page.rows if row.state == "waiting"}
    told = [row for row in waiting.values() if row.waits_for not in waiting][:MOST_WAITING]
    if not actor.may(Permission.FLEET_APPROVALS_READ):
        return [(row, []) for row in told]
    return [(row, [one for one in views.approvals.of_run(row.run) if one.state == "pending"]) for row in told]
