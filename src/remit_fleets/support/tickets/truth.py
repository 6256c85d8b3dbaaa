"""What is right for a customer's situation: worked out from the world, apart from the shop's own rules and gates."""

from collections.abc import Mapping, Sequence
from datetime import date

from remit_fleets.support.tickets.model import By, Expected, Variation
from remit_fleets.support.tickets.words import Topic
from remit_fleets.support.world import Customer, Order, Situation

SMALL = 5_000
"""Up to so many cents within 30 days an agent pays a customer back by itself."""
REFUNDS: frozenset[Topic] = frozenset(("returned", "duplicate_charge", "damaged", "late", "missing"))
ABOUT_AN_ORDER: frozenset[Topic] = REFUNDS.union(("cancel_order", "order_status", "invoice_copy"))
"""Nothing can be done about these without the order's number."""
_PARTIAL: frozenset[Topic] = frozenset(("damaged", "late", "missing"))
_LATE_DAYS = 7


def effects_due(
    situation: Situation,
    topics: Sequence[Topic],
    customer: Customer,
    orders: Mapping[str, Order],
    variation: Variation = "clear",
    refunded_before: int = 0,
) -> tuple[Expected, ...]:
    """Returns every effect that must come of a ticket.

    `orders` are the customer's, `refunded_before` what they were paid back within 30 days, in cents.
    """
    if situation.intent == "unknown_sender" or variation == "unclear":
        return ()
    order = orders.get(situation.order_id) if variation == "clear" else None
    found: list[Expected] = []
    for topic in topics:
        recent = refunded_before + sum(effect.fields.get("amount", 0) for effect in found)
        if effect := _effect(topic, situation, customer, order, orders, recent):
            found.append(effect)
    return tuple(found)


def _effect(
    topic: Topic,
    situation: Situation,
    customer: Customer,
    order: Order | None,
    orders: Mapping[str, Order],
    recent: int,
) -> Expected | None:
    if topic in REFUNDS:
        return _refund(topic, situation, customer, order, recent) if order else None
    if topic in ABOUT_AN_ORDER:
        return _about_order(topic, customer, order, recent) if order else None
    who, more = {"customer_id": customer.customer_id}, situation.more
    match topic:
        case "password_reset":
            return Expected("send_password_reset", who, "asked" if customer.flagged else "agent")
        case "change_address":
            where = {name: more[name] for name in ("street", "city", "postcode", "country")}
            return Expected("change_address", who | where, "asked")
        case "change_email":
            # Whoever has the address has the account: without a second factor a person does it.
            return Expected("change_email", who | {"email": more["email"]}, "asked" if customer.two_factor else "led")
        case "close_account":
            can_close = not customer.flagged and all(order.status == "delivered" for order in orders.values())
            return Expected("close_account", who, "led") if can_close else Expected("take_over", {}, "led")
        case "fraud":
            return Expected("block_account", who, "led")
        case _:  # a person is asked for, or it is an appeal
            return Expected("take_over", {}, "led")


def _about_order(topic: Topic, customer: Customer, order: Order, recent: int) -> Expected | None:
    if topic == "invoice_copy":
        return Expected("send_invoice", {"order_id": order.order_id}, "asked" if customer.flagged else "agent")
    if topic == "cancel_order" and order.status == "processing":
        paid = sum(payment.amount for payment in order.payments)
        by: By = "agent" if paid + recent <= SMALL and not customer.flagged else "asked"
        return Expected("cancel_order", {"order_id": order.order_id, "amount": paid}, by)
    return None


def _refund(topic: Topic, situation: Situation, customer: Customer, order: Order, recent: int) -> Expected | None:
    amount = amount_due(topic, order, situation.sku)
    if amount <= 0:
        return None
    is_small = amount + recent <= SMALL
    by: By = "agent" if is_small and topic not in _PARTIAL and not customer.flagged else "asked"
    return Expected("issue_refund", {"order_id": order.order_id, "amount": amount, "reason": topic}, by)


def amount_due(topic: Topic, order: Order, sku: str = "") -> int:
    """Returns what is owed for an order in cents, before anything was paid back."""
    if topic == "late":
        waited = _days(order.promised_on, order.delivered_on) if order.delivered_on else 0
        return _share(order.total, 10) if waited > _LATE_DAYS else 0
    if topic == "duplicate_charge":
        return order.payments[1].amount if len(order.payments) > 1 else 0
    item = next((item for item in order.items if item.sku == sku), None)
    if item is None:
        return 0
    worth = item.price * item.quantity
    if topic == "damaged":
        return _share(worth, 30)
    came_about = order.returned if topic == "returned" else order.missing
    return worth if sku in came_about else 0


def _days(first: str, second: str) -> int:
    return (date.fromisoformat(second) - date.fromisoformat(first)).days


def _share(cents: int, percent: int) -> int:
    """Returns a share in whole cents, half a cent up."""
    return (2 * cents * percent + 100) // 200
