"""Gates hold what is so and refute what is not: amounts, orders, refunds paid twice, claims, answers about others."""

import sqlite3
from typing import Any

import pytest
from tests.remit_fleets.support.shops import SMALL_WORLD, call, caller, reading, situation

from remit_fleets.support import gates
from remit_fleets.support.shop import Mail, put_in
from remit_fleets.support.shop.faults import meets
from remit_fleets.support.shop.rules import REASONS, due

FOUND, ORDER = situation("returned")
OWED = due(ORDER, "returned", FOUND.sku).amount / 100
REFUND: dict[str, Any] = {
    "order_id": ORDER.order_id,
    "customer_id": ORDER.customer_id,
    "amount": OWED,
    "reason": "returned",
    "sku": FOUND.sku,
}
OWNER = next(one for one in SMALL_WORLD.customers if one.customer_id == ORDER.customer_id)
OTHER_ORDER = next(one for one in SMALL_WORLD.orders.values() if one.customer_id != OWNER.customer_id)


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "cancel_order"])
async def test_a_refund_is_let_through_when_it_is_exactly_what_is_due(shop: sqlite3.Connection, reason: Any) -> None:
    found, order = situation(reason)
    owed = due(order, reason, found.sku).amount / 100
    whose = {"order_id": order.order_id, "customer_id": order.customer_id}
    asked = {**whose, "amount": owed, "reason": reason, "sku": found.sku}
    assert await gates.refund_is_due(reading(shop), asked, None) == ""


async def test_a_cancelled_order_is_not_paid_back_as_a_refund_that_leaves_it_to_be_sent(
    shop: sqlite3.Connection,
) -> None:
    _, order = situation("cancel_order")
    asked = {"order_id": order.order_id, "amount": order.total / 100, "reason": "cancel_order"}
    assert "is cancelled by cancel_order" in await gates.refund_is_due(reading(shop), asked, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": OWED + 0.01}, "is not what is due"),
        ({"amount": OWED - 0.01}, "is not what is due"),
        ({"amount": 999.0}, f"that is {OWED:.2f} EUR"),
        ({"reason": "late"}, "nothing is due for late"),
        ({"order_id": OTHER_ORDER.order_id}, f"there is no order {OTHER_ORDER.order_id}"),
        ({"customer_id": OTHER_ORDER.customer_id}, f"there is no order {ORDER.order_id}"),
        ({"order_id": "S-999998"}, "there is no order S-999998"),
        ({"sku": "SOFA"}, "there is no item SOFA"),
    ],
)
async def test_another_amount_reason_order_or_item_is_refused(
    shop: sqlite3.Connection, change: dict[str, Any], words: str
) -> None:
    assert words in await gates.refund_is_due(reading(shop), REFUND | change, None)


async def test_the_same_money_is_not_paid_back_twice(shop: sqlite3.Connection) -> None:
    call(shop, "issue_refund", **REFUND)
    assert "it was paid back before" in await gates.refund_is_due(reading(shop), REFUND, None)


async def test_a_refund_is_in_the_ledger_when_the_shop_lists_it(shop: sqlite3.Connection) -> None:
    made = dict(call(shop, "issue_refund", **REFUND).answer)
    assert await gates.refund_is_in_ledger(reading(shop), REFUND, made) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refund_id": "R-1-AAAAAA"}, "does not stand in the shop's records"),
        ({"amount": OWED + 1}, "another refund was made"),
        ({"order_id": OTHER_ORDER.order_id}, "another refund was made"),
    ],
)
async def test_a_refund_that_is_not_what_was_asked_for_is_noticed(
    shop: sqlite3.Connection, change: dict[str, Any], words: str
) -> None:
    made = dict(call(shop, "issue_refund", **REFUND).answer)
    assert words in await gates.refund_is_in_ledger(reading(shop), REFUND, made | change)


async def test_a_refund_that_was_only_said_to_be_made_is_noticed(shop: sqlite3.Connection) -> None:
    said = {"refund_id": "R-1-AAAAAA", "order_id": ORDER.order_id, "amount": OWED, "method": "card"}
    assert "does not stand" in await gates.refund_is_in_ledger(reading(shop), REFUND, said)
    assert await gates.refund_is_in_ledger(reading(shop), REFUND, "paid") == "the answer is no object"


async def test_an_order_is_cancelled_when_the_shop_says_so(shop: sqlite3.Connection) -> None:
    order = situation("cancel_order")[1]
    asked = {"order_id": order.order_id, "customer_id": order.customer_id, "reason": "by mistake"}
    assert "not cancelled" in await gates.order_is_cancelled(reading(shop), asked, {})
    call(shop, "cancel_order", **asked)
    assert await gates.order_is_cancelled(reading(shop), asked, {}) == ""


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("change_address", {"street": "New Lane 1", "city": "Newtown", "postcode": "12345", "country": "NL"}),
    ("change_email", {"email": "Ann@New.example"}),
    ("close_account", {"reason": "asked for"}),
    ("block_account", {"reason": "not theirs"}),
]


@pytest.mark.parametrize(("tool", "more"), CHANGES)
async def test_an_account_says_what_was_changed(shop: sqlite3.Connection, tool: str, more: dict[str, Any]) -> None:
    asked = {"customer_id": OWNER.customer_id, **more}
    done = dict(call(shop, tool, **asked).answer)
    assert await gates.account_says_so(reading(shop), asked, done) == ""
    call(
        shop,
        "change_address",
        caller("r:2"),
        customer_id=OWNER.customer_id,
        street="?",
        city="?",
        postcode="?",
        country="DE",
    )
    call(shop, "change_email", caller("r:3"), customer_id=OWNER.customer_id, email="else@where.example")
    if "status" in done:
        done["status"] = "active"
    assert "the account has another" in await gates.account_says_so(reading(shop), asked, done)
    assert "another customer_id" in await gates.account_says_so(reading(shop), asked, done | {"customer_id": "C-1"})


READS: list[tuple[str, dict[str, Any]]] = [
    ("find_customer", {"email": OWNER.email.upper()}),
    ("get_account", {"customer_id": OWNER.customer_id}),
    ("list_orders", {"customer_id": OWNER.customer_id}),
    ("get_order", {"order_id": ORDER.order_id, "customer_id": ORDER.customer_id}),
    ("quote_refund", {"order_id": ORDER.order_id, "customer_id": ORDER.customer_id, "reason": "late", "sku": ""}),
    ("list_refunds", {"order_id": ORDER.order_id, "customer_id": ORDER.customer_id}),
    ("list_effects", {"ticket": "T-1"}),
]


@pytest.mark.parametrize(("tool", "asked"), READS)
async def test_an_answer_about_somebody_else_is_refused(
    shop: sqlite3.Connection, tool: str, asked: dict[str, Any]
) -> None:
    put_in(shop, [Mail("T-1", OWNER.email, "", ""), Mail("T-2", SMALL_WORLD.customers[1].email, "", "")])
    met = next(key for key in map(str, range(99)) if meets("wrong-answer", key))
    right = call(shop, tool, **asked).answer
    wrong = call(shop, tool, caller(met), frozenset({"wrong-answer"}), **asked).answer
    assert await gates.answer_fits_question(reading(shop), asked, dict(right)) == ""
    assert "another" in await gates.answer_fits_question(reading(shop), asked, dict(wrong))
    assert "does not say which" in await gates.answer_fits_question(reading(shop), asked, {})
    assert await gates.answer_fits_question(reading(shop), asked, None) == "the answer is no object"
