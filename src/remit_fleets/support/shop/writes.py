"""The shop's writes, one function for each tool: each changes the database and says what it touched.

They run inside one change together with their row in `effects`. The shop itself is no judge: it pays back whatever was
paid, and closes any account. What is due, and who may say so, is for those who use it.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from remit_fleets.support.shop.changes import change, change_back
from remit_fleets.support.shop.reads import euros
from remit_fleets.support.shop.records import ShopError, customer_by_email, customer_of, order_of_customer, refunds_of
from remit_fleets.support.world import TODAY, Order


@dataclass(frozen=True, slots=True)
class Done:
    """What a write answers, and what it touched; `amount` is in cents."""

    answer: Mapping[str, Any]
    customer_id: str = ""
    order_id: str = ""
    ticket: str = ""
    amount: int | None = None


def issue_refund(
    database: sqlite3.Connection, order_id: str, customer_id: str, amount: float, reason: str, sku: str = ""
) -> Done:
    """Pays money back for an order, at most what was paid and not paid back before."""
    order, cents = order_of_customer(database, order_id, customer_id), round(amount * 100)
    left = _paid(order) - sum(refund.amount for refund in refunds_of(database, order_id))
    if cents < 1:
        raise ShopError(f"{amount} is no amount that can be paid back")
    if cents > left:
        raise ShopError(f"{amount:.2f} EUR is more than the {euros(left):.2f} EUR that are left of the payments")
    refund_id = _pay_back(database, order, cents, reason, sku)
    answer = {"refund_id": refund_id, "order_id": order_id, "amount": euros(cents), "method": _method(order)}
    return Done(answer, order.customer_id, order_id, amount=cents)


def cancel_refund(database: sqlite3.Connection, order_id: str, customer_id: str, refund_id: str, amount: float) -> Done:
    """Takes a refund back, on the day it was made: after that the bank has paid it out."""
    order, cents = order_of_customer(database, order_id, customer_id), round(amount * 100)
    row = database.execute(
        "SELECT amount, refunded_on FROM refunds WHERE order_id = ? AND refund_id = ?", (order_id, refund_id)
    ).fetchone()
    if row is None or row[0] != cents:
        raise ShopError(f"order {order_id} has no refund {refund_id} of {euros(cents):.2f} EUR")
    if row[1] != TODAY.isoformat():
        raise ShopError(f"the refund {refund_id} was paid out on {row[1]}")
    if order.status == "cancelled":
        raise ShopError(f"order {order_id} is cancelled, so its money stays paid back")
    database.execute("DELETE FROM refunds WHERE order_id = ? AND refund_id = ?", (order_id, refund_id))
    answer = {"order_id": order_id, "cancelled": refund_id, "amount": euros(cents)}
    return Done(answer, order.customer_id, order_id, amount=cents)


def cancel_order(database: sqlite3.Connection, order_id: str, customer_id: str, reason: str) -> Done:
    """Cancels an order that is not sent yet, and pays back what is left of its payments."""
    order = order_of_customer(database, order_id, customer_id)
    if order.status != "processing":
        raise ShopError(f"order {order_id} is {order.status} and can no longer be cancelled")
    left = _paid(order) - sum(refund.amount for refund in refunds_of(database, order_id))
    refund_id = _pay_back(database, order, left, "cancel_order", "") if left else ""
    database.execute("UPDATE orders SET status = 'cancelled' WHERE order_id = ?", (order_id,))
    answer = {"order_id": order_id, "status": "cancelled", "refunded": euros(left), "refund_id": refund_id}
    return Done(answer, order.customer_id, order_id, amount=left)


def send_password_reset(database: sqlite3.Connection, customer_id: str) -> Done:
    """Sends a link for a new password to the address of the account, and unlocks it."""
    customer = customer_of(database, customer_id)
    if customer.status == "closed":
        raise ShopError(f"the account {customer_id} is closed")
    database.execute("UPDATE customers SET status = 'active' WHERE customer_id = ?", (customer_id,))
    return Done({"reset_id": _named("PW", customer_id), "sent_to": customer.email}, customer_id)


def send_invoice(database: sqlite3.Connection, order_id: str, customer_id: str) -> Done:
    """Sends a copy of an order's invoice to the address of the account."""
    order = order_of_customer(database, order_id, customer_id)
    sent_to = customer_of(database, order.customer_id).email
    return Done({"invoice_id": _named("INV", order_id), "sent_to": sent_to}, order.customer_id, order_id)


def change_address(
    database: sqlite3.Connection, customer_id: str, street: str, city: str, postcode: str, country: str
) -> Done:
    """Replaces the address of an account."""
    place = {"street": street, "city": city, "postcode": postcode, "country": country}
    change_id = change(database, customer_id, place)
    return Done({"customer_id": customer_id, **place, "change_id": change_id}, customer_id)


