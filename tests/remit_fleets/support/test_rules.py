"""What is due follows from the order, the reason and what was paid back before."""

from dataclasses import replace

import pytest

from remit_fleets.support.shop.rules import Reason, Refund, due
from remit_fleets.support.world import Item, Order, Payment

MUG, LAMP = Item("MUG", "Mug", 1_250, 2), Item("LAMP", "Lamp", 3_333, 1)
PAID = Payment("P-1-1", 5_833, "card")
ORDER = Order(
    order_id="S-1",
    customer_id="C-1",
    items=(MUG, LAMP),
    status="delivered",
    placed_on="2026-08-01",
    promised_on="2026-08-05",
    delivered_on="2026-08-05",
    payments=(PAID,),
)
TWICE = replace(ORDER, payments=(PAID, replace(PAID, payment_id="P-1-2")))
SENT_BACK = replace(ORDER, returned=("MUG",))
BOTH_BACK = replace(ORDER, returned=("MUG", "LAMP"))
NOT_PACKED = replace(ORDER, missing=("LAMP",))
LATE = replace(ORDER, delivered_on="2026-08-13")
PACKING = replace(ORDER, status="processing", delivered_on="")
ON_ITS_WAY = replace(ORDER, status="shipped", delivered_on="")
CANCELLED = replace(PACKING, status="cancelled")


@pytest.mark.parametrize(
    ("order", "reason", "sku", "cents"),
    [
        (SENT_BACK, "returned", "MUG", 2_500),
        (SENT_BACK, "returned", "", 2_500),
        (SENT_BACK, "returned", "LAMP", 0),
        (BOTH_BACK, "returned", "", 5_833),
        (ORDER, "returned", "", 0),
        (TWICE, "duplicate_charge", "", 5_833),
        (ORDER, "duplicate_charge", "", 0),
        (PACKING, "cancel_order", "", 5_833),
        (ON_ITS_WAY, "cancel_order", "", 0),
        (ORDER, "cancel_order", "", 0),
        (CANCELLED, "cancel_order", "", 0),
        (ORDER, "damaged", "LAMP", 1_000),  # 30 % of 33.33 are 9.999
        (ORDER, "damaged", "MUG", 750),
        (ORDER, "damaged", "", 0),
        (ON_ITS_WAY, "damaged", "LAMP", 0),
        (SENT_BACK, "damaged", "MUG", 0),
        (NOT_PACKED, "damaged", "LAMP", 0),
        (LATE, "late", "", 583),  # 10 % of 58.33 are 5.833
        (replace(ORDER, delivered_on="2026-08-12"), "late", "", 0),
        (ORDER, "late", "", 0),
        (ON_ITS_WAY, "late", "", 0),
        (NOT_PACKED, "missing", "LAMP", 3_333),
        (NOT_PACKED, "missing", "", 3_333),
        (NOT_PACKED, "missing", "MUG", 0),
        (ORDER, "missing", "", 0),
        (SENT_BACK, "returned", "SOFA", 0),
    ],
)
def test_what_is_due_for_a_reason(order: Order, reason: Reason, sku: str, cents: int) -> None:
    owed = due(order, reason, sku)
    assert owed.amount == cents
    assert owed.because


@pytest.mark.parametrize(
    ("order", "reason", "sku", "before", "cents"),
    [
        (SENT_BACK, "returned", "MUG", Refund("R", 2_500, "returned", "MUG"), 0),
        (SENT_BACK, "returned", "MUG", Refund("R", 2_500, "returned"), 0),
        (SENT_BACK, "returned", "", Refund("R", 2_500, "returned", "MUG"), 0),
        (BOTH_BACK, "returned", "", Refund("R", 2_500, "returned", "MUG"), 3_333),
        (BOTH_BACK, "returned", "LAMP", Refund("R", 2_500, "returned", "MUG"), 3_333),
        (BOTH_BACK, "returned", "LAMP", Refund("R", 1_000, "damaged", "LAMP"), 2_333),
        (LATE, "late", "", Refund("R", 583, "late"), 0),
        (LATE, "late", "MUG", Refund("R", 583, "late", "LAMP"), 0),
        (LATE, "late", "", Refund("R", 100, "late"), 483),
        (LATE, "late", "", Refund("R", 2_500, "returned", "MUG"), 583),
        (LATE, "late", "", Refund("R", 5_800, "returned"), 33),  # no more than what is left of the payments
        (TWICE, "duplicate_charge", "", Refund("R", 5_833, "duplicate_charge"), 0),
        (PACKING, "cancel_order", "", Refund("R", 833, "late"), 5_000),
    ],
)
def test_nothing_is_paid_back_twice(order: Order, reason: Reason, sku: str, before: Refund, cents: int) -> None:
    assert due(order, reason, sku, [before]).amount == cents


@pytest.mark.parametrize(("price", "cents"), [(5, 2), (15, 5), (1, 0), (2, 1), (995, 299)])
def test_half_a_cent_is_rounded_up(price: int, cents: int) -> None:
    order = replace(ORDER, items=(Item("X", "X", price, 1),))
    assert due(order, "damaged", "X").amount == cents
