"""The registry: every agent version, its release and where it stands in its life."""

import json
import time
from collections.abc import Collection

from remit.contracts import Contract
from remit.core import Clock, NotFoundError
from remit.registry.model import Lifecycle, Version
from remit.store import Database, Statement, load_queries

_Q = load_queries("remit.registry")
# What may act is taken for granted so long: the commit of every decision looks again. What may not is looked at afresh.
GLANCE_SECONDS = 1.0
# A version nobody has asked for since is looked at again when somebody does.
REMEMBERED_SECONDS = 2.0


class Registry:
    """Reads versions; its changes are statements for somebody's commit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._recent: dict[tuple[str, str], Version] = {}
        self._asked: dict[tuple[str, str], float] = {}
        self._looked_at = 0.0
        self._bundles: set[str] = set()

    def glance(self, agent: str, version: str) -> Version | None:
        """Returns the version, one that may act as of at most `GLANCE_SECONDS` ago: for what the commit checks again."""
        key, now = (agent, version), time.monotonic()
        if now - self._looked_at > GLANCE_SECONDS:
            self._look(now)
        known = self._recent.get(key)
        if known is None or not known.may_act:
            known = self.find(agent, version)
            if known is None:
                return None
            self._recent[key] = known
        self._asked[key] = now
        return known

    def _look(self, now: float) -> None:
        """Looks at all that was asked for lately, in one reading; the rest is forgotten."""
        self._looked_at = now
        self._asked = {key: at for key, at in self._asked.items() if now - at < REMEMBERED_SECONDS}
        found = {(each.agent, each.version): each for each in self.among({agent for agent, _ in self._asked})}
        self._recent = {key: found[key] for key in self._asked if key in found}

    def find(self, agent: str, version: str) -> Version | None:
        """Returns the version, or None."""
        row = self._database.read_one(_Q["version"], {"agent": agent, "version": version})
        return Version.of(row) if row else None

    def current(self, agent: str) -> Version:
        """Returns the version that takes new work, or raises `NotFoundError`."""
        row = self._database.read_one(_Q["current"], {"agent": agent})
        if row is None:
            others = [f"{v.version} ({v.lifecycle}, {v.state})" for v in self.versions(agent)]
            raise NotFoundError(
                "No live version of agent",
                which=agent,
                why=f"registered: {', '.join(others) or 'none'}",
                hint="Approve one with `remit promote`, or see `remit agents`",
            )
        return Version.of(row)

    def versions(self, agent: str = "") -> list[Version]:
        """Returns every version, of one agent or of all."""
        name = "versions_of" if agent else "versions"
        return [Version.of(row) for row in self._database.read(_Q[name], {"agent": agent} if agent else {})]

    def among(self, agents: Collection[str]) -> list[Version]:
        """Returns every version of some agents, in one reading."""
        if not agents:
            return []
        rows = self._database.read(_Q["versions_among"], {"agents": json.dumps(sorted(agents))})
        return [Version.of(row) for row in rows]

    def has_name(self, kind: str, name: str) -> bool:
        """Whether some version is of this unit, class or agent, or is this version (`agent@version`)."""
        return self._database.read_one(_Q["has_name"], {"kind": kind, "name": name}) is not None

    def names(self, kind: str, search: str = "", *, limit: int) -> list[str]:
        """Returns the first units, classes, agents or versions in whose name `search` stands."""
        parameters = {"kind": kind, "search": search, "limit": limit}
        return [row["name"] for row in self._database.read(_Q["names"], parameters)]

    def register(self, contract: Contract, release: str) -> list[Statement]:
        """Keeps a contract text as a version that awaits approval; a pending one takes the new text."""
        terms, known = contract.terms, self.find(contract.terms.agent, contract.terms.version)
        parameters = {
            "agent": terms.agent,
            "version": terms.version,
            "contract": contract.digest,
            "release": release,
            "unit": terms.unit,
            "class": terms.agent_class,
            "owner": terms.owner,
        }
        if known is None:
            return [Statement(_Q["register"], {**parameters, "at": self._clock.now()})]
        return [Statement(_Q["renew_release"], parameters, refusal="the version's text is approved and cannot change")]

    def keep_release(self, digest: str, body: bytes) -> Statement:
        """Keeps what a release was made of."""
        return Statement(_Q["keep_release"], {"digest": digest, "body": body}, want=None)

    def release_body(self, digest: str) -> bytes | None:
        """Returns what a release was made of, if it was kept."""
        row = self._database.read_one(_Q["release"], {"digest": digest})
        return bytes(row["body"]) if row else None

    def keep_bundle(self, digest: str, packed: bytes) -> list[Statement]:
        """Keeps what decisions are judged by; nothing to do once it is durable."""
        if digest in self._bundles:
            return []
        if self.bundle(digest) is not None:
            self._bundles.add(digest)
            return []
        return [Statement(_Q["keep_bundle"], {"digest": digest, "body": packed}, want=None)]

    def bundle(self, digest: str) -> bytes | None:
        """Returns a policy bundle as it was packed, if it was kept."""
        row = self._database.read_one(_Q["bundle"], {"digest": digest})
        return bytes(row["body"]) if row else None

    def approve(self, agent: str, version: str, release: str, by: str, *, again: bool = True) -> list[Statement]:
        """Approves exactly this release; older approved versions of the agent take no new work from now on.

        `again` lets an approved one be approved once more; without it, one of several at once does it.
        """
        key = {"agent": agent, "version": version}
        approve = {**key, "release": release, "by": by, "at": self._clock.now(), "again": int(again)}
        return [
            Statement(
                _Q["approve"],
                approve,
                refusal="another text was registered meanwhile, or the release is draining, refused or retired",
            ),
            Statement(_Q["drain_others"], key, want=None),
        ]

    def drain(self, agent: str, version: str) -> Statement:
        """Has a version take no new work; its runs go on."""
        return Statement(_Q["drain"], {"agent": agent, "version": version}, refusal="the version is not approved")

    def move(self, agent: str, version: str, lifecycle: Lifecycle) -> Statement:
        """Moves a version to another stage; a retired one stays retired."""
        parameters = {"agent": agent, "version": version, "lifecycle": lifecycle.value}
        return Statement(_Q["set_lifecycle"], parameters, refusal="the version is retired or unknown")

    def heartbeat(self, agent: str, version: str) -> Statement:
        """Notes that the version was seen at work."""
        return Statement(_Q["seen"], {"agent": agent, "version": version, "at": self._clock.now()}, want=None)

    def guard(self, agent: str, version: str, release: str) -> Statement:
        """Holds only while the release may act."""
        parameters = {"agent": agent, "version": version, "release": release}
        return Statement(_Q["guard_release"], parameters, refusal="the release may not act any more")
