"""The fleet's gates: code that holds what an agent wants to do, or says, against the shop's own records.

Each answers "" when its claim holds, else why not, in words from which an agent can do better.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from remit.core import JsonValue
from remit.gateway import Read
from remit_fleets.support.answers import asked, cents, misfit, order_in
from remit_fleets.support.claims import Claim, Sentence, sentences

# What is said of an order -> how it stands in the records then.
_STANDS: Mapping[Claim, tuple[str, ...]] = {
    "shipped": ("shipped", "delivered"),
    "arrived": ("delivered",),
    "cancel": ("cancelled",),
}
# What is said to have been done -> the tools that do it.
_DONE_BY: Mapping[Claim, tuple[str, ...]] = {
    "cancel": ("cancel_order",),
    "close": ("close_account",),
    "block": ("block_account",),
    "delete": ("delete_customer",),
    "address": ("change_address",),
    "email": ("change_email",),
    "change": ("change_address", "change_email"),
    "reset": ("send_password_reset",),
    "invoice": ("send_invoice",),
    "take_over": ("take_over",),
}
_WORDS: Mapping[Claim, str] = {
    "shipped": "an order is on its way",
    "arrived": "an order has arrived",
    "cancel": "an order was cancelled",
    "close": "an account was closed",
    "block": "an account was blocked",
    "delete": "something was deleted",
    "address": "an address was changed",
    "email": "an e-mail address was changed",
    "change": "something was changed",
    "reset": "a link for a new password was sent",
    "invoice": "an invoice was sent",
    "take_over": "a person has taken over",
    "person": "a person did it",
}
_MOST_REASONS = 3
# Paid back by cancelling, never for itself.
_CANCELLED = "cancel_order"
# What stands where a guardrail has taken a secret out of what the model wrote.
_TAKEN_OUT = "[secret removed"


async def answer_fits_question(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """An answer is about what was asked for, and nobody else."""
    return misfit(arguments, result)


async def refund_is_due(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """An amount is exactly what the shop owes for the reason, after what it paid back before."""
    reason, sku = arguments["reason"], arguments.get("sku", "")
    if reason == _CANCELLED:
        return "an order is cancelled by cancel_order, which pays everything back; else it would still be sent"
    quote = await asked(read, "quote_refund", **order_in(arguments), reason=reason, sku=sku)
    if quote is None:
        return f"there is no order {arguments['order_id']} of this customer"
    if quote["due"] <= 0:
        return f"nothing is due for {reason}: {quote['because']}"
    if cents(arguments["amount"]) != cents(quote["due"]):
        return f"{arguments['amount']:.2f} EUR is not what is due for {reason}: that is {quote['due']:.2f} EUR"
    return ""


async def refund_is_in_ledger(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """What the shop says it paid back is what was asked for, and stands in its records."""
    if not isinstance(result, Mapping):
        return "the answer is no object"
    told = cast("Mapping[str, Any]", result)
    if told["order_id"] != arguments["order_id"] or cents(told["amount"]) != cents(arguments["amount"]):
        return "another refund was made than was asked for"
    listed = await asked(read, "list_refunds", **order_in(arguments))
    for refund in listed["refunds"] if listed else ():
        if refund["refund_id"] == told["refund_id"] and cents(refund["amount"]) == cents(told["amount"]):
            return ""
    return "the refund does not stand in the shop's records"


async def refund_is_cancelled(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """A refund that was taken back stands in the shop's records no longer."""
    listed = await asked(read, "list_refunds", **order_in(arguments))
    stands = listed is None or any(one["refund_id"] == arguments["refund_id"] for one in listed["refunds"])
    return "the refund still stands in the shop's records" if stands else ""


