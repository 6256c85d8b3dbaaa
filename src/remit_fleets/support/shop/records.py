"""What the shop knows, read from its database: orders and customers as the world has them, refunds as the rules do."""

import sqlite3
from datetime import timedelta
from typing import Any

from remit_fleets.support.shop.rules import Refund
from remit_fleets.support.world import TODAY, Address, Customer, Item, Order, Payment

RECENT_DAYS = 30
"""Refunds of so many days count together."""


class ShopError(Exception):
    """The shop refuses, in words for the agent; nothing has happened."""


def order_of(database: sqlite3.Connection, order_id: str) -> Order:
    """Returns an order; one that is not there is refused."""
    row = database.execute("SELECT * FROM orders WHERE order_id = ?", (order_id,)).fetchone()
    if row is None:
        raise _no_order(order_id)
    items = database.execute(
        "SELECT sku, name, price, quantity, is_returned, is_missing FROM items WHERE order_id = ? ORDER BY line",
        (order_id,),
    ).fetchall()
    payments = database.execute("SELECT payment_id, amount, method FROM payments WHERE order_id = ?", (order_id,))
    _, customer_id, status, placed_on, promised_on, delivered_on, tracking, note = row
    return Order(
        order_id=order_id,
        customer_id=customer_id,
        items=tuple(Item(*item[:4]) for item in items),
        status=status,
        placed_on=placed_on,
        promised_on=promised_on,
        delivered_on=delivered_on,
        payments=tuple(Payment(*payment) for payment in payments),
        returned=tuple(item[0] for item in items if item[4]),
        missing=tuple(item[0] for item in items if item[5]),
        tracking=tracking,
        note=note,
    )


def order_of_customer(database: sqlite3.Connection, order_id: str, customer_id: str) -> Order:
    """Returns an order of this customer; one of somebody else is refused as one that is not there."""
    order = order_of(database, order_id)
    if order.customer_id != customer_id:
        raise _no_order(order_id)
    return order


def orders_of(database: sqlite3.Connection, customer_id: str) -> list[Order]:
    """Returns the orders of a customer, in the order of their numbers."""
    rows = database.execute("SELECT order_id FROM orders WHERE customer_id = ? ORDER BY order_id", (customer_id,))
    return [order_of(database, order_id) for (order_id,) in rows.fetchall()]


def customer_of(database: sqlite3.Connection, customer_id: str) -> Customer:
    """Returns a customer; one that is not there is refused."""
    row = database.execute("SELECT * FROM customers WHERE customer_id = ?", (customer_id,)).fetchone()
    if row is None:
        raise ShopError(f"there is no customer {customer_id}")
    return _customer(row)


def customer_by_email(database: sqlite3.Connection, email: str) -> Customer | None:
    """Returns the customer with an e-mail address, or nobody."""
    row = database.execute("SELECT * FROM customers WHERE email = lower(trim(?))", (email,)).fetchone()
    return _customer(row) if row else None


def refunds_of(database: sqlite3.Connection, order_id: str) -> list[Refund]:
    """Returns what was paid back for an order."""
    columns = "refund_id, amount, reason, sku"
    return [
        Refund(*row)
        for row in database.execute(f"SELECT {columns} FROM refunds WHERE order_id = ?", (order_id,))  # noqa: S608
    ]


def refunded_recently(database: sqlite3.Connection, customer_id: str) -> int:
    """Returns what was paid back to a customer within the last days, for whichever order, in cents."""
    since = (TODAY - timedelta(days=RECENT_DAYS)).isoformat()
    (amount,) = database.execute(
        "SELECT coalesce(sum(amount), 0) FROM refunds JOIN orders USING (order_id)"
        " WHERE customer_id = ? AND refunded_on >= ?",
        (customer_id, since),
    ).fetchone()
    return amount


def _no_order(order_id: str) -> ShopError:
    return ShopError(f"there is no order {order_id} of this customer")


def _customer(row: tuple[Any, ...]) -> Customer:
    customer_id, name, email, street, city, postcode, country, language, status, two_factor, flagged = row
    return Customer(
        customer_id=customer_id,
        name=name,
        email=email,
        address=Address(street, city, postcode, country),
        language=language,
        status=status,
        two_factor=bool(two_factor),
        flagged=bool(flagged),
    )
