"""What policies judge a write by is what the shop's records say, and never an answer about somebody else."""

import sqlite3
from typing import Any

import pytest
from tests.remit_fleets.support.shops import SMALL_WORLD, call, caller, reading, situation

from remit_fleets.support import facts
from remit_fleets.support.answers import AnotherAnswerError
from remit_fleets.support.shop import Mail, put_in
from remit_fleets.support.shop.faults import meets
from remit_fleets.support.shop.rules import REASONS, due
from remit_fleets.support.world import Order

ANN = SMALL_WORLD.customers[0]
# A key that the fault meets.
MET = next(key for key in map(str, range(99)) if meets("wrong-answer", key))
WRONG: dict[str, Any] = {"faults": frozenset({"wrong-answer"}), "key": MET}
UNKNOWN: list[tuple[Any, dict[str, Any]]] = [
    (facts.refund, {"order_id": "S-1", "customer_id": ANN.customer_id, "amount": 1.0, "reason": "late"}),
    (facts.cancellation, {"order_id": "S-1", "customer_id": ANN.customer_id}),
    (facts.invoice, {"order_id": "S-1", "customer_id": ANN.customer_id}),
    (facts.account, {"customer_id": "C-1"}),
]


def named(order: Order) -> dict[str, Any]:
    """Returns how a call names an order and whose it is."""
    return {"order_id": order.order_id, "customer_id": order.customer_id}


@pytest.mark.parametrize("reason", REASONS)
async def test_a_refund_is_due_to_the_cent(shop: sqlite3.Connection, reason: Any) -> None:
    found, order = situation(reason)
    owed = due(order, reason, found.sku).amount
    asked = {**named(order), "reason": reason, "sku": found.sku}
    for amount, is_due in ((owed, True), (owed + 1, False), (owed - 1, False)):
        told = await facts.refund(reading(shop), asked | {"amount": amount / 100}, {})
        assert told == {
            "known": True,
            "customer": order.customer_id,
            "due": owed / 100,
            "is_due": is_due,
            "total_recent": amount / 100,
            "partial": reason in ("damaged", "late", "missing"),
            "flagged": next(one.flagged for one in SMALL_WORLD.customers if one.customer_id == order.customer_id),
            "status": order.status,
        }


async def test_nothing_is_due_once_it_was_paid_back(shop: sqlite3.Connection) -> None:
    found, order = situation("returned")
    asked = {**named(order), "amount": due(order, "returned").amount / 100, "reason": "returned"}
    call(shop, "issue_refund", **asked, sku=found.sku)
    told = await facts.refund(reading(shop), asked, {})
    assert (told["due"], told["is_due"]) == (0, False)


async def test_what_was_paid_back_to_a_customer_before_counts_with_what_is_asked_for_now(
    shop: sqlite3.Connection,
) -> None:
    _, order = situation("returned")
    of_owner = [one for one in SMALL_WORLD.orders.values() if one.customer_id == order.customer_id]
    other = next(one for one in of_owner if one.order_id != order.order_id and one.payments)
    call(shop, "issue_refund", order_id=other.order_id, amount=3.30, reason="late")
    told = await facts.refund(reading(shop), {**named(order), "amount": 34.50, "reason": "returned"}, {})
    assert told["total_recent"] == 37.80
    told = await facts.cancellation(reading(shop), named(order), {})
    assert told["total_recent"] == 3.30


async def test_of_an_order_of_somebody_else_there_is_no_fact_but_that_it_is_not_known(
    shop: sqlite3.Connection,
) -> None:
    _, order = situation("returned")
    other = next(one.customer_id for one in SMALL_WORLD.customers if one.customer_id != order.customer_id)
    asked = {**named(order), "customer_id": other, "amount": 1.0, "reason": "returned"}
    for function in (facts.refund, facts.cancellation, facts.invoice):
        assert await function(reading(shop), asked, {}) == {"known": False}


async def test_a_cancellation_is_worth_what_was_paid_and_nothing_when_it_is_too_late(shop: sqlite3.Connection) -> None:
    _, order = situation("cancel_order")
    told = await facts.cancellation(reading(shop), {**named(order), "reason": "by mistake"}, {})
    assert (told["due"], told["is_due"], told["status"]) == (order.total / 100, True, "processing")
    assert told["total_recent"] == order.total / 100
    _, late = situation("returned")
    told = await facts.cancellation(reading(shop), named(late), {})
    assert (told["due"], told["is_due"], told["status"]) == (0, False, "delivered")


async def test_an_invoice_and_an_account_have_an_owner(shop: sqlite3.Connection) -> None:
    _, order = situation("invoice_copy")
    told = await facts.invoice(reading(shop), named(order), {})
    assert (told["known"], told["customer"], told["status"]) == (True, order.customer_id, "delivered")
    call(shop, "block_account", caller("r:1"), customer_id=ANN.customer_id, reason="")
    told = await facts.account(reading(shop), {"customer_id": ANN.customer_id}, {})
    assert (told["known"], told["customer"], told["status"]) == (True, ANN.customer_id, "locked")
    assert (told["two_factor"], told["flagged"]) == (ANN.two_factor, True)  # blocking flags it


@pytest.mark.parametrize(("function", "arguments"), UNKNOWN)
async def test_of_what_the_shop_does_not_know_there_is_no_fact_but_that(
    shop: sqlite3.Connection, function: Any, arguments: dict[str, Any]
) -> None:
    assert await function(reading(shop), arguments, {}) == {"known": False}


async def test_an_answer_about_somebody_else_is_no_fact(shop: sqlite3.Connection) -> None:
    order = situation("returned")[1]
    for function, arguments in UNKNOWN:
        asked = arguments | (named(order) if "order_id" in arguments else {"customer_id": ANN.customer_id})
        with pytest.raises(AnotherAnswerError, match="is about another"):
            await function(reading(shop, **WRONG), asked, {})


async def test_who_wrote_a_ticket_is_said_as_the_task_has_it_and_of_no_ticket_nothing(shop: sqlite3.Connection) -> None:
    put_in(shop, [Mail("T-1", ANN.email, "Hello", "Please help me.")])
    mine = {"sender": ANN.email.upper()}
    assert await facts.ticket(reading(shop), {"ticket": "T-1"}, mine) == mine
    assert await facts.ticket(reading(shop), {"ticket": "T-1"}, {"sender": "x@elsewhere.example"}) == {
        "sender": ANN.email
    }
    assert await facts.ticket(reading(shop), {"ticket": "T-1"}, {}) == {"sender": ANN.email}
    assert await facts.ticket(reading(shop), {"ticket": "T-2"}, mine) == {}
