"""Who may answer a question, and why somebody may not."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from remit.approvals import Approval, own_role, why_not
from remit.operations.permissions import Permission
from remit.operations.views.model import Shown, Source
from remit.store import Row


class AnswererShown(Shown):
    """Somebody who holds a role that may answer."""

    id: str
    name: str
    roles: tuple[str, ...]
    may: bool
    why_not: str


@dataclass(frozen=True, slots=True)
class _Around:
    """What says, beside the question itself, who may not answer it."""

    unit: str
    owner: str
    asked_by: tuple[str, ...]


class Answering:
    """Tells who may answer, for one look of one actor."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._parts = source.parts
        self._rows: Mapping[str, Row] = {}

    def comes_with(self, rows: Iterable[Row]) -> None:
        """Takes what the rows of many questions bring along, so that it is not looked up one by one."""
        self._rows = {row["id"]: row for row in rows}

    def why_not(self, asked: Approval) -> str:
        """Returns why whoever looks may not answer; nothing when they may."""
        actor, around = self._source.actor, self._around(asked)
        if not actor.may(Permission.FLEET_APPROVALS_ANSWER, around.unit):
            return "your role answers nothing here"
        return self._why_person_may_not(asked, actor.id, around)

    def answerers(self, asked: Approval) -> list[AnswererShown]:
        """Returns everybody who holds a role that may answer."""
        shown: list[AnswererShown] = []
        around = self._around(asked)
        for person in self._parts.people.everybody():
            if not {*person.roles, own_role(person.id)} & set(asked.roles):
                continue
            why = self._why_person_may_not(asked, person.id, around)
            shown.append(AnswererShown(id=person.id, name=person.name, roles=person.roles, may=not why, why_not=why))
        return shown

    def _why_person_may_not(self, asked: Approval, person: str, around: _Around) -> str:
        people, now = self._parts.people, self._parts.clock.now()
        known = people.find(person)
        if known is None:
            return "people.yaml does not know you"
        roles = (*known.roles, own_role(known.id))
        return why_not(asked, known.id, roles, around.owner, now, asked_by=around.asked_by)

    def _around(self, asked: Approval) -> _Around:
        if row := self._rows.get(asked.id):
            return _Around(row["agents_unit"] or "", row["agents_owner"] or "", _names(row["asked_by"] or "[]"))
        version = self._parts.registry.glance(asked.agent, asked.version)
        chain = self._parts.journal.underway.task(asked.task).chain
        return _Around(version.unit if version else "", version.owner if version else "", chain)


@lru_cache(maxsize=1_024)
def _names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
