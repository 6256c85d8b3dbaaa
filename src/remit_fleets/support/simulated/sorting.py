"""What a ticket asks for, by the words in it: the simulated triage."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from remit_fleets.support.simulated.asked import Asked, Fields
from remit_fleets.support.tickets.reading import emails_in, order_ids_in, plain, topics_in

REFUNDS = frozenset(("returned", "duplicate_charge", "damaged", "late", "missing", "cancel_order"))
ACCOUNTS = frozenset(("order_status", "password_reset", "invoice_copy", "change_address", "change_email"))
# The first that a text speaks of decides, whatever else it asks for: a person looks at all of it.
CLOSURES = ("ask_person", "appeal", "fraud", "close_account")
# Of these it matters which article is meant.
_BY_ARTICLE = frozenset(("returned", "damaged", "missing"))
_SURE, _UNSURE = 0.93, 0.6
# How near a word must come to an article's, and how many of its words a text must have to mean it.
_SPELLING, _LIKE_ENOUGH = 0.7, 0.6
# Small words by which languages are told apart when nothing else says which it is.
_SMALL_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("the", "and", "my", "is", "you", "please", "of", "to", "it", "was", "for"),
    "de": ("ich", "und", "die", "nicht", "bitte", "mein", "meine", "der", "das", "ist", "sie"),
    "fr": ("je", "et", "le", "vous", "mon", "ma", "est", "la", "les", "pas", "ne"),
    "es": ("el", "y", "mi", "por", "favor", "que", "los", "la", "mis", "se", "lo"),
    "nl": ("ik", "en", "het", "niet", "een", "mijn", "van", "u", "dat", "bestelling"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text asks for, one of each kind at most."""

    refund: str = "none"
    account: str = "none"
    closure: str = "none"
    is_clear: bool = True

    @property
    def desk(self) -> str:
        """Which agent has most to do with it."""
        kinds = (("refund-desk", self.refund), ("account-care", self.account), ("closures", self.closure))
        return next((agent for agent, kind in kinds if kind != "none"), "triage")


def wanted_in(text: str) -> Wanted:
    """Returns what the text asks for."""
    topics = topics_in(text)
    for closure in CLOSURES:
        if closure in topics:
            return Wanted(closure=closure)
    refunds = [topic for topic in topics if topic in REFUNDS]
    accounts = [topic for topic in topics if topic in ACCOUNTS]
    if refunds and "order_status" in accounts:
        accounts.remove("order_status")  # whoever waits for money asks when it comes
    if {"change_address", "change_email"} <= set(accounts):
        accounts.remove("change_address" if emails_in(text) else "change_email")
    refund, account = next(iter(refunds), "none"), next(iter(accounts), "none")
    return Wanted(refund, account, is_clear=len(refunds) < 2 and len(accounts) < 2)


def language_of(text: str, otherwise: str = "en") -> str:
    """Returns the language with most of its small words in the text, or `otherwise` when none has more than others."""
    words = plain(text).split()
    counts = {name: sum(words.count(word) for word in small) for name, small in _SMALL_WORDS.items()}
    most = max(counts.values())
    found = [name for name, count in counts.items() if count == most]
    return found[0] if len(found) == 1 else otherwise


def sort_ticket(asked: Asked) -> dict[str, Any]:
    """Returns triage's answer."""
    customer = asked.result(1)
    wanted = wanted_in(asked.text)
    if not customer.get("known"):
        wanted = Wanted(closure="ask_person") if wanted.closure == "ask_person" else Wanted()
    said: dict[str, Any] = {"refund": wanted.refund, "account": wanted.account, "closure": wanted.closure}
    said["language"] = language_of(asked.text, str(customer.get("language") or "en"))
    if named := order_ids_in(asked.text):
        said["order_id"] = named[0]
    order = _named_order(said, asked.result(2))
    if asked.result(2) or not customer.get("known"):
        said["order_known"] = bool(order)
    if sku := _article(asked.text, wanted, order):
        said["sku"] = sku
    asks = ", ".join(kind for kind in (wanted.refund, wanted.account, wanted.closure) if kind != "none")
    return {
        **said,
        "why": f"the words of the ticket ask for: {asks or 'nothing we act on'}",
        "confidence": _SURE if wanted.is_clear else _UNSURE,
    }


def _named_order(said: Fields, orders: Fields) -> Fields:
    listed: list[Fields] = orders.get("orders") or []
    none: Fields = {}
    return next((order for order in listed if order["order_id"] == said.get("order_id")), none)


def _article(text: str, wanted: Wanted, order: Fields) -> str:
    """Returns which article of the order is meant: the only one there is, else the one whose name the text has."""
    if wanted.refund not in _BY_ARTICLE:
        return ""
    items: list[Fields] = order.get("items") or []
    if len(items) == 1:
        return str(items[0]["sku"])
    words = frozenset(plain(text).split())
    likely = {str(item["sku"]): 1.0 if item["sku"] in text else _likeness(item["name"], words) for item in items}
    most = max(likely.values(), default=0.0)
    found = [sku for sku, likeness in likely.items() if likeness == most]
    if most < _LIKE_ENOUGH:
        return ""
    # Of two names that are both there in full, the longer one is meant: "Tarn Mug, set of two" is no "Tarn Mug".
    lengths = {str(item["sku"]): len(item["name"]) for item in items}
    return max(found, key=lambda sku: lengths[sku])


def _likeness(name: str, words: frozenset[str]) -> float:
    """Returns the share of the name's words that the text has, misspelled perhaps."""
    own = plain(name).split()
    return sum(bool(get_close_matches(word, words, n=1, cutoff=_SPELLING)) for word in own) / max(1, len(own))
