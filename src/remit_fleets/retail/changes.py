"""What each write of the shop does to its documents: check everything, then change everything."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from remit_fleets.retail.cents import amount_of, cents
from remit_fleets.retail.documents import Document, Documents
from remit_fleets.retail.errors import ShopError

CANCEL_REASONS = ("no longer needed", "ordered by mistake")
ITEM_MODIFIED = "pending (item modified)"


def user_of(documents: Documents, user_id: str) -> Document:
    """Returns a user, or refuses."""
    if (user := documents.get("users", user_id)) is None:
        raise ShopError("user_not_found", f"there is no user {user_id}")
    return user


def order_of(documents: Documents, order_id: str) -> Document:
    """Returns an order, or refuses."""
    if (order := documents.get("orders", order_id)) is None:
        raise ShopError("order_not_found", f"there is no order {order_id}; ids look like #W0000000")
    return order


def product_of(documents: Documents, product_id: str) -> Document:
    """Returns a product, or refuses."""
    if (product := documents.get("products", product_id)) is None:
        raise ShopError("product_not_found", f"there is no product {product_id}")
    return product


def cancel_pending_order(documents: Documents, *, order_id: str, reason: str) -> Document:
    """Cancels a pending order and refunds every payment to where it came from."""
    order = _order_with(documents, order_id, "pending")
    if reason not in CANCEL_REASONS:
        raise ShopError("reason", f"a cancellation needs the reason {' or '.join(CANCEL_REASONS)!r}")
    user = user_of(documents, order["user_id"])
    for payment in list(order["payment_history"]):
        order["payment_history"].append(_entry("refund", cents(payment["amount"]), payment["payment_method_id"]))
        _move_balance(user, payment["payment_method_id"], cents(payment["amount"]))
    order |= {"status": "cancelled", "cancel_reason": reason}
    return _save(documents, order, user)


def modify_pending_order_address(documents: Documents, *, order_id: str, **address: str) -> Document:
    """Sends a pending order elsewhere."""
    order = _order_with(documents, order_id, "pending")
    order["address"] = address
    return _save(documents, order)


def modify_user_address(documents: Documents, *, user_id: str, **address: str) -> Document:
    """Replaces a user's own address."""
    user = user_of(documents, user_id)
    user["address"] = address
    documents.put("users", user_id, user)
    return user


def modify_pending_order_payment(documents: Documents, *, order_id: str, payment_method_id: str) -> Document:
    """Pays a pending order by another method and refunds the first."""
    order = _order_with(documents, order_id, "pending")
    user = user_of(documents, order["user_id"])
    method = _method(user, payment_method_id)
    history = order["payment_history"]
    if len(history) != 1 or history[0]["transaction_type"] != "payment":
        raise ShopError("payments_gt_1", "the order must have exactly one payment")
    if history[0]["payment_method_id"] == payment_method_id:
        raise ShopError("same_payment", "the new payment method must differ from the first")
    amount = cents(history[0]["amount"])
    _covers(method, amount)
    first = history[0]["payment_method_id"]
    history += [_entry("payment", amount, payment_method_id), _entry("refund", amount, first)]
    _move_balance(user, payment_method_id, -amount)
    _move_balance(user, first, amount)
    return _save(documents, order, user)


def modify_pending_order_items(
    documents: Documents, *, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
) -> Document:
    """Swaps items of a pending order for other options of the same products; only once."""
    order = _order_with(documents, order_id, "pending")
    places = _places(order, item_ids)
    _same_length(item_ids, new_item_ids)
    if any(old == new for old, new in zip(item_ids, new_item_ids, strict=True)):
        raise ShopError("same_item", "the new item must be another option than the old one")
    variants = _variants(documents, order, places, new_item_ids)
    user = user_of(documents, order["user_id"])
    difference = _difference(order, places, variants)
    _covers(_method(user, payment_method_id), difference)
    kind = "payment" if difference > 0 else "refund"
    order["payment_history"].append(_entry(kind, abs(difference), payment_method_id))
    _move_balance(user, payment_method_id, -difference)
    for place, variant in zip(places, variants, strict=True):
        order["items"][place] |= {name: variant[name] for name in ("item_id", "price", "options")}
    order["status"] = ITEM_MODIFIED
    return _save(documents, order, user)


