"""What the shop owes a customer: one rule for each reason, over an order and what was paid back before. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from remit_fleets.support.world import Item, Order

Reason = Literal["returned", "duplicate_charge", "cancel_order", "damaged", "late", "missing"]
REASONS: tuple[Reason, ...] = get_args(Reason)

DAMAGED_PERCENT, LATE_PERCENT = 30, 10
LATE_AFTER_DAYS = 7
# What is paid back for an item under one of these counts under the others, too: nothing is paid for twice.
_FOR_AN_ITEM: tuple[Reason, ...] = ("returned", "damaged", "missing")


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that was paid back, in cents; `sku` is "" when it was not for one item."""

    refund_id: str
    amount: int
    reason: str
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """What is owed, in cents, and why; 0 with the reason why nothing is."""

    amount: int
    because: str


def due(order: Order, reason: Reason, sku: str = "", refunds: Iterable[Refund] = ()) -> Due:
    """Returns what is due for a reason; without a `sku` for every item the reason holds for."""
    before = tuple(refunds)
    if sku and sku not in {item.sku for item in order.items}:
        return Due(0, f"there is no item {sku} in this order")
    if order.status == "cancelled":
        return Due(0, "the order is cancelled and was paid back")
    owed = _RULES[reason](order, sku)
    if not owed.amount:
        return owed
    left = sum(payment.amount for payment in order.payments) - sum(refund.amount for refund in before)
    open_amount = min(owed.amount - _paid_back(before, reason, sku), left)
    return Due(open_amount, owed.because) if open_amount > 0 else Due(0, "it was paid back before")


def _paid_back(refunds: Sequence[Refund], reason: Reason, sku: str) -> int:
    if reason not in _FOR_AN_ITEM:
        return sum(one.amount for one in refunds if one.reason == reason)
    return sum(one.amount for one in refunds if one.reason in _FOR_AN_ITEM and (not sku or one.sku in (sku, "")))


def _returned(order: Order, sku: str) -> Due:
    items = [item for item in _asked(order, sku) if item.sku in order.returned]
    return Due(_worth(items), "it came back") if items else Due(0, "nothing of it came back yet")


def _duplicate_charge(order: Order, sku: str) -> Due:
    amounts = [payment.amount for payment in order.payments]
    twice = sum(amounts) - sum(set(amounts))
    return Due(twice, "it was charged twice") if twice else Due(0, "it was charged once")


def _cancel_order(order: Order, sku: str) -> Due:
    if order.status != "processing":
        return Due(0, f"the order is {order.status} and can no longer be cancelled")
    return Due(sum(payment.amount for payment in order.payments), "the order is not sent yet")


def _damaged(order: Order, sku: str) -> Due:
    if order.status != "delivered":
        return Due(0, f"the order is {order.status}")
    if not sku:
        return Due(0, "it was not said which item is damaged")
    if sku in order.returned or sku in order.missing:
        return Due(0, "the customer does not have the item")
    return Due(_percent(_worth(_asked(order, sku)), DAMAGED_PERCENT), f"{DAMAGED_PERCENT} % of a damaged item")


def _late(order: Order, sku: str) -> Due:
    if not order.delivered_on:
        return Due(0, f"the order is {order.status}; what is late is known when it has arrived")
    days = (date.fromisoformat(order.delivered_on) - date.fromisoformat(order.promised_on)).days
    if days <= LATE_AFTER_DAYS:
        return Due(
            0,
            f"it came {days} days after the promised day; {LATE_AFTER_DAYS} are allowed"
            if days > 0
            else "it came in time",
        )
    return Due(_percent(order.total, LATE_PERCENT), f"it came {days} days after the promised day")


def _missing(order: Order, sku: str) -> Due:
    items = [item for item in _asked(order, sku) if item.sku in order.missing]
    return Due(_worth(items), "the warehouse did not pack it") if items else Due(0, "the warehouse packed everything")


_RULES: Mapping[Reason, Callable[[Order, str], Due]] = {
    "returned": _returned,
    "duplicate_charge": _duplicate_charge,
    "cancel_order": _cancel_order,
    "damaged": _damaged,
    "late": _late,
    "missing": _missing,
}


def _asked(order: Order, sku: str) -> tuple[Item, ...]:
    return tuple(item for item in order.items if not sku or item.sku == sku)


def _worth(items: Iterable[Item]) -> int:
    return sum(item.price * item.quantity for item in items)


def _percent(cents: int, percent: int) -> int:
    """Returns a share in whole cents, half a cent rounded up."""
    return (cents * percent + 50) // 100
