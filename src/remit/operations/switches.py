"""Views of kill switches: which are pulled, and what one would stop before anybody pulls it."""

from collections.abc import Iterable

from remit.contracts import Contract
from remit.controls import parse_scope
from remit.core import InputError
from remit.gateway import Parts
from remit.operations.actors import view
from remit.operations.model import Shown, Viewing, moment
from remit.operations.permissions import Permission
from remit.registry import Version
from remit.store import load_queries

_Q = load_queries("remit.operations")
# Of ten thousand agents, these are named.
MOST_NAMED = 20


class SwitchRow(Shown):
    """One switch that was ever used."""

    scope: str
    stopped: bool
    because: str
    by: str
    at: str


class DryRun(Shown):
    """What a switch would stop now."""

    scope: str
    stopped: bool
    """Whether it is pulled already."""
    versions: int
    """How many versions that may act are in the scope."""
    named: tuple[str, ...]
    """The first of them."""
    queued: int
    running: int
    waiting: int

    @property
    def runs(self) -> int:
        """Every run that is not over and would go no further."""
        return self.queued + self.running + self.waiting


class SwitchViews(Viewing):
    """Reads switches."""

    @view(Permission.FLEET_SWITCHES_READ)
    def listing(self) -> list[SwitchRow]:
        """Returns every switch ever used, those in force first."""
        rows = [
            SwitchRow(scope=s.scope, stopped=s.stopped, because=s.because, by=s.by, at=moment(s.at))
            for s in self._parts.controls.switches()
        ]
        return sorted(rows, key=lambda row: (not row.stopped, row.scope))

    @view(Permission.FLEET_SWITCHES_READ)
    def in_force(self) -> list[SwitchRow]:
        """Returns the switches that are pulled."""
        return [row for row in self.listing() if row.stopped]

    @view(Permission.FLEET_SWITCHES_READ)
    def dry_run(self, scope: str) -> DryRun:
        """Returns what a switch would stop, without pulling it. Raises `InputError` when nothing is in its scope."""
        scope = known_scope(self._parts, self._source.fleet.tools, scope)
        kind, _, name = scope.partition(":")
        pulled = any(s.stopped for s in self._parts.controls.switches() if s.scope == scope)
        if kind == "run":
            run = self._parts.journal.run(name)
            counts = {} if run.state.is_over else {(f"{run.agent}@{run.version}", run.state.value): 1}
            inside = {f"{run.agent}@{run.version}"}
        else:
            inside = {
                version.id
                for version in self._parts.registry.versions()
                if version.may_act and self._is_in(version, scope)
            }
            rows = self._source.database.read(_Q["live_counts"])
            counts = {(f"{row['agent']}@{row['version']}", row["state"]): int(row["count"]) for row in rows}
        stops = {key: count for key, count in counts.items() if key[0] in inside}
        named = tuple(sorted(inside)[:MOST_NAMED])
        return DryRun(scope=scope, stopped=pulled, versions=len(inside), named=named, **_by_state(stops))

    @view(Permission.FLEET_SWITCHES_READ)
    def scopes(self, begins: str = "") -> list[str]:
        """Returns scopes that begin like this, the first of many; of runs there are too many to name."""
        kind, colon, name = begins.strip().partition(":")
        known = _known(self._parts, self._source.fleet.tools)
        if not colon:
            return [each if each == "fleet" else f"{each}:" for each in (*known, "run") if each.startswith(kind)]
        return [f"{kind}:{each}" for each in sorted(known.get(kind, ())) if name in each][:MOST_NAMED]

    def _is_in(self, version: Version, scope: str) -> bool:
        if scope in version.scopes:
            return True
        kind, _, name = scope.partition(":")
        release = self._parts.releases.get(version.release)
        return release is not None and kind in ("tool", "model") and _uses(release.contract, kind, name)


def known_scope(parts: Parts, tools: Iterable[str], text: str) -> str:
    """Returns the scope when something is in it: a stop that stops nothing must not look like one."""
    scope = parse_scope(text)
    kind, _, name = scope.partition(":")
    if kind == "run":
        return f"run:{parts.journal.run(name).id}"
    known = _known(parts, tools)
    if name not in known[kind]:
        there = ", ".join(sorted(known[kind])[:MOST_NAMED]) or "none"
        raise InputError(f"There is no such {kind}", which=name, why=f"there are: {there}")
    return scope


def _known(parts: Parts, tools: Iterable[str]) -> dict[str, set[str]]:
    """Returns the names there are, by kind of scope; a run is asked for by itself."""
    versions = parts.registry.versions()
    return {
        "fleet": {""},
        "unit": {version.unit for version in versions},
        "class": {version.agent_class for version in versions},
        "agent": {version.agent for version in versions},
        "version": {version.id for version in versions},
        "tool": set(tools),
        "model": set(parts.models.names()),
    }


def _uses(contract: Contract, kind: str, name: str) -> bool:
    """Whether an agent could be kept from a tool or model by its switch; every agent that reasons may use any route."""
    if kind == "tool":
        return contract.tool_use(name) is not None
    route = contract.terms.models.route
    return route in ("", name) and (bool(contract.terms.code) or any(step.is_model for step in contract.steps))


def _by_state(counts: dict[tuple[str, str], int]) -> dict[str, int]:
    return {
        wanted: sum(count for (_, state), count in counts.items() if state == wanted)
        for wanted in ("queued", "running", "waiting")
    }