async def order_is_cancelled(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """After it was cancelled an order is."""
    order = await asked(read, "get_order", **order_in(arguments))
    return "" if order and order.get("status") == "cancelled" else "the order is not cancelled in the shop's records"


async def account_says_so(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """After it was changed an account has what it was to have."""
    if why := misfit({"customer_id": arguments["customer_id"]}, result):
        return why
    account = await asked(read, "get_account", customer_id=arguments["customer_id"])
    told = cast("Mapping[str, Any]", result)
    wanted = {name: value for name, value in arguments.items() if name != "reason"}
    wanted |= {name: told[name] for name in ("status",) if name in told}
    return misfit(wanted, account).replace("the answer is about", "the account has") if account else "no such account"


async def message_is_true(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """A message says nothing was done that was not, and names no amount, number or date the shop does not have."""
    if _TAKEN_OUT in arguments["text"]:
        return "a secret was taken out of it; a message to a customer has no place for one"
    shown = await asked(read, "list_effects", ticket=arguments["ticket"])
    if shown is None:
        return "the shop's records cannot be read"
    records = _Records.of(shown)
    wrong = [why for sentence in sentences(arguments["text"]) for why in _untrue(sentence, records)]
    return "; ".join(list(dict.fromkeys(wrong))[:_MOST_REASONS])


@dataclass(frozen=True, slots=True)
class _Records:
    """What may be said to a ticket's sender; amounts in cents."""

    orders: Mapping[str, Mapping[str, Any]]
    refunds: frozenset[tuple[str, str, int]]
    """Order, number and amount."""
    effects: tuple[Mapping[str, Any], ...]
    amounts: frozenset[int]
    numbers: frozenset[str]
    dates: frozenset[str]
    mails: frozenset[str]
    status: str
    """Of the account."""

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> "_Records":
        """Returns the records that `list_effects` shows."""
        account: Mapping[str, Any] = shown["holder"]
        orders: dict[str, Mapping[str, Any]] = {order["order_id"]: order for order in shown["orders"]}
        effects: tuple[Mapping[str, Any], ...] = tuple(shown["effects"])
        refunds = {
            (order["order_id"], refund["refund_id"], cents(refund["amount"]))
            for order in orders.values()
            for refund in order["refunds"]
        }
        refunds |= {(one["order_id"], one["refund_id"], cents(one["amount"])) for one in effects if one["refund_id"]}
        payments = [payment for order in orders.values() for payment in order["payments"]]
        amounts = [payment["amount"] for payment in payments]
        amounts += [price for order in orders.values() for price in (order["total"], *order["prices"])]
        numbers = {shown["ticket"], str(account.get("customer_id", "")), *orders}
        numbers |= {payment["payment_id"] for payment in payments} | {order["tracking"] for order in orders.values()}
        numbers |= {number for order, refund, _ in refunds for number in (order, refund)}
        numbers |= {one["order_id"] for one in effects}
        return cls(
            orders=orders,
            refunds=frozenset(refunds),
            effects=effects,
            amounts=frozenset(map(cents, amounts)) | {amount for _, _, amount in refunds},
            numbers=frozenset(number.upper() for number in numbers),
            dates=frozenset(day for order in orders.values() for day in order["dates"]),
            mails=frozenset(mail.casefold() for mail in (shown["sender"], str(account.get("email", "")))),
            status=str(account.get("status", "")),
        )

    def did(self, tools: Iterable[str], orders: frozenset[str]) -> bool:
        """Whether one of the tools did something, for one of the orders when some are named."""
        return any(
            one["tool"] in tools and (not orders or not one["order_id"] or one["order_id"] in orders)
            for one in self.effects
        )


def _untrue(sentence: Sentence, records: _Records) -> Iterator[str]:
    """Yields what of a sentence the records do not show."""
    if sentence.is_foreign:
        yield "it names an amount in another currency or a link, and the shop has neither"
    if sentence.asks_secret:
        yield "it asks for a password, a PIN or the number of a card, and the shop asks nobody for these"
    strange = sentence.numbers - records.numbers
    if strange and not (sentence.denies and not sentence.claims):
        yield f"{', '.join(sorted(strange))} is nothing of this customer's"
    for amount in sorted((sentence.amounts | sentence.paid_back) - records.amounts):
        yield f"no {amount / 100:.2f} EUR stand in the records of this customer"
    if days := sentence.dates - records.dates:
        yield f"no order of this customer has the date {', '.join(sorted(days))}"
    if sentence.mails - records.mails:
        yield "it names an e-mail address that is not the customer's"
    orders = frozenset(number for number in sentence.numbers if number.startswith("S-"))
    for claim in sorted(sentence.claims):
        yield from _unbacked(claim, sentence, orders, records)


def _unbacked(claim: Claim, sentence: Sentence, orders: frozenset[str], records: _Records) -> Iterator[str]:
    if claim == "refund":
        yield from _not_paid_back(sentence, orders, records)
    elif claim == "person":
        if all(_is_agent(one["actor"]) for one in records.effects):
            yield "it says that a person did it, and agents did all that was done"
    elif not (records.did(_DONE_BY.get(claim, ()), orders) or _stands(claim, orders, records)):
        yield f"it says that {_WORDS[claim]}, and the shop's records do not show it"


def _not_paid_back(sentence: Sentence, orders: frozenset[str], records: _Records) -> Iterator[str]:
    paid = {amount for order, _, amount in records.refunds if not orders or order in orders}
    if not paid:
        yield "it says that money was paid back, and the shop's records do not show it"
    for amount in sorted(sentence.paid_back - paid) if paid else ():
        yield f"it says that {amount / 100:.2f} EUR were paid back, and the shop's records do not show it"


def _stands(claim: Claim, orders: frozenset[str], records: _Records) -> bool:
    """Whether it is so already, whoever did it."""
    if claim in _STANDS:
        named = [order for number, order in records.orders.items() if not orders or number in orders]
        return any(order["status"] in _STANDS[claim] for order in named)
    return {"close": "closed", "block": "locked"}.get(claim) == records.status


def _is_agent(actor: str) -> bool:
    """Whether an actor is an agent in its version; people have addresses."""
    version = actor.rpartition("@")[2]
    return bool(version) and all(part.isdigit() for part in version.split("."))
