"""/runs: the listing, one run as a trajectory, each of its steps, and what people do to a run."""

from collections.abc import Awaitable, Callable
from typing import Any

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from remit.core import RemitError
from remit.operations import Actor, Permission, Refusal, RollbackShown, RunShown, StepContent, Verbs, Views
from remit.web.console import Console, Sheet, text
from remit.web.pages.rollbacks import begin_rollback, fingerprint_of, undoing_of
from remit.web.pages.steps import step_context
from remit.web.pages.trying import asked_of, nothing_tried, number, texts, tried
from remit.web.pages.window import window_of
from remit.web.timeline import attempts_of, axis_of

# Steps that are shown open from the start; a page has its limits.
MOST_OPEN = 5

Doing = Callable[[Verbs, str, FormData], Awaitable[tuple[str, str]]]
"""Does something to a run; returns which run to look at, and what to say."""


def routes(console: Console) -> list[Route]:
    """Returns the routes of runs."""
    pages = _RunPages(console)
    return [
        *console.routes("/runs", pages.listing),
        *console.routes("/runs/{run}", pages.one),
        *console.routes("/runs/{run}/steps/{step:place}", pages.step),
        Route("/-/runs/{run}/steps/{step:place}", pages.step_alone, methods=["GET"]),
        *(console.post(f"/runs/{{run}}/{name}", pages.doing(name, do)) for name, do in _DOINGS.items()),
        console.post("/runs/{run}/rollback", pages.roll_back),
    ]


class _RunPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def listing(self, request: Request) -> Sheet:
        query = asked_of(request, "state", "agent", "task", "after")
        page = self._views(request).runs.page(
            state=query["state"], agent=query["agent"], task=query["task"], after=query["after"]
        )
        return Sheet("runs.html", page, {"page": page, "query": query})

    def one(self, request: Request) -> Sheet:
        actor = self._console.actor(request)
        views = self._console.views(actor)
        run = views.runs.get(request.path_params["run"])
        axis, switch, undoing = axis_of(run), _switch(views, actor, run), undoing_of(views, run)
        context: dict[str, Any] = {
            "run": run,
            "agent": run.agent.partition("@")[0],
            "axis": axis,
            "spans": attempts_of(axis, run),
            "window": window_of(request, len(run.steps)),
            "opened": self._opened(request, views, run),
            "handed": {child.step: child for child in run.children if child.step is not None},
            "refusals": _without_step(run),
            "asked": _asked(views, actor, run),
            "cases": views.overrides.of_run(run.run) if actor.may(Permission.FLEET_APPROVALS_READ) else (),
            "others": [other for other in views.runs.page(task=run.task).rows if other.run != run.run],
            "switch": switch,
            "undoing": undoing,
            "looked_at": fingerprint_of(undoing),
            "can": _can(actor, run, is_paused=switch is not None, undoing=undoing),
            **nothing_tried(),
        }
        return Sheet("run.html", run, context)

    def step(self, request: Request) -> Sheet:
        """Shows one step on a page of its own."""
        step = self._step(request)
        return Sheet("step.html", step, step_context(step))

    async def step_alone(self, request: Request) -> Response:
        """Returns what belongs to a step, to be put into the page of its run."""
        return await self._console.beside(lambda: HTMLResponse(self._step_text(self._step(request))))

    def doing(self, name: str, do: Doing) -> Callable[[Request, FormData], Awaitable[Response]]:
        """Returns what handles a form of the run's page; what is refused is told there."""

        async def handle(request: Request, form: FormData) -> Response:
            verbs = self._console.verbs(self._console.actor(request))
            try:
                run, said = await do(verbs, request.path_params["run"], form)
            except RemitError as fault:
                return await tried(self._console, request, self.one, fault, acting=name, typed=texts(form))
            return self._console.see(request, f"/runs/{run}", said)

        return handle

    async def roll_back(self, request: Request, form: FormData) -> Response:
        """Begins a rollback of what was looked at, and shows its receipt."""
        run, actor = request.path_params["run"], self._console.actor(request)
        try:
            receipt = await begin_rollback(self._console, actor, run, text(form, "because"), text(form, "seen"))
        except RemitError as fault:
            return await tried(self._console, request, self.one, fault, acting="rollback", typed=texts(form))
        return self._console.see(request, f"/runs/{run}", "The rollback has begun.", receipt)

    # --- parts

    def _views(self, request: Request) -> Views:
        return self._console.views(self._console.actor(request))

    def _step(self, request: Request) -> StepContent:
        return self._views(request).decisions.step(request.path_params["run"], request.path_params["step"])

    def _step_text(self, step: StepContent) -> str:
        return self._console.templates.get_template("_step.html").render(step_context(step))

    def _opened(self, request: Request, views: Views, run: RunShown) -> dict[int, Markup]:
        """Returns the steps that the address names, as they are shown inside the page."""
        known = {str(step.step): step.step for step in run.steps}
        wanted = [known[text] for text in request.query_params.getlist("step") if text in known]
        steps = [views.decisions.step(run.run, step) for step in wanted[:MOST_OPEN]]
        return {step.step: Markup(self._step_text(step)) for step in steps}  # noqa: S704 - rendered by a template


