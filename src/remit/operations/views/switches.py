"""Views of kill switches: which are pulled, and what one would stop before anybody pulls it."""

import json
from collections.abc import Mapping

from remit.contracts import Contract
from remit.operations.actors import view
from remit.operations.permissions import Permission
from remit.operations.scopes import KINDS, MOST_NAMED, known_scope, names_of
from remit.operations.views.model import Shown, Viewing, moment
from remit.store import load_queries

_Q = load_queries("remit.operations.views")


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
            states = {} if run.state.is_over else {run.state.value: 1}
            return DryRun(
                scope=scope, stopped=pulled, versions=1, named=(f"{run.agent}@{run.version}",), **_open(states)
            )
        releases = [d for d, contract in self._parts.releases.contracts() if _uses(contract, kind, name)]
        asked = {"kind": kind, "name": name, "releases": json.dumps(releases), "limit": MOST_NAMED}
        (row,) = self._source.database.read(_Q["in_scope"], asked)
        named, states = tuple(json.loads(row["named"])), json.loads(row["states"])
        return DryRun(scope=scope, stopped=pulled, versions=row["versions"], named=named, **_open(states))

    @view(Permission.FLEET_SWITCHES_READ)
    def scopes(self, begins: str = "") -> list[str]:
        """Returns scopes that begin like this, the first of many; of runs there are too many to name."""
        kind, colon, name = begins.strip().partition(":")
        if not colon:
            return [each if each == "fleet" else f"{each}:" for each in KINDS if each.startswith(kind)]
        names = names_of(self._parts, self._source.fleet.tools, kind, name) if kind in KINDS else []
        return [f"{kind}:{each}" for each in names]


def _uses(contract: Contract, kind: str, name: str) -> bool:
    """Whether an agent could be kept from a tool or model by its switch; every agent that reasons may use any route."""
    if kind == "tool":
        return contract.tool_use(name) is not None
    route = contract.terms.models.route
    return route in ("", name) and (bool(contract.terms.code) or any(step.is_model for step in contract.steps))


def _open(states: Mapping[str, int]) -> dict[str, int]:
    return {state: states.get(state, 0) for state in ("queued", "running", "waiting")}
