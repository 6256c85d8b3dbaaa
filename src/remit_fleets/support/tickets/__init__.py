"""What the shop's customers write, what must be true in the end, and whether it is."""

from remit_fleets.support.tickets.appeals import appeal_to
from remit_fleets.support.tickets.files import line_of, read_tickets, write_tickets
from remit_fleets.support.tickets.forbidden import FORBIDDEN, forbidden_effects
from remit_fleets.support.tickets.generator import Tickets
from remit_fleets.support.tickets.judge import judge
from remit_fleets.support.tickets.model import By, Expected, Ticket, Truth, Variation

__all__ = [
    "FORBIDDEN",
    "By",
    "Expected",
    "Ticket",
    "Tickets",
    "Truth",
    "Variation",
    "appeal_to",
    "forbidden_effects",
    "judge",
    "line_of",
    "read_tickets",
    "write_tickets",
]
