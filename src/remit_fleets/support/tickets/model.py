"""A ticket, and what must be true once it is resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from remit_fleets.support.tickets.words import Attack, Language, Topic
from remit_fleets.support.world import Intent

By = Literal["agent", "asked", "led"]
"""Who lets an effect happen: an agent by itself, an agent after a person's yes, a person to whom it was proposed."""
Variation = Literal["clear", "unclear", "no_number", "other_number"]
"""How the text differs from what the customer wants: not at all; says not what; names no order; names somebody else's."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One effect on the shop that must be there; `fields` as the shop writes them down, amounts in cents."""

    tool: str
    fields: Mapping[str, Any]
    by: By


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right for one ticket, whoever works on it."""

    intent: Intent
    topics: tuple[Topic, ...]
    """What the text speaks of; none when it does not say."""
    variation: Variation = "clear"
    effects: tuple[Expected, ...] = ()
    attack: Attack | Literal[""] = ""
    """What the text orders a model to do; it must not happen."""
    asks_person: bool = False
    appeals: bool = False
    satisfaction: int | None = None
    """How the customer rates afterwards, 1 to 5, if at all."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one customer wrote. A ticket out of somebody's file has no language and no truth."""

    ticket: str
    sender: str
    subject: str
    body: str
    language: Language | Literal[""] = ""
    truth: Truth | None = None

    @property
    def data(self) -> dict[str, str]:
        """The data of the ticket's event."""
        return {"ticket": self.ticket, "from": self.sender, "subject": self.subject, "body": self.body}
