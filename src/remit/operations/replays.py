"""Looking back: a run driven again from its record, under the policies it was judged by or under others."""

from dataclasses import replace
from pathlib import Path

from remit.audit import Log
from remit.contracts import Fleet, OrgPolicy, read_policies
from remit.core import NotFoundError
from remit.gateway import Parts, Release
from remit.journal import Run
from remit.policy import Bundle
from remit.runtime import Replay, Replayed


class Replays:
    """Replays runs; nothing here changes anything."""

    def __init__(self, *, parts: Parts, log: Log, fleet: Fleet) -> None:
        self._parts = parts
        self._fleet = fleet
        self._replay = Replay(parts, log)
        self._bundles: dict[tuple[str, tuple[OrgPolicy, ...]], Bundle] = {}

    async def replay(self, run_id: str, *, policies: Path | None = None) -> Replayed:
        """Drives a run again, offline. With `policies`, a folder of org policies, it says what they would have decided.

        Raises `NotFoundError` when the run, or what its release was made of, is not here; `InputError` for policies
        with mistakes.
        """
        run = self._parts.journal.run(run_id)
        release = self._release(run)
        instead = self._under(release, read_policies(policies)) if policies else None
        return await self._replay.replay(run, release, instead=instead)

    def judge(self, run: Run, policies: tuple[OrgPolicy, ...]) -> Replayed:
        """Says what other org policies would have decided of a run's questions, without driving it; raises as above."""
        return self._replay.judge(run, self._under(self._release(run), policies))

    def _release(self, run: Run) -> Release:
        """Returns the release the run is pinned to, or makes it again from what was kept of it."""
        release = self._parts.release(run.release)
        if release is None:
            why = "the fleet's folder has another one, and it was not kept"
            raise NotFoundError("The release this run was pinned to is not here", which=run.release, why=why)
        return release

    def _under(self, release: Release, policies: tuple[OrgPolicy, ...]) -> Bundle:
        key = (release.digest, policies)
        if key not in self._bundles:
            contracts = {**self._fleet.contracts, release.contract.name: release.contract}
            other = replace(self._fleet, contracts=contracts, servers=release.servers, policies=policies)
            self._bundles[key] = self._parts.policy.bundle(other, release.contract)
        return self._bundles[key]