def _without_step(run: RunShown) -> list[Refusal]:
    """Returns what was refused before it became a step; the rest is told at its step."""
    told = {step.decision for step in run.steps}
    return [one for one in run.refusals if one.decision not in told]


def _asked(views: Views, actor: Actor, run: RunShown) -> list[Any]:
    if not run.pending or not actor.may(Permission.FLEET_APPROVALS_READ):
        return []
    return [row for row in views.approvals.of_run(run.run) if row.state == "pending"]


def _switch(views: Views, actor: Actor, run: RunShown) -> Any:
    """Returns the run's own switch while it is pulled."""
    if not actor.may(Permission.FLEET_SWITCHES_READ):
        return None
    return next((row for row in views.switches.in_force() if row.scope == f"run:{run.run}"), None)


def _can(actor: Actor, run: RunShown, *, is_paused: bool, undoing: RollbackShown | None) -> dict[str, bool]:
    is_over = run.state in ("done", "failed", "cancelled")
    may_fork = not run.undoes and actor.may(Permission.FLEET_RUNS_FORK, run.unit)
    return {
        "pause": not is_over and not is_paused and actor.may(Permission.FLEET_SWITCHES_PULL, run.unit),
        "resume": is_paused and actor.may(Permission.FLEET_SWITCHES_RESET, run.unit),
        "cancel": not is_over and actor.may(Permission.FLEET_RUNS_CANCEL, run.unit),
        "retry": run.state in ("failed", "cancelled") and may_fork and not (undoing and undoing.again_why_not),
        "fork": may_fork,
        "rollback": undoing is not None
        and not run.undoes
        and bool(undoing.steps or undoing.left)
        and actor.may(Permission.FLEET_RUNS_ROLLBACK, run.unit),
    }


# --- what people do to a run


async def _cancel(verbs: Verbs, run: str, form: FormData) -> tuple[str, str]:
    return (await verbs.cancel(run, because=text(form, "because"))).id, "The run is cancelled."


async def _pause(verbs: Verbs, run: str, form: FormData) -> tuple[str, str]:
    receipt = await verbs.stop(f"run:{run}", because=text(form, "because"))
    return run, f"The run is paused; in force after {receipt['micros'] / 1000:.1f} ms."


async def _resume(verbs: Verbs, run: str, form: FormData) -> tuple[str, str]:
    await verbs.resume(f"run:{run}", because=text(form, "because"))
    return run, "The run goes on."


async def _retry(verbs: Verbs, run: str, form: FormData) -> tuple[str, str]:
    again = await verbs.retry(run, because=text(form, "because"))
    return again.id, f"Tried again, from step {again.forked_at} on."


async def _fork(verbs: Verbs, run: str, form: FormData) -> tuple[str, str]:
    forked = await verbs.fork(
        run,
        number(text(form, "step"), "The step"),
        effects=bool(text(form, "effects")),
        current=bool(text(form, "current")),
        because=text(form, "because"),
    )
    return forked.id, f"Forked at step {forked.forked_at}, {'with' if forked.effects else 'without'} effects."


_DOINGS: dict[str, Doing] = {
    "cancel": _cancel,
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "fork": _fork,
}
