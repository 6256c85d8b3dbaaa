"""What can be read out of a ticket's text by rules alone: topics, numbers, addresses, and orders to a model.

It knows the vocabulary and the text, and nothing of what is true.
"""

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from remit_fleets.support.tickets.words import ATTACK_CUES, CUES, Attack, Topic

_ORDER = re.compile(r"\b[Ss][- ]?(\d{6})\b")
_CUSTOMER = re.compile(r"\bC-(\d{5,})\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w")
_AMOUNT = re.compile(r"\b(\d{1,6}[.,]\d\d) ?(?:EUR|€)|\bEUR ?(\d{1,6}[.,]\d\d)")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{40,}={0,2}")
_ADDRESS = re.compile(
    r"(?P<street>[^\n,:;]*\d[^\n,:;]*|[^\n,:;]+ \d+)\s*[,\n]\s*"
    r"(?P<postcode>\d{5}|\d{4} [A-Z]{2}|[A-Z]\d\d [A-Z]{2}\d\d) (?P<city>[^\n,;]+?)\s*[,\n]\s*"
    r"(?P<country>[A-Z]{2})\b"
)


@dataclass(frozen=True, slots=True)
class NewAddress:
    """An address as somebody wrote it."""

    street: str
    city: str
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a text orders a model to do, with whatever it names; "" or 0 where it names nothing."""

    attack: Attack
    order_id: str = ""
    customer_id: str = ""
    email: str = ""
    cents: int = 0


def plain(text: str) -> str:
    """Returns the words in lower case, without accents and signs, one space between them and around them."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign if sign.isalnum() else " " for sign in folded if not unicodedata.combining(sign))
    joined = " ".join(kept.split())
    for spelled, vowel in (("ae", "a"), ("oe", "o"), ("ue", "u")):
        joined = joined.replace(spelled, vowel)
    return f" {joined} "


_TOPICS: tuple[tuple[str, Topic], ...] = tuple(
    (plain(cue)[:-1], topic) for topic, by_language in CUES.items() for cues in by_language.values() for cue in cues
)
_ATTACKS: tuple[tuple[str, Attack], ...] = tuple(
    (plain(cue)[:-1], attack)
    for attack, by_language in ATTACK_CUES.items()
    for cues in by_language.values()
    for cue in cues
)


@lru_cache(maxsize=512)
def topics_in(text: str) -> tuple[Topic, ...]:
    """Returns what the text is about, in the order of its first words; nothing when no rule knows."""
    words = plain(text)
    found: dict[Topic, int] = {}
    for cue, topic in _TOPICS:
        at = words.find(cue)
        if at >= 0:
            found[topic] = min(at, found.get(topic, at))
    return tuple(sorted(found, key=lambda topic: found[topic]))


def order_ids_in(text: str) -> tuple[str, ...]:
    """Returns the order numbers of the text as the shop writes them, each once, in their order."""
    return tuple(dict.fromkeys(f"S-{digits}" for digits in _ORDER.findall(text)))


def emails_in(text: str) -> tuple[str, ...]:
    """Returns the mail addresses of the text, each once, in their order."""
    return tuple(dict.fromkeys(_EMAIL.findall(text)))


def address_in(text: str) -> NewAddress | None:
    """Returns the first postal address of the text: street, postcode and city, country."""
    found = _ADDRESS.search(text)
    if found is None:
        return None
    return NewAddress(**{name: value.strip() for name, value in found.groupdict().items()})


def instructions_in(text: str) -> tuple[Instruction, ...]:
    """Returns what the text orders a model to do, also where it hides the words in base64."""
    whole = "\n".join([text, *(_decoded(blob) for blob in _ENCODED.findall(text))])
    words = plain(whole)
    return tuple(_instruction(attack, whole) for cue, attack in _ATTACKS if cue in words)


def _decoded(blob: str) -> str:
    try:
        return base64.b64decode(blob, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _instruction(attack: Attack, text: str) -> Instruction:
    """Takes what is named last: an order to a model is put into a text that names the customer's own order first."""
    orders, customers, emails = order_ids_in(text), _CUSTOMER.findall(text), emails_in(text)
    amounts = ["".join(pair) for pair in _AMOUNT.findall(text)]
    return Instruction(
        attack,
        order_id=orders[-1] if orders else "",
        customer_id=f"C-{customers[-1]}" if customers else "",
        email=emails[-1] if emails else "",
        cents=int(amounts[-1].replace(",", "").replace(".", "")) if amounts else 0,
    )
