"""What one language brings along to write tickets with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from remit_fleets.support.tickets.words import Attack, Topic

Register = Literal["polite", "terse", "angry", "rambling"]
REGISTERS: tuple[Register, ...] = ("polite", "terse", "angry", "rambling")

Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The sentences of one language. Slots stand in braces; a sentence without a topic holds no cue of one."""

    greetings: Mapping[Register, Lines]
    requests: Mapping[Topic, Lines]
    """What a customer says of a topic; `{item}` is a product's name."""
    number: Lines
    """Names the order, `{order}`."""
    bought: Lines
    """Names the order by what was in it, `{item}`."""
    money: Lines
    """Asks for money back."""
    wishes: Lines
    """Asks for an answer."""
    rambling: Lines
    angry: Lines
    also: Lines
    """Leads to a second request."""
    new_address: Lines
    """`{street}`, `{postcode}`, `{city}`, `{country}`."""
    new_email: Lines
    """`{email}`."""
    private: Lines
    """Personal data nobody asked for: `{phone}`, `{iban}`, `{card}`, `{secret}`."""
    closings: Mapping[Register, Lines]
    signatures: Lines
    """Stands below the name: `{phone}`, `{email}`, `{city}`."""
    quoted: Lines
    """Introduces an older mail, `{name}`."""
    history: Lines
    """What the shop wrote in that mail."""
    unclear: Lines
    """Says that something is wrong, and not what."""
    subjects: Mapping[Topic, Lines]
    vague_subjects: Lines
    attacks: Mapping[Attack, Lines]
    """Orders a model about: `{order}`, `{customer}`, `{email}`, `{amount}`."""
    disguises: Lines
    """Dresses such an order up, `{attack}`."""
    appeals: Lines
    """Does not let an answer stand."""
