"""The fleet's releases: bringing the folder's contracts in, approving versions, and ending their life."""

import logging
from functools import partial

from remit.contracts import Contract, Fleet
from remit.core import ConflictError, IntegrityError, NotFoundError, RemitError
from remit.gateway import Parts, release_digest, release_source
from remit.kpis import BudgetState, ErrorBudget, Kpis
from remit.operations.promises import budget_in_words, exhausted_budget
from remit.operations.record import commit_verb, given_reason
from remit.registry import Lifecycle, ReleaseState, Version

_log = logging.getLogger("remit.operations")


class Releases:
    """Registers, approves and retires versions."""

    def __init__(self, *, parts: Parts, fleet: Fleet, kpis: Kpis) -> None:
        self._parts = parts
        self._fleet = fleet
        self._kpis = kpis
        self._frozen: dict[tuple[str, str], ConflictError] = {}
        """By agent and version."""
        self._changed: list[ConflictError] = []

    @property
    def changed(self) -> list[ConflictError]:
        """What `load` did not take as it stands in the folder, and nobody has approved since."""
        if not self._frozen:  # it is asked for with every page
            return self._changed
        versions = self._parts.registry.among({agent for agent, _ in self._frozen})
        pending = {(each.agent, each.version) for each in versions if each.state is ReleaseState.PENDING}
        return [fault for key, fault in self._frozen.items() if key in pending] + self._changed

    async def load(self, *, by: str = "the fleet's folder") -> list[Version]:
        """Registers every contract of the folder; `releases = "on-load"` approves it too. Returns what was approved now.

        An approved version whose text differs from the folder's goes on as it was approved; `changed` then names it. It
        names as well what was not approved because the agent's error budget is used up, until somebody approves it.
        """
        self._frozen = {}
        loaded = [await self._load(contract, by) for contract in self._fleet.contracts.values()]
        known = [(version, digest) for version, digest, _ in loaded if version.state is not ReleaseState.PENDING]
        self._changed = [_was_changed(version) for version, digest in known if version.release != digest]
        self._restore_releases()
        return [version for version, _, is_new in loaded if is_new]

    async def _load(self, contract: Contract, by: str) -> tuple[Version, str, bool]:
        """Returns a contract's version, the digest of its text in the folder, and whether it was approved just now."""
        digest, terms = release_digest(contract, self._fleet, self._parts.settings), contract.terms
        is_new = False
        for tries_left in (2, 1, 0):
            try:
                is_new = await self._bring_in(contract, digest, by)
            except RemitError:
                # Another process opens the same new fleet: what it has brought in is not brought in again.
                if not tries_left or self._parts.registry.find(terms.agent, terms.version) is None:
                    raise
            else:
                break
        version = self._parts.registry.find(terms.agent, terms.version)
        if version is None:
            raise IntegrityError("A version was not kept", which=contract.id)
        return version, digest, is_new

    async def _bring_in(self, contract: Contract, digest: str, by: str) -> bool:
        terms = contract.terms
        known = self._parts.registry.find(terms.agent, terms.version)
        if known and known.state is not ReleaseState.PENDING:
            return False
        if known is None or known.release != digest:
            self._parts.policy.bundle(self._fleet, contract)  # nothing is registered that Cedar would not take
            fields = {"agent": terms.agent, "version": terms.version, "contract": contract.digest, "release": digest}
            kept = self._parts.registry.keep_release(digest, release_source(contract, self._fleet))
            registered = [*self._parts.registry.register(contract, digest), kept]
            await commit_verb(self._parts, "release.registered", digest, fields, registered)
        if self._parts.settings.releases != "on-load":
            return False
        if budget := exhausted_budget(self._parts, self._kpis, terms.agent):  # only a person has a reason
            self._frozen[terms.agent, terms.version] = _freezes(budget, contract.id)
            return False
        await self._promote(terms.agent, terms.version, by=by, again=False)
        return True

    def _restore_releases(self) -> None:
        """Makes the releases of versions that left the folder but may still have runs to finish."""
        releases, registry = self._parts.releases, self._parts.registry
        for version in registry.versions():
            if not version.may_act or version.release in releases:
                continue
            try:
                releases.bring_back(version.release, partial(registry.release_body, version.release))
            except (RemitError, ValueError) as fault:
                _log.warning("the release of %s cannot be restored: %s", version.id, fault)

    async def promote(self, agent: str, version: str, *, by: str, because: str = "") -> Version:
        """Approves the registered release of a version: from now on it takes the agent's work.

        While an error budget of the agent is used up that takes a reason, and the record says both.
        """
        budget = exhausted_budget(self._parts, self._kpis, self._find(agent, version).agent)
        if budget is not None and not because.strip():
            raise _freezes(budget, f"{agent}@{version}")
        return await self._promote(agent, version, by=by, because=because, budget=budget)

    async def _promote(
        self,
        agent: str,
        version: str,
        *,
        by: str,
        because: str = "",
        again: bool = True,
        budget: ErrorBudget | None = None,
    ) -> Version:
        known = self._find(agent, version)
        if contract := self._parts.releases.contract(known.release):
            self._parts.policy.bundle(self._fleet, contract)  # org policies may have changed since it was registered
        fields = {"agent": agent, "version": version, "release": known.release, "by": by}
        fields |= {"because": because} if because else {}
        fields |= {"error_budget": BudgetState.EXHAUSTED.value, "objective": budget_in_words(budget)} if budget else {}
        statements = self._parts.registry.approve(agent, version, known.release, by, again=again)
        await commit_verb(self._parts, "release.approved", known.release, fields, statements)
        approved = self._parts.registry.find(agent, version)
        return approved or known

    async def retire(self, agent: str, version: str, *, because: str, by: str) -> Version:
        """Ends a version's life: it takes no new work from now on, and is retired once none of its runs is open.

        While some are, it is left draining; retire it again when they are over, or cancel them.
        """
        because = given_reason(because, f"{agent}@{version}", "To retire a version")
        known = self._find(agent, version)
        fields = {"agent": agent, "version": version, "release": known.release, "by": by, "because": because}
        if known.state is ReleaseState.APPROVED:
            drain = self._parts.registry.drain(agent, version)
            await commit_verb(self._parts, "release.draining", known.release, fields, [drain])
        if not self._parts.journal.has_open_runs(agent, version):
            statements = [
                self._parts.journal.guard_no_open_runs(agent, version),
                self._parts.registry.move(agent, version, Lifecycle.RETIRED),
            ]
            await commit_verb(self._parts, "release.retired", known.release, fields, statements)
        return self._find(agent, version)

    def _find(self, agent: str, version: str) -> Version:
        known = self._parts.registry.find(agent, version)
        if known is None:
            raise NotFoundError("No such version", which=f"{agent}@{version}", hint="`remit agents` lists them")
        return known


def _freezes(budget: ErrorBudget, version: str) -> ConflictError:
    return ConflictError(
        "The agent's error budget is used up, so no version of it is approved without a reason",
        which=version,
        why=budget_in_words(budget),
        hint="Mend what fails first; to approve it all the same, say why with `remit promote … --because`",
    )


def _was_changed(known: Version) -> ConflictError:
    return ConflictError(
        "An approved version was changed",
        which=known.id,
        why="its contract, its tools or its model routes differ from what was approved, which goes on",
        hint="Raise `version` in the contract to have the new text approved",
    )
