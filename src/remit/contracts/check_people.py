"""The people of a fleet: are their units there, and is whoever audits kept apart from whoever acts?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from remit.contracts.declared import Person
from remit.contracts.fleet import PEOPLE
from remit.contracts.model import Finding, Fleet
from remit.contracts.source import Source, read_source
from remit.contracts.validation import did_you_mean

AUDITOR = "auditor"
LOOKING_ON = frozenset((AUDITOR, "viewer"))
"""Roles that change nothing; whoever holds any other acts: operates, releases or answers."""


def check_people(fleet: Fleet) -> Iterator[Finding]:
    """Yields what is wrong with what people are given, each with its line."""
    folder = Path(fleet.folder)
    at = read_source(folder, folder / PEOPLE) if fleet.people else Source(PEOPLE)
    units = {contract.terms.unit for contract in fleet.contracts.values()}
    for person in fleet.people.values():
        path = _path(person.id, at)
        owned = [contract.name for contract in fleet.contracts.values() if contract.terms.owner == person.id]
        acting = [*sorted(set(person.roles) - LOOKING_ON), *(f"ownership of {name}" for name in owned)]
        if AUDITOR in person.roles and acting:
            told = f"auditor is kept apart: {person.id} also holds {', '.join(acting)}"
            yield at.finding(f"{path}.roles", told, "whoever audits does not operate, release or answer")
        yield from _stand_in(person, fleet, path, at)
        for unit in person.units if not _some_unread(fleet) else ():
            if unit not in units:
                yield at.warning(f"{path}.units", f"No contract has the unit {unit!r}", did_you_mean(unit, units))


def _stand_in(person: Person, fleet: Fleet, path: str, at: Source) -> Iterator[Finding]:
    """Yields what is wrong with who answers while somebody is away."""
    if person.away and not person.stand_in:
        yield at.warning(f"{path}.away", f"Nobody stands in for {person.id}", "name somebody in `stand_in`")
    if not person.stand_in:
        return
    other = fleet.people.get(person.stand_in)
    if other is None:
        told = f"people.yaml does not know {person.stand_in}, who is to stand in"
        yield at.finding(f"{path}.stand_in", told, did_you_mean(person.stand_in, fleet.people))
    elif other.id == person.id:
        yield at.finding(f"{path}.stand_in", "Nobody stands in for themselves")
    elif AUDITOR in other.roles:
        told = f"auditor is kept apart: {other.id} cannot stand in for an approver"
        yield at.finding(f"{path}.stand_in", told, "name somebody who does not audit")
    elif person.units and not (other.units and set(other.units) <= set(person.units)):
        told = f"{other.id} works for more units than {person.id}, and so cannot stand in"
        yield at.finding(f"{path}.stand_in", told, "name somebody of the same units")


def _some_unread(fleet: Fleet) -> bool:
    """Whether a contract was left out that may have any unit."""
    return any(file.startswith("agents/") for file in fleet.unread)


def _path(person: str, at: Source) -> str:
    """Returns where in people.yaml a person stands."""
    value: Any = at.value
    rows = cast("list[Any]", value["people"]) if isinstance(value, dict) and "people" in value else []
    for i, row in enumerate(rows):
        if isinstance(row, dict) and cast("dict[str, Any]", row).get("id") == person:
            return f"people[{i}]"
    return "people"
