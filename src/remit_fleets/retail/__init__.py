"""The retail fleet: a shop's back office, the customers it serves, and the contracts of the agents that work there."""

from remit_fleets.retail.customer import Customer
from remit_fleets.retail.recorded import GPT_4O, HAIKU_45, RECORDINGS, Conversation, RecordedCall, load_conversations
from remit_fleets.retail.shop import Shop
from remit_fleets.retail.tickets import ExpectedRow, Ticket, load_tickets, wrong_outcomes

__all__ = [
    "GPT_4O",
    "HAIKU_45",
    "RECORDINGS",
    "Conversation",
    "Customer",
    "ExpectedRow",
    "RecordedCall",
    "Shop",
    "Ticket",
    "load_conversations",
    "load_tickets",
    "wrong_outcomes",
]
