"""What is true of a refund: facts for policy, and gates against the order and the ledger."""

from collections.abc import Mapping
from typing import Any

from remit.core import JsonValue
from remit.gateway import Read


async def refund_facts(read: Read, arguments: Mapping[str, Any], subjects: Mapping[str, str]) -> Mapping[str, Any]:
    """Finds out whether the order was delivered and how much of it can still be refunded."""
    order = await read("shop__get_order", order_id=arguments["order_id"])
    if order is None:
        return {}
    return {"delivered": order["status"] == "delivered", "open_amount": round(order["paid"] - order["refunded"], 2)}


async def refund_matches_order(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """A refund is at most what is left of the payment."""
    order = await read("shop__get_order", order_id=arguments["order_id"])
    if order is None:
        return "there is no such order"
    left = round(order["paid"] - order["refunded"], 2)
    return "" if arguments["amount"] <= left else f"{arguments['amount']} is more than the {left} left of the payment"


async def refund_is_in_ledger(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """What the tool says it did stands in the ledger."""
    refunds = await read("shop__list_refunds", order_id=arguments["order_id"])
    found = any(
        refund["key"] == result["refund_id"] and refund["amount"] == result["amount"] for refund in refunds or ()
    )
    return "" if found else "the refund is not in the ledger"


async def refund_is_cancelled(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """A refund that was cancelled stands in the ledger with what takes it back."""
    refunds = await read("shop__list_refunds", order_id=arguments["order_id"])
    taken_back = {"why": f"cancels {arguments['refund_id']}", "amount": -arguments["amount"]}
    found = any(taken_back.items() <= refund.items() for refund in refunds or ())
    return "" if found else "nothing in the ledger takes the refund back"


async def answer_says_what_happened(read: Read, arguments: Mapping[str, Any], result: JsonValue) -> str:
    """The customer is told a number when money was refunded."""
    if result.get("refund") and str(result.get("amount")).removesuffix(".0") not in result["text"]:
        return "the text does not say how much was refunded"
    return ""
