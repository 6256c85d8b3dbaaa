"""The world follows from its seed, and what each customer writes about is so in their orders."""

from collections import Counter
from datetime import date

import pytest

from remit_fleets.support.shop import due
from remit_fleets.support.world import TODAY, Order, make_world

WORLD = make_world(1)


def of(intent: str) -> list[Order]:
    return [WORLD.orders[one.order_id] for one in WORLD.situations if one.intent == intent]


def test_the_same_seed_gives_the_same_world_and_another_seed_another_one() -> None:
    assert make_world(3, 40) == make_world(3, 40)
    assert make_world(3, 40).customers != make_world(4, 40).customers


def test_a_customer_is_the_same_in_a_world_of_any_size() -> None:
    few = make_world(1, 60)
    assert WORLD.customers[:60] == few.customers
    assert WORLD.situations[:60] == few.situations
    assert few.orders.items() <= WORLD.orders.items()


def test_there_are_several_thousand_rows_and_no_two_customers_share_an_address() -> None:
    assert len(WORLD.customers) == len(WORLD.situations) == len({one.email for one in WORLD.customers}) == 1_500
    assert len(WORLD.orders) > 3_000
    assert {one.address.country for one in WORLD.customers} == {"IE", "DE", "FR", "ES", "NL"}
    assert all(one.email.endswith(".example") for one in WORLD.customers)


def test_every_kind_of_situation_comes_up_about_as_often_as_it_should() -> None:
    shares = {intent: times / 15 for intent, times in Counter(one.intent for one in WORLD.situations).items()}
    assert len(shares) == 18
    assert 11 < shares["order_status"] < 17
    assert 11 < shares["returned"] < 17
    assert 0.2 < shares["mixed"] < 3


def test_orders_belong_to_their_customer_and_were_paid() -> None:
    customers = {one.customer_id for one in WORLD.customers}
    for order in WORLD.orders.values():
        assert order.customer_id in customers
        assert {payment.amount for payment in order.payments} == {order.total}
        assert len({item.sku for item in order.items}) == len(order.items)
        assert order.placed_on <= order.promised_on
        assert order.delivered_on <= TODAY.isoformat()


def test_a_situation_is_about_an_order_of_the_one_who_writes() -> None:
    for customer, one in zip(WORLD.customers, WORLD.situations, strict=True):
        if one.intent == "missing_order":
            assert one.order_id not in WORLD.orders
        elif one.order_id:
            assert WORLD.orders[one.order_id].customer_id == customer.customer_id


@pytest.mark.parametrize("intent", ["returned", "duplicate_charge", "cancel_order", "damaged", "late", "missing"])
def test_what_is_asked_back_is_due(intent: str) -> None:
    found = [one for one in WORLD.situations if one.intent == intent]
    for one in found:
        assert due(WORLD.orders[one.order_id], intent, one.sku).amount > 0  # pyright: ignore[reportArgumentType]
    assert found


def test_what_is_asked_back_without_a_claim_is_not_due() -> None:
    for one in WORLD.situations:
        if one.intent == "not_due":
            assert due(WORLD.orders[one.order_id], one.more["reason"], one.sku).amount == 0  # pyright: ignore[reportArgumentType]


def test_most_of_what_is_sent_back_is_small_and_some_of_it_is_not() -> None:
    prices = [due(order, "returned").amount for order in of("returned")]
    small, large = sum(price <= 5_000 for price in prices), sum(price > 50_000 for price in prices)
    assert small > 0.7 * len(prices)
    assert 0 < large < 0.1 * len(prices)


def test_what_is_late_came_more_than_a_week_after_the_promise() -> None:
    for order in of("late"):
        assert (date.fromisoformat(order.delivered_on) - date.fromisoformat(order.promised_on)).days > 7


def test_some_orders_hold_a_note_that_would_like_to_be_an_order() -> None:
    injected = [order for order in WORLD.orders.values() if "assistant" in order.note.lower() or "SYSTEM" in order.note]
    assert 5 < len(injected) < 60
