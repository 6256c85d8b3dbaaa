"""Views of agents: the registry, one agent with its contract, and what its versions may do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from remit.contracts import Contract, Level, Tool, diff
from remit.core import NotFoundError
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.views.model import MOST_ROWS, PAGE_SIZE, Page, Shown, Viewing, moment, page_of
from remit.policy import authority
from remit.registry import Lifecycle, Version
from remit.store import Row, load_queries

_Q = load_queries("remit.operations.views")
MOST_UNITS = 20


class VersionRow(Shown):
    """One version of an agent."""

    agent: str
    version: str
    unit: str
    owner: str
    lifecycle: str
    release: str
    """Whether it may act: pending, approved, draining or refused."""
    approved_by: str
    seen: str
    digest: str


class AgentRow(VersionRow):
    """One agent in a listing, by the version that takes its work."""

    agent_class: str
    versions: int
    runs: Mapping[str, int]
    """How many of its runs are in each state."""


class AuthorityShown(Shown):
    """One line of an authority table."""

    tool: str
    when: str
    level: str
    by: str
    count: int
    because: str
    source: str
    effect: str = ""
    risk: str = ""


class StepPromised(Shown):
    """One step of a contract's workflow."""

    number: int
    does: str
    """A tool by name, `model`, or `handoff AGENT`."""
    when: str
    text: str


class EdgeCaseShown(Shown):
    """One row of a contract's edge cases."""

    id: str
    when: str
    then: str
    case: str


class ContractShown(Shown):
    """What a version promised."""

    agent: str
    version: str
    path: str
    digest: str
    purpose: str
    owner: str
    experts: tuple[str, ...]
    unit: str
    agent_class: str
    triggers: tuple[str, ...]
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    success: str
    priority: int
    """How urgent its tasks are unless whoever gives one says otherwise: from 0 to 9, the most urgent."""
    steps: tuple[StepPromised, ...]
    edge_cases: tuple[EdgeCaseShown, ...]
    limits: Mapping[str, str]
    models: Mapping[str, str]
    approvers: tuple[str, ...]
    never: tuple[str, ...]
    escalate: tuple[str, ...]
    handoffs: tuple[str, ...]
    evaluation: str
    slo: str
    """What it promises over some weeks, in words."""
    code: str
    instructions: str
    """The body, in Markdown."""


class ChangeShown(Shown):
    """What a version changed against the one before, in words."""

    since: str
    """The version before."""
    widens: bool
    field: str
    change: str


class SwitchOn(Shown):
    """A switch in force that stops this agent."""

    scope: str
    because: str
    by: str
    at: str


class AgentShown(AgentRow):
    """One agent."""

    contract: ContractShown | None
    """None when the text of its version is not here any more."""
    authority: tuple[AuthorityShown, ...]
    all_versions: tuple[VersionRow, ...]
    changes: tuple[ChangeShown, ...]
    stopped: tuple[SwitchOn, ...]


