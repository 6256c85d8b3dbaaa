"""/agents: the registry, one agent with its contract and versions, and giving it a task."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core import RemitError, digest_of, new_id
from remit.operations import Actor, AgentShown, CaseRow, ContractShown, Page, Permission, SloSheet, Views
from remit.web.console import Console, Sheet, text
from remit.web.pages.figures import HEADLINES, PERIOD, TREND_DAYS, curves_of
from remit.web.pages.trying import asked_of, nothing_tried, number, texts, tried
from remit.web.schema_form import SchemaForm, read_form, show_form

# Runs and cases that an agent's page shows; the page of runs, and the command line, have the rest.
NEWEST = 8


def routes(console: Console) -> list[Route]:
    """Returns the routes of agents."""
    pages = _AgentPages(console)
    return [
        *console.routes("/agents", pages.listing),
        *console.routes("/agents/{agent}", pages.one),
        console.post("/agents/{agent}/tasks", pages.give),
        console.post("/agents/{agent}/approve", pages.approve),
        console.post("/agents/{agent}/retire", pages.retire),
    ]


class AgentPage(AgentShown):
    """One agent with what it promises, which takes another permission to see."""

    slo: SloSheet | None
    """None without the permission, or when it promises nothing."""


class _AgentPages:
    def __init__(self, console: Console) -> None:
        self._console = console

    def listing(self, request: Request) -> Sheet:
        query = asked_of(request, "search", "unit", "lifecycle", "after")
        views = self._console.views(self._console.actor(request))
        page = views.agents.page(
            search=query["search"], unit=query["unit"], lifecycle=query["lifecycle"], after=query["after"]
        )
        return Sheet("agents.html", page, {"page": page, "query": query})

    def one(self, request: Request) -> Sheet:
        actor = self._console.actor(request)
        views = self._console.views(actor)
        agent = views.agents.get(request.path_params["agent"])
        page = views.runs.page(agent=agent.agent, limit=NEWEST) if actor.may(Permission.FLEET_RUNS_READ) else None
        slo = views.slo.find(agent.agent) if actor.may(Permission.FLEET_FIGURES_READ) else None
        context: dict[str, Any] = {
            "agent": agent,
            "slo": slo,
            "frozen": slo is not None and slo.state == "exhausted",
            "contract": agent.contract,
            "rows": page.rows if page else (),
            "can": _can(actor, agent, views),
            "cases": _cases(views, actor, agent.agent),
            "figures": _figures(views, agent.agent) if actor.may(Permission.FLEET_FIGURES_READ) else None,
            "form": show_form(agent.contract.input) if agent.contract else SchemaForm(fields=()),
            "key": new_id("form"),
            **nothing_tried(),
        }
        return Sheet("agent.html", AgentPage(**dict(agent), slo=slo), context)

    async def give(self, request: Request, form: FormData) -> Response:
        """Gives the agent a task; a form that is sent twice as it is gives it once."""
        name, typed = request.path_params["agent"], texts(form)
        actor = self._console.actor(request)
        contract = self._console.views(actor).agents.get(name).contract
        schema: Mapping[str, Any] = contract.input if contract else {}
        value, filled = read_form(schema, typed)
        if value is None:
            return await tried(self._console, request, self.one, None, acting="task", typed=typed, form=filled)
        try:
            started = await self._console.verbs(actor).start(
                name,
                value,
                on_behalf_of=text(form, "on_behalf_of"),
                intent=text(form, "intent"),
                priority=_priority(text(form, "priority"), contract),
                key=f"{text(form, 'key')}:{digest_of(value)}",
            )
        except RemitError as fault:
            return await tried(self._console, request, self.one, fault, acting="task", typed=typed, form=filled)
        return self._console.see(request, f"/runs/{started.run.id}", f"{name} has the task.")

    async def approve(self, request: Request, form: FormData) -> Response:
        """Approves a version's release."""
        name, version = request.path_params["agent"], text(form, "version")
        try:
            verbs = self._console.verbs(self._console.actor(request))
            await verbs.promote(name, version, because=text(form, "because"))
        except RemitError as fault:
            return await tried(self._console, request, self.one, fault, acting="approve", typed=texts(form))
        return self._console.see(request, f"/agents/{name}", f"{name}@{version} takes the agent's work from now on.")

    async def retire(self, request: Request, form: FormData) -> Response:
        """Ends a version's life."""
        name, version = request.path_params["agent"], text(form, "version")
        try:
            verbs = self._console.verbs(self._console.actor(request))
            retired = await verbs.retire(name, version, because=text(form, "because"))
        except RemitError as fault:
            return await tried(self._console, request, self.one, fault, acting="retire", typed=texts(form))
        is_over = retired.lifecycle.value == "retired"
        said = "is retired." if is_over else "takes no new work; retire it again when its runs are over."
        return self._console.see(request, f"/agents/{name}", f"{name}@{version} {said}")


def _priority(typed: str, contract: ContractShown | None) -> int | None:
    """Returns how urgent a task is said to be, where that is something else than what the contract says."""
    said = number(typed, "The priority") if typed else None
    return None if contract and said == contract.priority else said


def _cases(views: Views, actor: Actor, agent: str) -> Page[CaseRow] | None:
    if not actor.may(Permission.FLEET_APPROVALS_READ):
        return None
    return views.overrides.page(agent=agent, limit=NEWEST)


def _figures(views: Views, agent: str) -> dict[str, Any]:
    sheet = views.figures.figures(agent=agent, period=PERIOD)
    curves = curves_of(views.figures.days(agent=agent, days=TREND_DAYS[PERIOD]))
    headlines = [sheet.figure(name) for name in HEADLINES]
    return {"note": sheet.note, "headlines": headlines, "curves": curves, "baseline": sheet.baseline}


def _can(actor: Actor, agent: AgentShown, views: Views) -> dict[str, bool]:
    """Returns what is offered; where the operating model is federated, owners release their own versions."""
    may = {
        "start": actor.may(Permission.FLEET_RUNS_START, agent.unit) and agent.release == "approved",
        "prioritize": actor.may(Permission.FLEET_TASKS_PRIORITIZE, agent.unit),
        "delegate": actor.may(Permission.FLEET_TASKS_DELEGATE, agent.unit),
        "release": actor.may(Permission.FLEET_AGENTS_RELEASE, agent.unit),
        "retire": actor.may(Permission.FLEET_AGENTS_RETIRE, agent.unit),
        "stop": actor.may(Permission.FLEET_SWITCHES_PULL, agent.unit),
    }
    owns = actor.id == agent.owner and views.people.chart().operating_model == "federated"
    return may | {"release": may["release"] or owns, "retire": may["retire"] or owns}
