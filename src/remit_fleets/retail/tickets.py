"""The queue of invented tickets: what customers write and answer, and what must be true in the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from remit_fleets.retail.documents import Document

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """One document as it must be in the end: at least these `fields`."""

    table: str
    key: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One customer's request, with everything needed to play it and to judge its outcome."""

    id: str
    about: str
    message: str
    replies: tuple[str, ...]
    outcome: str
    """What must have happened, in words."""
    rows: tuple[ExpectedRow, ...]
    """The only documents this ticket may change."""
    approvals: int
    """How many times a person is asked."""
    denials: int
    """How many actions the gateway must stop."""

    @property
    def task_input(self) -> dict[str, str]:
        """The input of the `retail-desk` task."""
        return {"ticket": self.id, "message": self.message}


def load_tickets(folder: Path = _HERE) -> tuple[Ticket, ...]:
    """Reads `tickets.yaml` of the fleet in `folder`; without one there are none."""
    path = folder / "tickets.yaml"
    if not path.exists():
        return ()
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(_ticket(item) for item in content["tickets"])


def wrong_outcomes(
    tickets: Sequence[Ticket], changed: Mapping[tuple[str, str], Document], *, approved: bool = True
) -> dict[str, list[str]]:
    """Returns what is wrong per ticket id, given every document that `changed`; `""` stands for no ticket.

    Unless `approved`, what needed a person's yes must not have happened.
    """
    wrong: dict[str, list[str]] = {}
    for ticket in tickets:
        happened = approved or not ticket.approvals
        for row in ticket.rows:
            if complaint := _complaint(row, changed.get((row.table, row.key)), happened):
                wrong.setdefault(ticket.id, []).append(complaint)
    allowed = {(row.table, row.key) for ticket in tickets for row in ticket.rows}
    for table, key in sorted(changed.keys() - allowed):
        wrong.setdefault("", []).append(f"{table} {key} was changed, and no ticket asks for that")
    return wrong


def _complaint(row: ExpectedRow, document: Document | None, happened: bool) -> str:
    if not happened:
        return f"{row.table} {row.key} was changed without a yes" if document else ""
    if document is None:
        return f"{row.table} {row.key} was not changed"
    different = {name: document.get(name) for name, value in row.fields.items() if document.get(name) != value}
    return f"{row.table} {row.key} has {different}" if different else ""


def _ticket(item: Mapping[str, Any]) -> Ticket:
    expected = item["expected"]
    rows = tuple(ExpectedRow(row["table"], row["key"], row["fields"]) for row in expected.get("rows", ()))
    return Ticket(
        id=item["id"],
        about=item["about"],
        message=item["message"].strip(),
        replies=tuple(item.get("replies", ())),
        outcome=expected["outcome"],
        rows=rows,
        approvals=expected.get("approvals", 0),
        denials=expected.get("denials", 0),
    )