class AgentViews(Viewing):
    """Reads agents and their versions."""

    @view(Permission.FLEET_AGENTS_READ)
    def page(
        self, *, search: str = "", unit: str = "", lifecycle: str = "", after: str = "", limit: int = PAGE_SIZE
    ) -> Page[AgentRow]:
        """Returns agents by name, with counts by unit and lifecycle."""
        limit = min(limit, MOST_ROWS)
        parameters = {"search": search, "unit": unit, "lifecycle": lifecycle, "after": after, "limit": limit + 1}
        found = self._read("agents", parameters)
        runs = self._runs([row["agent"] for row in found])
        counts = {
            "unit": self._units(),
            "lifecycle": self._lifecycles(),
        }
        return page_of([_agent(row, runs.get(row["agent"], {})) for row in found], limit, "agent", counts)

    @view(Permission.FLEET_AGENTS_READ)
    def units(self) -> dict[str, int]:
        """Returns the units with the most agents, and how many each has."""
        return self._units()

    @view(Permission.FLEET_AGENTS_READ)
    def versions(self, agent: str = "") -> list[VersionRow]:
        """Returns every version with where it stands, of one agent or of all."""
        return [_version(version) for version in self._parts.registry.versions(agent)]

    @view(Permission.FLEET_AGENTS_READ)
    def get(self, name: str) -> AgentShown:
        """Returns one agent: its contract, authority, versions, and the switches that stop it."""
        versions = self._parts.registry.versions(name)
        if not versions:
            raise NotFoundError("No such agent", which=name, hint="`remit agents` lists them")
        taking = max(versions, key=lambda v: (v.may_begin, v.approved_at or 0, v.created_at))
        contract = self._contract(taking)
        return AgentShown(
            **_version(taking).model_dump(),
            agent_class=taking.agent_class,
            versions=len(versions),
            runs=self._runs([name]).get(name, {}),
            contract=_shown(contract) if contract else None,
            authority=tuple(self._authority(contract)) if contract else (),
            all_versions=tuple(_version(version) for version in reversed(versions)),
            changes=tuple(self._changes(taking, versions, contract)) if contract else (),
            stopped=tuple(
                SwitchOn(scope=s.scope, because=s.because, by=s.by, at=moment(s.at))
                for s in self._parts.controls.switches()
                if s.stopped and s.scope in taking.scopes
            ),
        )

    @view(Permission.FLEET_AGENTS_READ)
    def authority(self, agent: str) -> list[AuthorityShown]:
        """Returns an agent's authority table: tool or hand-off, condition, level, who answers."""
        contract = self._source.fleet.contracts.get(agent)
        if contract is None:
            known = ", ".join(sorted(self._source.fleet.contracts))
            raise NotFoundError("No such agent", which=agent, why=f"the fleet has: {known}")
        return self._authority(contract)

    def _authority(self, contract: Contract) -> list[AuthorityShown]:
        place = f"{contract.path}:{contract.lines.get('handoffs', 0)}"
        tools = authority_rows(contract, self._source.fleet.tools)
        return [*tools, *(_handoff(taker, place) for taker in contract.terms.handoffs)]

    def _contract(self, version: Version) -> Contract | None:
        if there := self._parts.releases.contract(version.release):
            return there
        release = self._parts.release(version.release)
        return release.contract if release else None

    def _changes(self, taking: Version, versions: list[Version], contract: Contract) -> list[ChangeShown]:
        earlier = [v for v in versions if v.created_at < taking.created_at and v.release != taking.release]
        before = self._contract(earlier[-1]) if earlier else None
        if before is None:
            return []
        return [
            ChangeShown(since=before.id, widens=one.widens, field=one.field, change=one.text)
            for one in diff(before, contract)
        ]

    def _read(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return self._source.database.read(_Q[name], parameters)

    def _units(self) -> dict[str, int]:
        return {row["unit"]: row["count"] for row in self._read("agent_units", {"limit": MOST_UNITS})}

    def _lifecycles(self) -> dict[str, int]:
        counts = {row["lifecycle"]: row["count"] for row in self._read("agent_lifecycles")}
        return {stage.value: counts.get(stage.value, 0) for stage in Lifecycle}

    def _runs(self, agents: list[str]) -> dict[str, dict[str, int]]:
        runs: dict[str, dict[str, int]] = {}
        for row in self._read("run_counts", {"agents": json.dumps(agents)}):
            runs.setdefault(row["agent"], {})[row["state"]] = row["count"]
        return runs


def authority_rows(contract: Contract, declared: Mapping[str, Tool], only: Sequence[str] = ()) -> list[AuthorityShown]:
    """Returns what a contract says of its tools, or of some of them, a line for each rule."""
    return [
        AuthorityShown(
            tool=row.tool,
            when=row.when or "always",
            level=row.level.value,
            by="" if row.level is Level.AUTONOMOUS else ", ".join(row.by),
            count=row.count,
            because=row.because,
            source=row.source,
            effect=declared[row.tool].effect if row.tool in declared else "",
            risk=declared[row.tool].risk.value if row.tool in declared else "",
        )
        for row in authority(contract, declared, only)
    ]


def _version(version: Version) -> VersionRow:
    return VersionRow(
        agent=version.agent,
        version=version.version,
        unit=version.unit,
        owner=version.owner,
        lifecycle=version.lifecycle.value,
        release=version.state.value,
        approved_by=version.approved_by or "",
        seen=moment(version.seen_at),
        digest=version.release,
    )


def _agent(row: Row, runs: Mapping[str, int]) -> AgentRow:
    version = Version.of(row)
    shown = _version(version).model_dump()
    return AgentRow(**shown, agent_class=version.agent_class, versions=row["versions"], runs=runs)


def _handoff(taker: str, place: str) -> AuthorityShown:
    because = "work it hands over, not authority: the taker acts under its own contract"
    level = Level.AUTONOMOUS.value
    return AuthorityShown(
        tool=f"handoff {taker}", when="always", level=level, by="", count=1, because=because, source=place
    )


def _shown(contract: Contract) -> ContractShown:
    terms = contract.terms
    plain = terms.model_dump(mode="json", include={"limits", "models"})
    return ContractShown(
        agent=terms.agent,
        version=terms.version,
        path=contract.path,
        digest=contract.digest,
        purpose=terms.purpose,
        owner=terms.owner,
        experts=terms.experts,
        unit=terms.unit,
        agent_class=terms.agent_class,
        triggers=tuple(_trigger(one) for one in terms.model_dump(mode="json", by_alias=True)["triggers"]),
        input=terms.input,
        output=terms.output,
        success=terms.success,
        priority=terms.priority,
        steps=tuple(
            StepPromised(
                number=step.number,
                does=step.tool or (f"handoff {step.agent}" if step.agent else "model"),
                when=step.when,
                text=step.text,
            )
            for step in contract.steps
        ),
        edge_cases=tuple(EdgeCaseShown(id=e.id, when=e.when, then=e.then, case=e.case) for e in contract.edge_cases),
        limits={name: str(value) for name, value in plain["limits"].items() if value is not None},
        models={name: str(value) for name, value in plain["models"].items() if value != ""},
        approvers=terms.approvers,
        never=terms.never,
        escalate=tuple(f"{one.when}: {one.to}" for one in terms.escalate),
        handoffs=terms.handoffs,
        evaluation=terms.evaluation.cases if terms.evaluation else "",
        slo=str(terms.slo or ""),
        code=terms.code or "",
        instructions=contract.instructions,
    )


def _trigger(told: Mapping[str, Any]) -> str:
    """Returns a trigger in a few words, such as `event ticket.created when category == 'refund'`."""
    givers = f"from {', '.join(told['from'])}" if told["from"] else ""
    zone = f"{told['cron']} {told['timezone']}" if told["cron"] else ""
    when = f"when {told['when']}" if told["when"] else ""
    return " ".join(part for part in (told["on"], told["name"], zone, givers, when) if part)
