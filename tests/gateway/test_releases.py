"""Releases are compiled when they are used, so many at once, and are the same whenever that is."""

import asyncio
import gc
import threading
from collections.abc import Mapping
from typing import Any

import pytest

import remit.gateway.releases as releases_module
import remit.policy.policy as policy_module
from policy.refund_fleet import TOOLS, contract, fleet
from remit.contracts import Contract, Fleet
from remit.core import Limits, ModelRoute, Settings
from remit.gateway import Release, Releases, release_digest, release_source
from remit.policy import Bundle, Policy


def small(kept: int) -> Settings:
    return Settings(limits=Limits(compiled_releases=kept))


def bundles() -> int:
    """Returns how many are in memory: each is some 0.2 MB of Cedar's, which Python does not count."""
    gc.collect()
    return sum(isinstance(each, Bundle) for each in gc.get_objects())


def test_a_release_is_compiled_when_it_is_used_and_again_when_it_was_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = list[str]()
    compile_it = releases_module.compile_release

    def counted(contract: Contract, *more: Any) -> Release:
        compiled.append(contract.name)
        return compile_it(contract, *more)

    monkeypatch.setattr(releases_module, "compile_release", counted)
    names, before = [f"agent-{number}" for number in range(4)], bundles()
    agents = fleet("", *(contract(agent=name, handoffs=()) for name in names))
    settings, policy = small(2), Policy(bundles_kept=1)
    releases = Releases(agents, settings, policy)
    digests = {each.name: digest for digest, each in releases.contracts()}
    assert all(digests[name] in releases and releases.contract(digests[name]) for name in names)
    assert compiled == [], "to know that it is there takes nothing"
    first = releases[digests[names[0]]].digest, releases[digests[names[0]]].bundle.digest
    for name in names:
        assert releases[digests[name]].contract.name == releases[digests[name]].contract.name == name
    assert compiled == names
    assert bundles() - before <= 3, "those of two releases, and the one that policy keeps"
    again = releases[digests[names[0]]]
    assert compiled == [*names, names[0]]
    assert (again.digest, again.bundle.digest) == first


def test_what_left_the_folder_is_made_again_of_what_was_kept_as_long_as_it_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, policy, prepared = contract(version="2.0.0"), Policy(), list[Fleet]()
    before = fleet("", old)
    kept, digest = release_source(old, before), release_digest(old, before, small(1))
    prepare = policy_module.prepare

    def noted(of: Fleet, models: Mapping[str, bool]) -> Any:
        prepared.append(of)
        return prepare(of, models)

    monkeypatch.setattr(policy_module, "prepare", noted)
    today = fleet("")
    releases = Releases(today, small(1), policy)
    assert releases.bring_back(digest, lambda: kept)
    newest = next(name for name, each in releases.contracts() if each.terms.version == "3.0.0")
    assert releases[newest].contract.terms.version == "3.0.0"
    assert releases[digest].contract.terms.version == "2.0.0"
    assert prepared == [today], "org policies are read once for all of them"

    dearer = [tool.model_copy(update={"description": "Changed."}) for tool in TOOLS]
    changed = Releases(fleet("", tools=tuple(dearer)), small(1), Policy())
    assert changed.bring_back(digest, lambda: kept), "its own tools are kept with it"
    route = small(1).model_copy(update={"models": {"other": ModelRoute(kind="openai", model="m")}})
    assert not Releases(today, route, Policy()).bring_back(digest, lambda: kept), "another model is another release"
    assert digest not in Releases(today, route, Policy())


def test_one_that_cannot_be_made_any_more_is_not_there() -> None:
    old, gone = contract(version="2.0.0"), list[bytes]()
    before = fleet("", old)
    kept = release_source(old, before)
    releases = Releases(fleet(""), small(1), Policy())
    digest = release_digest(old, before, small(1))
    assert releases.bring_back(digest, lambda: kept if not gone else None)
    assert all(releases.get(each) for each in releases)
    gone.append(b"")
    assert releases.get(next(each for each, of in releases.contracts() if of.terms.version == "3.0.0"))
    assert releases.get(digest) is None
    assert digest not in releases


async def test_what_is_prepared_is_compiled_once_and_beside_the_loop() -> None:
    old, where = contract(version="2.0.0"), list[int]()
    kept, digest = release_source(old, fleet("", old)), release_digest(old, fleet("", old), small(1))

    def read() -> bytes:
        where.append(threading.get_ident())
        return kept

    releases = Releases(fleet(""), small(1), Policy())
    assert releases.bring_back(digest, read)
    for newer in [each for each in releases if each != digest]:
        assert releases[newer], "there is room for one"
    where.clear()
    await asyncio.gather(*(releases.prepare(digest) for _ in range(5)))
    assert len(where) == 1
    assert where[0] != threading.get_ident()
    assert releases[digest].contract.terms.version == "2.0.0"
    await releases.prepare("sha256:of nothing")
    assert len(where) == 1