def return_delivered_order_items(
    documents: Documents, *, order_id: str, item_ids: list[str], payment_method_id: str
) -> Document:
    """Notes that delivered items come back; money moves when they arrive."""
    order = _order_with(documents, order_id, "delivered")
    method = _method(user_of(documents, order["user_id"]), payment_method_id)
    if method["source"] != "gift_card" and payment_method_id != order["payment_history"][0]["payment_method_id"]:
        raise ShopError("refund_target", "a refund goes to the original payment method or to a gift card")
    _places(order, item_ids)
    order |= {
        "status": "return requested",
        "return_items": sorted(item_ids),
        "return_payment_method_id": payment_method_id,
    }
    return _save(documents, order)


def exchange_delivered_order_items(
    documents: Documents, *, order_id: str, item_ids: list[str], new_item_ids: list[str], payment_method_id: str
) -> Document:
    """Notes that delivered items are exchanged; money moves when they arrive."""
    order = _order_with(documents, order_id, "delivered")
    places = _places(order, item_ids)
    _same_length(item_ids, new_item_ids)
    difference = _difference(order, places, _variants(documents, order, places, new_item_ids))
    _covers(_method(user_of(documents, order["user_id"]), payment_method_id), difference)
    order |= {
        "status": "exchange requested",
        "exchange_items": sorted(item_ids),
        "exchange_new_items": sorted(new_item_ids),
        "exchange_payment_method_id": payment_method_id,
        "exchange_price_difference": amount_of(difference),
    }
    return _save(documents, order)


def _order_with(documents: Documents, order_id: str, status: str) -> Document:
    order = order_of(documents, order_id)
    if order["status"] != status:
        raise ShopError("status", f"order {order_id} is {order['status']}; this needs a {status} order")
    return order


def _method(user: Document, payment_method_id: str) -> Document:
    method = user["payment_methods"].get(payment_method_id)
    if method is None:
        raise ShopError("payment_unknown", f"{payment_method_id} is not a payment method of this user")
    return method


def _places(order: Document, item_ids: list[str]) -> list[int]:
    """Returns where each item stands in the order; an item named twice takes two places."""
    for item_id, times in Counter(item_ids).items():
        if sum(item["item_id"] == item_id for item in order["items"]) < times:
            raise ShopError("item_unknown", f"item {item_id} is not in the order that often")
    free = list(range(len(order["items"])))
    places: list[int] = []
    for item_id in item_ids:
        place = next(place for place in free if order["items"][place]["item_id"] == item_id)
        free.remove(place)
        places.append(place)
    return places


def _same_length(item_ids: Sequence[str], new_item_ids: Sequence[str]) -> None:
    if len(item_ids) != len(new_item_ids):
        raise ShopError("len", "name exactly one new item for each old one")


def _variants(documents: Documents, order: Document, places: list[int], new_item_ids: list[str]) -> list[Document]:
    variants: list[Document] = []
    for place, new_item_id in zip(places, new_item_ids, strict=True):
        product = product_of(documents, order["items"][place]["product_id"])
        variant = product["variants"].get(new_item_id)
        if variant is None or not variant["available"]:
            raise ShopError(
                "new_item_unavailable_or_other_product", f"{new_item_id} is not an available {product['name']}"
            )
        variants.append(variant)
    return variants


def _difference(order: Document, places: list[int], variants: list[Document]) -> int:
    """Returns in cents what the new items cost more than the old ones."""
    pairs = zip(places, variants, strict=True)
    return sum(cents(variant["price"]) - cents(order["items"][place]["price"]) for place, variant in pairs)


def _covers(method: Document, amount: int) -> None:
    if method["source"] == "gift_card" and cents(method["balance"]) < amount:
        raise ShopError("gift_card_balance", "the balance of the gift card is too low")


def _move_balance(user: Document, payment_method_id: str, amount: int) -> None:
    method: Any = user["payment_methods"].get(payment_method_id)
    if method is not None and method["source"] == "gift_card":
        method["balance"] = amount_of(cents(method["balance"]) + amount)


def _entry(kind: str, amount: int, payment_method_id: str) -> Document:
    return {"transaction_type": kind, "amount": amount_of(amount), "payment_method_id": payment_method_id}


def _save(documents: Documents, order: Document, user: Document | None = None) -> Document:
    documents.put("orders", order["order_id"], order)
    if user is not None:
        documents.put("users", user["user_id"], user)
    return order
