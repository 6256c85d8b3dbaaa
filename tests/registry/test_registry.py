"""Versions: a text is registered, approved once, and what was retired stays retired."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from remit.contracts import Contract, FrontMatter
from remit.core import NotFoundError
from remit.registry import Lifecycle, Registry, ReleaseState, Version
from remit.testing import SettableClock
from store.opened import Store, open_store

CHANGED = "another text was registered meanwhile, or the release is draining, refused or retired"
MAY_NOT = "the release may not act any more"


def contract(version: str = "1.0.0", *, digest: str = "sha256:c1", agent: str = "desk") -> Contract:
    terms = FrontMatter.model_validate(
        {
            "agent": agent,
            "version": version,
            "purpose": "To be registered.",
            "owner": "ina@acme.example",
            "experts": ["ute@acme.example"],
            "unit": "care",
            "class": "internal",
            "input": {},
            "output": {},
        }
    )
    return Contract(terms=terms, instructions="", digest=digest, path="agents/desk.agent.md")


@dataclass(frozen=True)
class Office:
    """A registry and what commits for it."""

    store: Store
    registry: Registry
    clock: SettableClock

    def approved(self, version: str, release: str = "sha256:r1", agent: str = "desk") -> Version:
        """Registers and approves a version."""
        self.store.commit(*self.registry.register(contract(version, agent=agent), release))
        self.clock.advance(1)
        self.store.commit(*self.registry.approve(agent, version, release, "mail"))
        return self.found(version, agent)

    def found(self, version: str, agent: str = "desk") -> Version:
        """The version as it is kept now."""
        found = self.registry.find(agent, version)
        assert found is not None
        return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(tmp_path) as store:
        clock = SettableClock()
        yield Office(store, Registry(store.database, clock), clock)


def test_a_registered_version_awaits_approval(office: Office) -> None:
    office.store.commit(*office.registry.register(contract(), "sha256:r1"))
    version = office.found("1.0.0")
    assert (version.id, version.contract, version.release) == ("desk@1.0.0", "sha256:c1", "sha256:r1")
    assert (version.unit, version.agent_class, version.owner) == ("care", "internal", "ina@acme.example")
    assert (version.lifecycle, version.state) == (Lifecycle.PROTOTYPE, ReleaseState.PENDING)
    assert not version.may_act
    assert not version.may_begin
    assert office.registry.find("desk", "2.0.0") is None


def test_a_version_without_approval_takes_no_work_and_the_error_names_it(office: Office) -> None:
    office.store.commit(*office.registry.register(contract(), "sha256:r1"))
    with pytest.raises(NotFoundError, match=r"1\.0\.0 \(prototype, pending\)"):
        office.registry.current("desk")
    with pytest.raises(NotFoundError, match="registered: none"):
        office.registry.current("nobody")


def test_an_approved_version_is_live(office: Office) -> None:
    version = office.approved("1.0.0")
    assert (version.lifecycle, version.state, version.approved_by) == (Lifecycle.LIVE, ReleaseState.APPROVED, "mail")
    assert version.approved_at == office.clock.now()
    assert version.may_act
    assert version.may_begin
    assert office.registry.current("desk") == version


def test_a_pending_text_may_change_and_an_approved_one_never_does(office: Office) -> None:
    office.store.commit(*office.registry.register(contract(), "sha256:r1"))
    office.store.commit(*office.registry.register(contract(digest="sha256:c2"), "sha256:r2"))
    assert (office.found("1.0.0").contract, office.found("1.0.0").release) == ("sha256:c2", "sha256:r2")
    office.store.commit(*office.registry.approve("desk", "1.0.0", "sha256:r2", "mail"))
    again = office.registry.register(contract(digest="sha256:c3"), "sha256:r3")
    assert office.store.refusal(*again) == "the version's text is approved and cannot change"
    assert office.found("1.0.0").release == "sha256:r2"


def test_only_the_release_that_was_looked_at_is_approved(office: Office) -> None:
    office.store.commit(*office.registry.register(contract(), "sha256:r1"))
    seen = office.registry.approve("desk", "1.0.0", "sha256:r1", "mail")
    office.store.commit(*office.registry.register(contract(digest="sha256:c2"), "sha256:r2"))
    assert office.store.refusal(*seen) == CHANGED
    assert office.found("1.0.0").state is ReleaseState.PENDING


def test_a_new_version_drains_the_old_one_and_leaves_other_agents_alone(office: Office) -> None:
    office.approved("1.0.0", agent="other")
    office.approved("1.0.0")
    office.approved("1.1.0", "sha256:r2")
    old = office.found("1.0.0")
    assert (old.state, old.may_act, old.may_begin) == (ReleaseState.DRAINING, True, False)
    assert office.registry.current("desk").version == "1.1.0"
    assert office.registry.current("other").version == "1.0.0"


def test_two_approvals_at_once_leave_one_version_that_takes_work(office: Office) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        office.store.commit(*office.registry.register(contract(version), "sha256:r"))
    office.store.at_once(
        *[office.registry.approve("desk", version, "sha256:r", "mail") for version in ("1.1.0", "1.0.0", "1.2.0")]
    )
    assert [version.version for version in office.registry.versions("desk") if version.may_begin] == ["1.2.0"]


def test_a_paused_version_does_not_act_until_it_is_live_again(office: Office) -> None:
    office.approved("1.0.0")
    guard = office.registry.guard("desk", "1.0.0", "sha256:r1")
    office.store.commit(guard)
    office.store.commit(office.registry.move("desk", "1.0.0", Lifecycle.PAUSED))
    assert office.store.refusal(guard) == MAY_NOT
    assert not office.found("1.0.0").may_act
    office.store.commit(office.registry.move("desk", "1.0.0", Lifecycle.LIVE))
    office.store.commit(guard)


def test_a_retired_version_stays_retired(office: Office) -> None:
    office.approved("1.0.0")
    office.store.commit(office.registry.move("desk", "1.0.0", Lifecycle.RETIRED))
    for lifecycle in Lifecycle:
        assert office.store.refusal(office.registry.move("desk", "1.0.0", lifecycle))
    assert office.store.refusal(*office.registry.approve("desk", "1.0.0", "sha256:r1", "mail"))
    assert office.found("1.0.0").lifecycle is Lifecycle.RETIRED
    assert office.store.refusal(office.registry.guard("desk", "1.0.0", "sha256:r1")) == MAY_NOT


def test_the_guard_holds_for_exactly_this_release(office: Office) -> None:
    office.approved("1.0.0")
    office.approved("1.1.0", "sha256:r2")
    office.store.commit(office.registry.guard("desk", "1.0.0", "sha256:r1"))
    for agent, version, release in (
        ("desk", "1.0.0", "sha256:r2"),
        ("desk", "9.9.9", "sha256:r1"),
        ("other", "1.0.0", "sha256:r1"),
    ):
        assert office.store.refusal(office.registry.guard(agent, version, release)) == MAY_NOT


def test_a_heartbeat_notes_when_a_version_was_seen(office: Office) -> None:
    office.approved("1.0.0")
    assert office.found("1.0.0").seen_at is None
    office.clock.advance(5)
    office.store.commit(office.registry.heartbeat("desk", "1.0.0"))
    assert office.found("1.0.0").seen_at == office.clock.now()
    office.store.commit(office.registry.heartbeat("desk", "9.9.9"))


def test_every_version_is_listed_in_the_order_they_came(office: Office) -> None:
    office.approved("1.0.0", agent="triage")
    office.approved("1.10.0")
    office.approved("1.9.0")
    assert [version.id for version in office.registry.versions()] == ["desk@1.10.0", "desk@1.9.0", "triage@1.0.0"]
    assert [version.version for version in office.registry.versions("triage")] == ["1.0.0"]


def test_a_glance_knows_a_version_that_was_registered_a_moment_ago(office: Office) -> None:
    assert office.registry.glance("desk", "1.0.0") is None
    version = office.approved("1.0.0")
    assert office.registry.glance("desk", "1.0.0") == version


def test_a_bundle_is_kept_once_and_found_by_its_digest(office: Office) -> None:
    assert office.registry.bundle("sha256:b") is None
    first, second = (office.registry.keep_bundle("sha256:b", b"packed") for _ in range(2))
    office.store.at_once(first, second)
    assert office.registry.bundle("sha256:b") == b"packed"
    assert office.registry.keep_bundle("sha256:b", b"packed") == []
    assert Registry(office.store.database, office.clock).keep_bundle("sha256:b", b"packed") == []
