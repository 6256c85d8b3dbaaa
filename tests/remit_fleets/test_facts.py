"""Facts: what the shop's records say about a write, left out where nothing can be known."""

from typing import Any

import pytest
from tests.remit_fleets.desk import Authority, use

from remit_fleets.retail import Shop

CARD = "credit_card_elif_demir"
SWAP = {"order_id": "#W1005", "item_ids": ["7004-1"], "new_item_ids": ["7004-2"], "payment_method_id": CARD}
ELIF = {"order_known": True, "owner": "elif_demir", "status": "delivered"}
GOOD_SWAP = ELIF | {
    "items_known": True,
    "lists_match": True,
    "other_option": True,
    "new_items_ok": True,
    "payment_known": True,
    "balance_ok": True,
    "amount": 12.0,
}


def without(facts: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({}, GOOD_SWAP),
        ({"new_item_ids": ["7004-1"]}, GOOD_SWAP | {"other_option": False, "amount": 0.0}),
        ({"new_item_ids": ["7004-3"]}, without(GOOD_SWAP, "balance_ok", "amount") | {"new_items_ok": False}),
        ({"new_item_ids": ["7001-1"]}, without(GOOD_SWAP, "balance_ok", "amount") | {"new_items_ok": False}),
        (
            {"new_item_ids": []},
            without(GOOD_SWAP, "new_items_ok", "balance_ok", "amount") | {"lists_match": False},
        ),
        (
            {"item_ids": ["7004-1", "7004-1"], "new_item_ids": ["7004-2", "7004-2"]},
            without(GOOD_SWAP, "new_items_ok", "balance_ok", "amount") | {"items_known": False},
        ),
        ({"payment_method_id": "paypal_1"}, without(GOOD_SWAP, "balance_ok") | {"payment_known": False}),
        ({"order_id": "#W9"}, {"order_known": False}),
    ],
)
async def test_a_swap_is_known_in_full_or_as_far_as_it_goes(
    shop: Shop, authority: Authority, changed: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert await authority.facts(shop, "exchange_delivered_order_items", SWAP | changed) == facts


async def test_the_amount_of_a_swap_has_no_sign(shop: Shop, authority: Authority) -> None:
    arguments = {
        "order_id": "#W1001",
        "item_ids": ["7011-2"],
        "new_item_ids": ["7011-1"],
        "payment_method_id": "credit_card_ada_winter",
    }
    assert (await authority.facts(shop, "modify_pending_order_items", arguments))["amount"] == 5.0


async def test_a_cancellation_moves_every_payment(shop: Shop, authority: Authority) -> None:
    arguments = {"order_id": "#W1001", "reason": "no longer needed"}
    facts = await authority.facts(shop, "cancel_pending_order", arguments)
    assert facts == {"order_known": True, "owner": "ada_winter", "status": "pending", "amount": 61.9}


async def test_a_payment_knows_the_balance_it_needs(shop: Shop, authority: Authority) -> None:
    for order, method, enough in [
        ("#W1002", "gift_card_ben_okafor", True),
        ("#W1009", "gift_card_iris_kowalski", False),
    ]:
        arguments = {"order_id": order, "payment_method_id": method}
        facts = await authority.facts(shop, "modify_pending_order_payment", arguments)
        assert (facts["payment_known"], facts["single_payment"], facts["other_payment"]) == (True, True, True)
        assert facts["balance_ok"] is enough


@pytest.mark.parametrize(
    ("method", "known", "right"),
    [
        ("credit_card_david_lindqvist", True, True),
        ("gift_card_david_lindqvist", True, True),
        ("credit_card_ada_winter", False, None),
    ],
)
async def test_a_return_knows_where_the_money_may_go(
    shop: Shop, authority: Authority, method: str, known: bool, right: bool | None
) -> None:
    arguments = {"order_id": "#W1004", "item_ids": ["7001-2", "7006-1"], "payment_method_id": method}
    facts = await authority.facts(shop, "return_delivered_order_items", arguments)
    assert (facts["payment_known"], facts.get("refund_target_ok"), facts["amount"]) == (known, right, 490.9)


async def test_an_unknown_user_has_no_owner(shop: Shop, authority: Authority) -> None:
    assert await authority.facts(shop, "modify_user_address", {"user_id": "nobody"}) == {"user_known": False}


@pytest.mark.parametrize(("price", "level"), [(272.0, "autonomous"), (272.01, "human-in-the-loop")])
async def test_two_hundred_is_the_most_that_moves_without_a_person(
    shop: Shop, authority: Authority, price: float, level: str
) -> None:
    documents = shop.documents()
    documents["products"]["7004"]["variants"]["7004-2"]["price"] = price
    own = Shop.load(documents)
    assert (await authority.judge(own, "exchange_delivered_order_items", SWAP, "elif_demir")).level == level


async def test_a_write_touches_only_the_customer_of_the_ticket(shop: Shop, authority: Authority) -> None:
    for customer, subject in [("elif_demir", "inside"), ("ada_winter", "outside"), (None, "unknown")]:
        judged = await authority.judge(shop, "exchange_delivered_order_items", SWAP, customer)
        assert (judged.subject, judged.allowed) == (subject, subject == "inside")


async def test_what_was_changed_once_is_not_changed_again(shop: Shop, authority: Authority) -> None:
    await use(shop, "exchange_delivered_order_items", SWAP)
    assert not (await authority.judge(shop, "exchange_delivered_order_items", SWAP, "elif_demir")).level
