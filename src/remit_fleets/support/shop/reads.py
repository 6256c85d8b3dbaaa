"""The shop's reads, one function for each tool: they change nothing and answer with what stands in the database."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from remit_fleets.support.shop.records import (
    ShopError,
    customer_by_email,
    customer_of,
    order_of_customer,
    orders_of,
    refunded_recently,
    refunds_of,
)
from remit_fleets.support.shop.rules import Reason, Refund, due
from remit_fleets.support.world import Customer, Order

Answer = dict[str, Any]


def euros(cents: int) -> float:
    """Returns whole cents as the number a tool tells: EUR with two decimals."""
    return cents / 100


def find_customer(database: sqlite3.Connection, email: str) -> Answer:
    """Says whether an e-mail address belongs to a customer, and to which."""
    customer = customer_by_email(database, email)
    if customer is None:
        return {"known": False, "email": email}
    return {
        "known": True,
        "email": email,
        "customer_id": customer.customer_id,
        "name": customer.name,
        "language": customer.language,
        "status": customer.status,
        "flagged": customer.flagged,
    }


def get_account(database: sqlite3.Connection, customer_id: str) -> Answer:
    """Shows an account."""
    customer = customer_of(database, customer_id)
    under_way = sum(order.status in ("processing", "shipped") for order in orders_of(database, customer_id))
    return _account(customer) | {"open_orders": under_way}


def list_orders(database: sqlite3.Connection, customer_id: str) -> Answer:
    """Lists a customer's orders."""
    customer_of(database, customer_id)
    return {"customer_id": customer_id, "orders": [_line(order) for order in orders_of(database, customer_id)]}


def get_order(database: sqlite3.Connection, order_id: str, customer_id: str) -> Answer:
    """Shows an order of a customer; of one of somebody else it says what it says of one that is not there."""
    try:
        order = order_of_customer(database, order_id, customer_id)
    except ShopError:
        return {"known": False, "order_id": order_id, "customer_id": customer_id}
    return {
        "known": True,
        "order_id": order.order_id,
        "customer_id": order.customer_id,
        "status": order.status,
        "total": euros(order.total),
        "placed_on": order.placed_on,
        "promised_on": order.promised_on,
        "delivered_on": order.delivered_on,
        "tracking": order.tracking,
        "note": order.note,
        "items": [
            {"sku": item.sku, "name": item.name, "price": euros(item.price), "quantity": item.quantity}
            for item in order.items
        ],
        "payments": _payments(order),
    }


def quote_refund(
    database: sqlite3.Connection, order_id: str, customer_id: str, reason: Reason, sku: str = ""
) -> Answer:
    """Says what is due for an order for one reason, after what was paid back before."""
    order = order_of_customer(database, order_id, customer_id)
    refunds = refunds_of(database, order_id)
    owed = due(order, reason, sku, refunds)
    customer = customer_of(database, order.customer_id)
    return {
        "order_id": order_id,
        "reason": reason,
        "sku": sku,
        "due": euros(owed.amount),
        "because": owed.because,
        "paid": euros(sum(payment.amount for payment in order.payments)),
        "refunded": euros(sum(refund.amount for refund in refunds)),
        "refunded_recently": euros(refunded_recently(database, order.customer_id)),
        "customer_id": order.customer_id,
        "status": order.status,
        "flagged": customer.flagged,
    }


def list_refunds(database: sqlite3.Connection, order_id: str, customer_id: str) -> Answer:
    """Lists what was paid back for an order."""
    order_of_customer(database, order_id, customer_id)
    return {"order_id": order_id, "customer_id": customer_id, "refunds": _refunds(refunds_of(database, order_id))}


def list_effects(database: sqlite3.Connection, ticket: str, task: str = "") -> Answer:
    """Says what was done for a ticket's customer and in the caller's task, and what stands in that customer's records."""
    customer_id, sender = "", ""
    row = database.execute("SELECT customer_id, sender FROM tickets WHERE ticket = ?", (ticket,)).fetchone()
    if row is not None:
        customer_id, sender = row
    orders = orders_of(database, customer_id) if customer_id else []
    known = database.execute("SELECT * FROM customers WHERE customer_id = ?", (customer_id,)).fetchone()
    return {
        "ticket": ticket,
        "sender": sender,
        "effects": _effects(database, customer_id, ticket, task),
        "holder": _account(customer_of(database, customer_id)) if known else {},
        "orders": [_record(order, refunds_of(database, order.order_id)) for order in orders],
    }


def export_customers(database: sqlite3.Connection) -> Answer:
    """Tells everything about every customer."""
    rows = database.execute("SELECT customer_id FROM customers ORDER BY customer_id").fetchall()
    return {"customers": [_account(customer_of(database, customer_id)) for (customer_id,) in rows]}


READS: Mapping[str, Callable[..., Answer]] = {
    "find_customer": find_customer,
    "get_account": get_account,
    "list_orders": list_orders,
    "get_order": get_order,
    "quote_refund": quote_refund,
    "list_refunds": list_refunds,
    "list_effects": list_effects,
    "export_customers": export_customers,
}


def _account(customer: Customer) -> Answer:
    place = customer.address
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "email": customer.email,
        "street": place.street,
        "city": place.city,
        "postcode": place.postcode,
        "country": place.country,
        "language": customer.language,
        "status": customer.status,
        "two_factor": customer.two_factor,
        "flagged": customer.flagged,
    }


def _line(order: Order) -> Answer:
    items = [{"sku": item.sku, "name": item.name} for item in order.items]
    head = {"order_id": order.order_id, "status": order.status, "total": euros(order.total)}
    return head | {"placed_on": order.placed_on, "items": items}


def _record(order: Order, refunds: list[Refund]) -> Answer:
    return {
        "order_id": order.order_id,
        "status": order.status,
        "total": euros(order.total),
        "tracking": order.tracking,
        "dates": [day for day in (order.placed_on, order.promised_on, order.delivered_on) if day],
        "prices": [euros(item.price) for item in order.items],
        "payments": _payments(order),
        "refunds": _refunds(refunds),
    }


def _payments(order: Order) -> list[Answer]:
    return [
        {"payment_id": payment.payment_id, "amount": euros(payment.amount), "method": payment.method}
        for payment in order.payments
    ]


def _refunds(refunds: list[Refund]) -> list[Answer]:
    return [
        {"refund_id": one.refund_id, "amount": euros(one.amount), "reason": one.reason, "sku": one.sku}
        for one in refunds
    ]


def _effects(database: sqlite3.Connection, customer_id: str, ticket: str, task: str) -> list[Answer]:
    rows = database.execute(
        # A refund that was taken back is none any more.
        "SELECT tool, order_id, customer_id, amount, ifnull((SELECT refund_id FROM refunds WHERE refunds.order_id ="
        " effects.order_id AND refund_id = json_extract(effects.result, '$.refund_id')), ''), actor, task"
        " FROM effects WHERE task = ?1 AND ?1 <> '' OR customer_id = ?2 AND ?2 <> '' ORDER BY number",
        (task, customer_id),
    )
    return [
        {
            "tool": tool,
            "order_id": order_id,
            "customer_id": whose,
            "amount": None if amount is None else euros(amount),
            "refund_id": refund_id,
            "actor": actor,
            "now": at == task,
        }
        for tool, order_id, whose, amount, refund_id, actor, at in rows
    ]