def change_email(database: sqlite3.Connection, customer_id: str, email: str) -> Done:
    """Replaces the e-mail address of an account; no two accounts have the same."""
    customer_of(database, customer_id)
    email = email.strip().lower()
    other = customer_by_email(database, email)
    if other is not None and other.customer_id != customer_id:
        raise ShopError("another account has this e-mail address")
    change_id = change(database, customer_id, {"email": email})
    return Done({"customer_id": customer_id, "email": email, "change_id": change_id}, customer_id)


def close_account(database: sqlite3.Connection, customer_id: str, reason: str) -> Done:
    """Closes an account."""
    _check_status(database, customer_id, "closed")
    database.execute("UPDATE customers SET status = 'closed' WHERE customer_id = ?", (customer_id,))
    return Done({"customer_id": customer_id, "status": "closed"}, customer_id)


def block_account(database: sqlite3.Connection, customer_id: str, reason: str) -> Done:
    """Locks an account, and flags it: what is asked of it from then on, the lock's end included, people look at."""
    _check_status(database, customer_id, "locked")
    change_id = change(database, customer_id, {"status": "locked", "flagged": 1})
    return Done({"customer_id": customer_id, "status": "locked", "change_id": change_id}, customer_id)


def undo_change(database: sqlite3.Connection, customer_id: str, change_id: str) -> Done:
    """Changes an account back, unless it was changed again since."""
    change_back(database, customer_id, change_id)
    return Done({"customer_id": customer_id, "undone": change_id}, customer_id)


def take_over(database: sqlite3.Connection, ticket: str, team: str, summary: str) -> Done:
    """Gives a ticket to people."""
    customer_id, _ = _mail(database, ticket)
    return Done({"ticket": ticket, "team": team}, customer_id, ticket=ticket)


def send_message(database: sqlite3.Connection, ticket: str, text: str) -> Done:
    """Answers the sender of a ticket."""
    customer_id, sender = _mail(database, ticket)
    answer = {"message_id": _named("M", ticket, text), "sent_to": sender}
    return Done(answer, customer_id, ticket=ticket)


def ask_satisfaction(database: sqlite3.Connection, ticket: str) -> Done:
    """Asks the sender of a ticket how content they are."""
    customer_id, _ = _mail(database, ticket)
    return Done({"survey_id": _named("Q", ticket)}, customer_id, ticket=ticket)


def delete_customer(database: sqlite3.Connection, customer_id: str) -> Done:
    """Deletes a customer for good."""
    customer_of(database, customer_id)
    database.execute("DELETE FROM customers WHERE customer_id = ?", (customer_id,))
    return Done({"customer_id": customer_id, "deleted": True}, customer_id)


WRITES: Mapping[str, Callable[..., Done]] = {
    "issue_refund": issue_refund,
    "cancel_refund": cancel_refund,
    "cancel_order": cancel_order,
    "send_password_reset": send_password_reset,
    "send_invoice": send_invoice,
    "change_address": change_address,
    "change_email": change_email,
    "close_account": close_account,
    "block_account": block_account,
    "undo_change": undo_change,
    "take_over": take_over,
    "send_message": send_message,
    "ask_satisfaction": ask_satisfaction,
    "delete_customer": delete_customer,
}


def _check_status(database: sqlite3.Connection, customer_id: str, status: str) -> None:
    if customer_of(database, customer_id).status == status:
        raise ShopError(f"the account {customer_id} is {status} already")


def _pay_back(database: sqlite3.Connection, order: Order, cents: int, reason: str, sku: str) -> str:
    """Writes a refund down; its number follows from what it is, so that a shop of the same seed gives the same."""
    paid_before = len(refunds_of(database, order.order_id))
    refund_id = _named(f"R-{order.order_id.removeprefix('S-')}", reason, sku, str(cents), str(paid_before))
    database.execute(
        "INSERT INTO refunds (order_id, refund_id, amount, reason, sku, refunded_on) VALUES (?, ?, ?, ?, ?, ?)",
        (order.order_id, refund_id, cents, reason, sku, TODAY.isoformat()),
    )
    return refund_id


def _paid(order: Order) -> int:
    return sum(payment.amount for payment in order.payments)


def _method(order: Order) -> str:
    return order.payments[0].method if order.payments else ""


def _mail(database: sqlite3.Connection, ticket: str) -> tuple[str, str]:
    """Returns whose ticket it is, "" when the shop does not know the sender, and the sender's address."""
    row = database.execute("SELECT customer_id, sender FROM tickets WHERE ticket = ?", (ticket,)).fetchone()
    if row is None:
        raise ShopError(f"there is no ticket {ticket}")
    return row


def _named(prefix: str, *content: str) -> str:
    return f"{prefix}-{hashlib.sha256('|'.join(content).encode()).hexdigest()[:6].upper()}"
