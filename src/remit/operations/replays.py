"""Looking back: a run driven again from its record, under the policies it was judged by or under others."""

from dataclasses import replace
from pathlib import Path

from remit.audit import Log
from remit.contracts import Fleet, read_policies
from remit.core import NotFoundError
from remit.gateway import Parts, Release, restore_release
from remit.journal import Run
from remit.policy import Bundle
from remit.runtime import Replay, Replayed


class Replays:
    """Replays runs; nothing here changes anything."""

    def __init__(self, *, parts: Parts, log: Log, fleet: Fleet) -> None:
        self._parts = parts
        self._fleet = fleet
        self._replay = Replay(parts, log)

    async def replay(self, run_id: str, *, policies: Path | None = None) -> Replayed:
        """Drives a run again, offline. With `policies`, a folder of org policies, it says what they would have decided.

        Raises `NotFoundError` when the run, or what its release was made of, is not here; `InputError` for policies
        with mistakes.
        """
        run = self._parts.journal.run(run_id)
        release = self._release(run)
        return await self._replay.replay(run, release, instead=self._under(release, policies) if policies else None)

    def _release(self, run: Run) -> Release:
        """Returns the release the run is pinned to, or makes it again from what was kept of it."""
        if loaded := self._parts.releases.get(run.release):
            return loaded
        body = self._parts.registry.release_body(run.release)
        if body is None:
            why = "the fleet's folder has another one, and it was not kept"
            raise NotFoundError("The release this run was pinned to is not here", which=run.release, why=why)
        return restore_release(body, self._fleet, self._parts.settings, self._parts.policy)

    def _under(self, release: Release, policies: Path) -> Bundle:
        contracts = {**self._fleet.contracts, release.contract.name: release.contract}
        other = replace(self._fleet, contracts=contracts, servers=release.servers, policies=read_policies(policies))
        return self._parts.policy.bundle(other, release.contract)
