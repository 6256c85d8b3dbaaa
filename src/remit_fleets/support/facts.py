"""What the shop's own records say about a call, for policies to judge by: one function for each kind.

What the shop does not know is left out, so that no rule which asks for it holds. An answer about something else than was
asked for is no fact: it raises, and what cannot be judged is denied.
"""

from collections.abc import Mapping
from typing import Any

from remit.gateway import Read
from remit_fleets.support.answers import asked, cents, order_in

Facts = Mapping[str, Any]

# Paid back in part, and on the customer's or the warehouse's word.
_PARTIAL = ("damaged", "late", "missing")


async def refund(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Says what is due for the reason, and whether the amount is that."""
    reason, sku = arguments["reason"], arguments.get("sku", "")
    quote = await asked(read, "quote_refund", **order_in(arguments), reason=reason, sku=sku)
    if quote is None:
        return {"known": False}
    is_due = quote["due"] > 0 and cents(quote["due"]) == cents(arguments["amount"])
    return _quoted(quote, arguments["amount"]) | {"is_due": is_due, "partial": reason in _PARTIAL}


async def cancellation(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Says what is paid back when the order is cancelled; nothing when it no longer can be."""
    quote = await asked(read, "quote_refund", **order_in(arguments), reason="cancel_order", sku="")
    if quote is None:
        return {"known": False}
    return _quoted(quote, quote["due"]) | {"is_due": quote["due"] > 0, "partial": False}


async def invoice(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Says whose order it is."""
    order = await asked(read, "get_order", **order_in(arguments))
    if order is None or not order["known"]:
        return {"known": False}
    owner = await asked(read, "get_account", customer_id=order["customer_id"])
    facts = {"known": owner is not None, "customer": order["customer_id"], "status": order["status"]}
    return facts | ({"flagged": owner["flagged"]} if owner else {})


async def account(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Says how an account stands."""
    found = await asked(read, "get_account", customer_id=arguments["customer_id"])
    if found is None:
        return {"known": False}
    state = {name: found[name] for name in ("status", "two_factor", "flagged", "open_orders")}
    return {"known": True, "customer": found["customer_id"], **state}


async def ticket(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Says who wrote the ticket: as the task has it when it is the same address, in whatever letters."""
    shown = await asked(read, "list_effects", ticket=arguments["ticket"])
    if shown is None or not shown["sender"]:
        return {}
    mine = subjects.get("sender", "")
    return {"sender": mine if mine.casefold() == shown["sender"].casefold() else shown["sender"]}


def _quoted(quote: Facts, amount: float) -> dict[str, Any]:
    """Returns what a quote says; `total_recent` counts this amount with what the customer was paid back before."""
    state = {name: quote[name] for name in ("due", "status", "flagged")}
    total = (cents(amount) + cents(quote["refunded_recently"])) / 100
    return {"known": True, "customer": quote["customer_id"], "total_recent": total, **state}
