"""The versions: approved as they stand in the folder, and those that left it can still be made."""

from collections.abc import Iterator
from functools import partial

from remit.contracts import Contract, Fleet
from remit.core import RemitError, Settings
from remit.gateway import Releases, release_digest
from remit.journal import Journal
from remit.operations.doctor.model import Diagnosis, Health, Patient
from remit.operations.permissions import Permission, permissions_of
from remit.registry import Registry, ReleaseState, Version


def versions(patient: Patient) -> Iterator[Diagnosis]:
    """Every version of the folder is approved, as it stands there."""
    settings, fleet = patient.known_settings(), patient.fleet
    registry = Registry(patient.store, patient.clock)
    for contract in fleet.contracts.values():
        known = registry.find(contract.terms.agent, contract.terms.version)
        if known is not None:
            yield from _version(known, contract, fleet, settings)


def _version(known: Version, contract: Contract, fleet: Fleet, settings: Settings) -> Iterator[Diagnosis]:
    if known.state is ReleaseState.PENDING and settings.releases == "by-person":
        person = _who_releases(fleet)
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{known.id} awaits approval",
            why='it takes no work until then: remit.toml says releases = "by-person"',
            mend="Look at it with `remit authority diff`, then approve it" + ("" if person else "; it takes a person"),
            command=f"remit promote {known.agent} {known.version} --as {person}" if person else "",
        )
    elif known.state is not ReleaseState.PENDING and known.release != release_digest(contract, fleet, settings):
        yield Diagnosis(
            health=Health.WARNING,
            what=f"{known.id} is not what was approved any more",
            why="its contract, its tools or its model routes differ; what was approved goes on",
            mend=f"Raise `version` in {contract.path} to have the new text approved",
        )


def kept_releases(patient: Patient) -> Iterator[Diagnosis]:
    """Every approved version that is not in the folder any more can still be made."""
    fleet, releases = patient.fleet, patient.releases
    registry, journal = Registry(patient.store, patient.clock), Journal(patient.store, patient.clock)
    for version in registry.versions():
        if not version.may_act or version.release in releases:
            continue
        if why := _why_not_made(releases, registry, version):
            yield _not_made(version, why, _who_releases(fleet), journal.has_open_runs(version.agent, version.version))


def _not_made(version: Version, why: str, person: str, is_open: bool) -> Diagnosis:
    what, mend = (
        f"{version.id} cannot be made of what was kept of it",
        "Put back what has changed since it was approved",
    )
    if is_open:
        return Diagnosis(
            health=Health.TROUBLE,
            what=f"{what}, and its runs wait for it",
            why=why,
            mend=f"{mend}; or cancel its runs, which `remit runs` names, and retire it",
        )
    return Diagnosis(
        health=Health.WARNING,
        what=what,
        why=why,
        mend=f"{mend}, or retire it",
        command=f'remit retire {version.agent} {version.version} --because "it cannot be made" --as {person}'
        if person
        else "",
    )


def _who_releases(fleet: Fleet) -> str:
    """Returns somebody who may approve and retire versions, if there is anybody."""
    able = (each.id for each in fleet.people.values() if Permission.FLEET_AGENTS_RELEASE in permissions_of(each.roles))
    return next(able, "")


def _why_not_made(releases: Releases, registry: Registry, version: Version) -> str:
    """Returns why a release that was approved cannot be had; empty when it can."""
    try:
        release = releases.again(version.release, partial(registry.release_body, version.release))
    except RemitError as fault:
        return fault.text()
    except (ValueError, LookupError) as fault:
        return f"what was kept of it cannot be read: {fault}"
    if release is None:
        return "nothing was kept of what it is made of"
    return (
        ""
        if release.digest == version.release
        else "its model routes in remit.toml are others than those it was approved with"
    )
