"""Views of people: who holds which roles, and who answers for what."""

from collections.abc import Iterable, Mapping

from remit.contracts import Person
from remit.operations.actors import person_actor, view
from remit.operations.permissions import PLATFORM, ROLES, Permission
from remit.operations.views.model import Shown, Viewing


class PersonShown(Shown):
    """Somebody of people.yaml."""

    id: str
    name: str
    roles: tuple[str, ...]
    units: tuple[str, ...]
    has_password: bool
    permissions: tuple[str, ...]
    owns: tuple[str, ...]
    """Agents they answer for."""
    expert_for: tuple[str, ...]
    """Agents whose edge cases and cases they sign."""
    approves_for: tuple[str, ...]
    """Agents they are asked about."""


class Responsibility(Shown):
    """Who answers for what, one line of the chart."""

    what: str
    who: tuple[str, ...]
    because: str
    """What gives it to them."""


class UnitShown(Shown):
    """One business unit and who answers for its agents."""

    unit: str
    agents: int
    responsibilities: tuple[Responsibility, ...]


class Chart(Shown):
    """Who answers for what: the platform's part, and each business unit's."""

    operating_model: str
    platform: tuple[Responsibility, ...]
    units: tuple[UnitShown, ...]


class PeopleViews(Viewing):
    """Reads people."""

    @view(Permission.CELL_PEOPLE_READ)
    def listing(self) -> list[PersonShown]:
        """Returns everybody with what they may do and answer for."""
        contracts = self._source.fleet.contracts.values()
        approvers = {contract.name: frozenset(self._approvers(contract.name)) for contract in contracts}
        return [self._person(person, approvers) for person in self._parts.people.everybody()]

    @view(Permission.FLEET_AGENTS_READ)
    def chart(self) -> Chart:
        """Returns who answers for what."""
        contracts = self._source.fleet.contracts.values()
        units = sorted({contract.terms.unit for contract in contracts})
        return Chart(
            operating_model=self._parts.settings.operating_model,
            platform=tuple(self._platform()),
            units=tuple(self._unit(unit) for unit in units),
        )

    def _person(self, person: Person, approvers: Mapping[str, frozenset[str]]) -> PersonShown:
        contracts = self._source.fleet.contracts.values()
        roles = set(person.roles)
        actor = person_actor(person, self.actor.face, owns=self._parts.people.owns(person.id))
        return PersonShown(
            id=person.id,
            name=person.name,
            roles=person.roles,
            units=person.units,
            has_password=bool(person.password),
            permissions=tuple(sorted(permission.value for permission in actor.permissions)),
            owns=tuple(c.name for c in contracts if c.terms.owner == person.id),
            expert_for=tuple(c.name for c in contracts if person.id in c.terms.experts),
            approves_for=tuple(c.name for c in contracts if roles & approvers[c.name]),
        )

    def _approvers(self, agent: str) -> tuple[str, ...]:
        terms = self._source.fleet.contracts[agent].terms
        named = [*terms.approvers, *(one.to for one in terms.escalate)]
        named += [role for use in terms.tools for rule in use.autonomy for role in rule.by]
        return tuple(dict.fromkeys(named))

    def _platform(self) -> Iterable[Responsibility]:
        team = self._holding(PLATFORM)
        servers = self._source.fleet.servers.values()
        yield Responsibility(what="org policies, guardrails, tools, identity", who=team, because=f"role {PLATFORM}")
        for role in sorted(set(ROLES) - {PLATFORM}):
            if held := self._holding(role):
                yield Responsibility(what=_DOES[role], who=held, because=f"role {role}")
        for server in servers:
            if server.owner:
                yield Responsibility(what=f"tools of {server.name}", who=(server.owner,), because=server.path)

    def _unit(self, unit: str) -> UnitShown:
        contracts = [c for c in self._source.fleet.contracts.values() if c.terms.unit == unit]
        owned, known, asked = _Agents(), _Agents(), _Agents()
        for contract in contracts:
            owned.add(contract.terms.owner, contract.name)
            for expert in contract.terms.experts:
                known.add(expert, contract.name)
            for role in self._approvers(contract.name):
                asked.add(role, contract.name)
        lines = [
            *(Responsibility(what=f"outcomes of {n}", who=(who,), because="owner") for who, n in owned.told()),
            *(Responsibility(what=f"edge cases of {n}", who=(who,), because="expert") for who, n in known.told()),
            *(
                Responsibility(what=f"questions of {n}", who=self._holding(role), because=f"role {role}")
                for role, n in asked.told()
            ),
        ]
        return UnitShown(unit=unit, agents=len(contracts), responsibilities=tuple(lines))

    def _holding(self, role: str) -> tuple[str, ...]:
        return tuple(person.id for person in self._parts.people.holding([role]))


class _Agents:
    """Agents by whoever answers for them."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, who: str, agent: str) -> None:
        self._names.setdefault(who, []).append(agent)

    def told(self) -> Iterable[tuple[str, str]]:
        """Yields each with the agents' names, the first few of them."""
        for who, names in sorted(self._names.items()):
            more = f" and {len(names) - MOST_ON_A_LINE} more" if len(names) > MOST_ON_A_LINE else ""
            yield who, ", ".join(names[:MOST_ON_A_LINE]) + more


# Of a unit's many agents, one line names these.
MOST_ON_A_LINE = 5
_DOES = {
    "viewer": "looking on",
    "operator": "runs: start, cancel, fork, stop, resume",
    "auditor": "looking back: log, content, export; changes nothing",
}
