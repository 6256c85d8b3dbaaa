"""What the shop's own records say about a write, for policies to judge by: one function for each write.

A fact that cannot be known (the price of an item that is not there) is left out, so no rule that asks for it holds.
What the shop does not know is read as None.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from remit.gateway import Read
from remit_fleets.retail.cents import amount_of, cents

Facts = Mapping[str, Any]


async def cancellation(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """`amount` is everything that is refunded."""
    if (order := await _order(read, arguments)) is None:
        return {"order_known": False}
    refunded = sum(cents(entry["amount"]) for entry in order["payment_history"])
    return _known(order) | {"amount": amount_of(refunded)}


async def order_address(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Whose order it is, and whether it is still here."""
    order = await _order(read, arguments)
    return {"order_known": False} if order is None else _known(order)


async def user_address(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """Whether the user exists."""
    user = await read("shop__get_user_details", user_id=arguments["user_id"])
    return {"user_known": False} if user is None else {"user_known": True, "owner": user["user_id"]}


async def payment(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """`amount` is what moves from one method to the other."""
    if (order := await _order(read, arguments)) is None:
        return {"order_known": False}
    method = await _method(read, order, arguments)
    history = order["payment_history"]
    amount = cents(history[0]["amount"])
    return _known(order) | {
        "payment_known": method is not None,
        "single_payment": len(history) == 1 and history[0]["transaction_type"] == "payment",
        "other_payment": history[0]["payment_method_id"] != arguments["payment_method_id"],
        "balance_ok": _covers(method, amount),
        "amount": amount_of(amount),
    }


async def swap(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """For changed and exchanged items alike; `amount` is the difference in price, whoever pays it."""
    if (order := await _order(read, arguments)) is None:
        return {"order_known": False}
    method = await _method(read, order, arguments)
    old, new = arguments["item_ids"], arguments["new_item_ids"]
    facts = _known(order) | {
        "items_known": _all_there(order, old),
        "lists_match": len(old) == len(new),
        "other_option": not any(before == after for before, after in zip(old, new, strict=False)),
        "payment_known": method is not None,
    }
    if not (facts["items_known"] and facts["lists_match"]):
        return facts
    prices = [await _new_price(read, order, before, after) for before, after in zip(old, new, strict=True)]
    if None in prices:
        return facts | {"new_items_ok": False}
    difference = sum(price for price in prices if price is not None) - _worth(order, old)
    return facts | {
        "new_items_ok": True,
        "balance_ok": _covers(method, difference),
        "amount": amount_of(abs(difference)),
    }


async def items_back(read: Read, arguments: Facts, subjects: Mapping[str, str]) -> Facts:
    """`amount` is what the returned items cost."""
    if (order := await _order(read, arguments)) is None:
        return {"order_known": False}
    method = await _method(read, order, arguments)
    facts = _known(order) | {
        "items_known": _all_there(order, arguments["item_ids"]),
        "payment_known": method is not None,
        "refund_target_ok": _may_be_refunded(order, method),
    }
    return facts | {"amount": amount_of(_worth(order, arguments["item_ids"]))} if facts["items_known"] else facts


async def _order(read: Read, arguments: Facts) -> Any:
    return await read("shop__get_order_details", order_id=arguments["order_id"])


async def _method(read: Read, order: Facts, arguments: Facts) -> Facts | None:
    user = await read("shop__get_user_details", user_id=order["user_id"])
    return None if user is None else user["payment_methods"].get(arguments["payment_method_id"])


async def _new_price(read: Read, order: Facts, old: str, new: str) -> int | None:
    """Returns in cents what `new` costs, or None when it is no available variant of the product of `old`."""
    product_id = next(item["product_id"] for item in order["items"] if item["item_id"] == old)
    product = await read("shop__get_product_details", product_id=product_id)
    variant = product["variants"].get(new) if product else None
    return cents(variant["price"]) if variant and variant["available"] else None


def _known(order: Facts) -> dict[str, Any]:
    return {"order_known": True, "owner": order["user_id"], "status": order["status"]}


def _all_there(order: Facts, item_ids: list[str]) -> bool:
    there = Counter(item["item_id"] for item in order["items"])
    return all(there[item_id] >= times for item_id, times in Counter(item_ids).items())


def _worth(order: Facts, item_ids: list[str]) -> int:
    prices = {item["item_id"]: cents(item["price"]) for item in order["items"]}
    return sum(prices[item_id] for item_id in item_ids)


def _covers(method: Facts | None, amount: int) -> bool | None:
    if method is None:
        return None
    return method["source"] != "gift_card" or cents(method["balance"]) >= amount


def _may_be_refunded(order: Facts, method: Facts | None) -> bool | None:
    if method is None:
        return None
    return method["source"] == "gift_card" or method["id"] == order["payment_history"][0]["payment_method_id"]
