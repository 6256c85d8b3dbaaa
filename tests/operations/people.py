"""Somebody of each role, looking at a cell or acting in it."""

from remit.app import Cell
from remit.contracts import Person
from remit.operations import Actor, Verbs, Views, person_actor

NAMES = {"care-lead": "cara.lead@shop.example", "treasurer": "tom.treasurer@shop.example"}


def somebody(*roles: str, units: tuple[str, ...] = ()) -> Actor:
    """Returns a person with these roles; an approver is one the refund desk knows."""
    name = NAMES.get(roles[0], f"{roles[0]}@shop.example") if roles else "nobody@shop.example"
    return person_actor(Person(id=name, roles=roles, units=units), "api")


def seen_by(cell: Cell, *roles: str) -> Views:
    """Returns what somebody with these roles sees."""
    return cell.views(somebody(*roles))


def done_by(cell: Cell, *roles: str, units: tuple[str, ...] = ()) -> Verbs:
    """Returns what somebody with these roles may do."""
    return cell.verbs(somebody(*roles, units=units))
