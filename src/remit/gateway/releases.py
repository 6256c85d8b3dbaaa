"""The releases of a cell: all that there are, by digest, and compiled those that were used last.

A compiled release is some tenths of a megabyte, most of it Cedar's. With ten thousand agents each process would hold
gigabytes for agents it never drives; so a release is compiled when it is first used, which takes milliseconds, and again
when it was dropped meanwhile. What it is made of does not change: the fleet of this process, or what was kept of it.
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, replace
from threading import Lock

from remit.contracts import Contract, Fleet, Server
from remit.core import BusyError, RemitError, Settings, digest_of, remember
from remit.gateway.release import Release, compile_release, release_digest
from remit.policy import Policy

_log = logging.getLogger("remit.gateway")
# Fleets with tools files of before: releases that are brought back share what their policies stand on.
EARLIER_KEPT = 8


@dataclass(frozen=True, slots=True)
class _Source:
    """What a release is made of, and how."""

    contract: Contract
    make: Callable[[], Release]


class Releases(MutableMapping[str, Release]):
    """Every release that may be driven here. To ask whether one is there, or for its contract, compiles nothing."""

    def __init__(self, fleet: Fleet, settings: Settings, policy: Policy) -> None:
        """Knows those of the fleet's folder, which was checked before."""
        self._fleet = fleet
        self._settings = settings
        self._policy = policy
        self._lock = Lock()
        self._queue = asyncio.Lock()
        self._compiled: OrderedDict[str, Release] = OrderedDict()
        self._earlier: OrderedDict[str, Fleet] = OrderedDict()
        self._sources: dict[str, _Source] = {}
        for contract in fleet.contracts.values():
            self._sources[release_digest(contract, fleet, settings)] = _Source(contract, self._of_folder(contract))

    def contract(self, digest: str) -> Contract | None:
        """Returns the contract of a release that is there."""
        source = self._sources.get(digest)
        return source.contract if source else None

    def contracts(self) -> Iterator[tuple[str, Contract]]:
        """Yields the contract of each, with its digest."""
        for digest, source in list(self._sources.items()):
            yield digest, source.contract

    def bring_back(self, digest: str, read: Callable[[], bytes | None]) -> bool:
        """Adds one that left the folder, made of what was kept; returns whether it is still the same.

        Where tools' servers or model routes have changed since, it is another release, and is not there.
        """
        release = self.again(digest, read)
        if release is None or release.digest != digest:
            return False

        def make() -> Release:
            if (body := read()) is None:
                raise ValueError("what it was made of is gone")
            return self._restore(body)

        self._sources[digest] = _Source(release.contract, make)
        return True

    def again(self, digest: str, read: Callable[[], bytes | None]) -> Release | None:
        """Returns a release to look at, of whatever state: as it is there, or made of what was kept; None of nothing.

        Raises `RemitError` or `ValueError` where it cannot be made any more.
        """
        if (known := self.get(digest)) or (known := self._find(digest)):
            return known
        body = read()
        return None if body is None else self._keep(digest, self._restore(body))

    async def prepare(self, digest: str) -> None:
        """Has a release compiled before it is used, in a thread and one after another.

        A worker that begins with hundreds of agents would do nothing else for seconds, and not even say that it is alive.
        """
        if digest not in self._sources or self._find(digest) is not None:
            return
        async with self._queue:  # here, and not in the threads: there are few, and others need them
            if self._find(digest) is None:
                await asyncio.to_thread(self.get, digest)

    # --- the mapping

    def __getitem__(self, digest: str) -> Release:
        source = self._sources[digest]
        if (release := self._find(digest)) and release.digest == digest:
            return release
        try:
            return self._keep(digest, source.make())
        except BusyError:  # of the database, not of the release
            raise
        except (RemitError, ValueError, LookupError) as fault:
            _log.warning("the release of %s cannot be made: %s", source.contract.id, fault)
            self._sources.pop(digest, None)
            raise KeyError(digest) from fault

    def __setitem__(self, digest: str, release: Release) -> None:
        self._sources[digest] = _Source(release.contract, lambda: release)
        self._keep(digest, release)

    def __delitem__(self, digest: str) -> None:
        del self._sources[digest]
        with self._lock:
            self._compiled.pop(digest, None)

    def __contains__(self, digest: object) -> bool:
        return digest in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._sources))  # one that cannot be made leaves from another thread

    def __len__(self) -> int:
        return len(self._sources)

    # --- in memory

    def _find(self, digest: str) -> Release | None:
        with self._lock:
            if (release := self._compiled.get(digest)) is not None:
                self._compiled.move_to_end(digest)
            return release

    def _keep(self, digest: str, release: Release) -> Release:
        with self._lock:
            remember(self._compiled, digest, release, self._settings.limits.compiled_releases)
        return release

    # --- making one

    def _of_folder(self, contract: Contract) -> Callable[[], Release]:
        return lambda: self._compile(contract, self._fleet)

    def _compile(self, contract: Contract, fleet: Fleet) -> Release:
        return compile_release(contract, fleet, self._settings, self._policy.bundle(fleet, contract))

    def _restore(self, source: bytes) -> Release:
        """Makes a release of its own contract and tools, today's org policies and people."""
        kept = json.loads(source)
        contract = Contract.model_validate(kept["contract"])
        servers = {name: Server.model_validate(server) for name, server in kept["servers"].items()}
        return self._compile(contract, self._standing_on(servers))

    def _standing_on(self, servers: dict[str, Server]) -> Fleet:
        """Returns the fleet with these tools files instead of today's: the very same one for the same files."""
        changed = {name: server for name, server in servers.items() if self._fleet.servers.get(name) != server}
        if not changed:
            return self._fleet
        key = digest_of({name: server.model_dump(mode="json") for name, server in changed.items()})
        with self._lock:
            if key not in self._earlier:
                earlier = replace(self._fleet, servers={**self._fleet.servers, **changed})
                remember(self._earlier, key, earlier, EARLIER_KEPT)
            self._earlier.move_to_end(key)
            return self._earlier[key]
