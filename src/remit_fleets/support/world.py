"""The invented shop before anything happened: customers, their orders, and what each of them will write about.

Customer k is the same for any number of customers, and everything follows from the seed. Nobody in it is real.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Literal

from remit_fleets.support.inventions import (
    INJECTIONS,
    LARGE,
    MIDDLE,
    NOTES,
    PLACES,
    SMALL,
    Language,
    Place,
    Product,
)

TODAY = date(2026, 10, 1)
"""The day on which everything in the shop is looked at."""

STANDARD_CUSTOMERS = 1_500

Intent = Literal[
    "order_status",
    "password_reset",
    "invoice_copy",
    "cancel_order",
    "returned",
    "duplicate_charge",
    "damaged",
    "late",
    "missing",
    "change_address",
    "change_email",
    "close_account",
    "fraud",
    "ask_person",
    "not_due",
    "unknown_sender",
    "mixed",
    "missing_order",
]
OrderStatus = Literal["processing", "shipped", "delivered", "cancelled"]
Method = Literal["card", "paypal", "gift_card"]

_SHARES: Mapping[Intent, int] = {
    "order_status": 14,
    "password_reset": 9,
    "invoice_copy": 6,
    "returned": 14,
    "duplicate_charge": 7,
    "cancel_order": 6,
    "damaged": 8,
    "late": 5,
    "missing": 5,
    "change_address": 6,
    "change_email": 4,
    "close_account": 3,
    "fraud": 2,
    "ask_person": 3,
    "not_due": 4,
    "missing_order": 2,
    "unknown_sender": 1,
    "mixed": 1,
}
_INTENTS = tuple(_SHARES)
_UP_TO = tuple(accumulate(_SHARES.values()))
_LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es", "nl")
_METHODS: tuple[Method, ...] = ("card", "card", "card", "paypal", "paypal", "gift_card")
# So many order numbers belong to one customer; whoever has fewer leaves a gap.
_MOST_ORDERS = 4
_FIRST_ORDER, _FIRST_CUSTOMER = 100_001, 10_001
# In an order of a situation; beside the tickets' own attacks.
_INJECTED_SHARE = 0.015
_NOTED_SHARE = 0.12


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody lives."""

    street: str
    city: str
    postcode: str
    country: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of an order; the price is that of one piece, in cents."""

    sku: str
    name: str
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that was taken for an order, in cents."""

    payment_id: str
    amount: int
    method: Method


@dataclass(frozen=True, slots=True)
class Order:
    """What was bought, paid and delivered; dates are ISO dates, "" where there is none."""

    order_id: str
    customer_id: str
    items: tuple[Item, ...]
    status: OrderStatus
    placed_on: str
    promised_on: str
    delivered_on: str
    payments: tuple[Payment, ...]
    returned: tuple[str, ...] = ()
    """The skus that came back and were checked in."""
    missing: tuple[str, ...] = ()
    """The skus the warehouse did not pack."""
    tracking: str = ""
    note: str = ""
    """What somebody wrote into the order; no instruction to anybody."""

    @property
    def total(self) -> int:
        """What the items cost together, in cents."""
        return sum(item.price * item.quantity for item in self.items)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with an account."""

    customer_id: str
    name: str
    email: str
    address: Address
    language: Language
    status: Literal["active", "locked", "closed"]
    two_factor: bool
    flagged: bool
    """The shop's own fraud checks look at this customer."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a customer will write about. The shop does not hold it.

    `more` has for `change_address` `street`, `city`, `postcode`, `country`; for `change_email` `email`; for `not_due`
    the `reason` a refund is asked for; for `unknown_sender` the `sender`; for `mixed`, which is `returned` and something
    else, that as `also` with the fields of it.
    """

    intent: Intent
    order_id: str = ""
    sku: str = ""
    more: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class World:
    """A shop and what its customers want; `situations` are in the order of `customers`."""

    seed: int
    customers: tuple[Customer, ...]
    orders: Mapping[str, Order]
    situations: tuple[Situation, ...]


def make_world(seed: int, customers: int = STANDARD_CUSTOMERS, first: int = 0) -> World:
    """Returns the world of a seed, or what it has from customer `first` on."""
    people: list[Customer] = []
    orders: dict[str, Order] = {}
    situations: list[Situation] = []
    for number in range(first, first + customers):
        draw = Random(f"{seed}:{number}")  # noqa: S311  an invented shop, not a secret
        customer = _customer(draw, number)
        intent = draw.choices(_INTENTS, cum_weights=_UP_TO)[0]
        situation, theirs = _Shaping(draw, customer, number).shaped(intent)
        people.append(_suited(customer, intent, draw))
        orders.update((order.order_id, order) for order in theirs)
        situations.append(situation)
    return World(seed, tuple(people), orders, tuple(situations))


def _customer(draw: Random, number: int) -> Customer:
    language = draw.choice(_LANGUAGES)
    place = PLACES[language]
    first, last = draw.choice(place.first_names), draw.choice(place.last_names)
    return Customer(
        customer_id=f"C-{_FIRST_CUSTOMER + number}",
        name=f"{first} {last}",
        email=f"{_plain(first)}.{_plain(last)}{number + 1}@{draw.choice(('post', 'mail', 'inbox'))}.example",
        address=_address(draw, place),
        language=language,
        status="active",
        two_factor=draw.random() < 0.25,
        flagged=draw.random() < 0.02,
    )


def _suited(customer: Customer, intent: Intent, draw: Random) -> Customer:
    """Returns the customer as they are when they write: who asks for a new password may be locked out."""
    if intent == "password_reset" and draw.random() < 0.4:
        return replace(customer, status="locked")
    return customer


def _address(draw: Random, place: Place) -> Address:
    street = place.house.format(street=draw.choice(place.streets), number=draw.randint(1, 180))
    postcode = "".join(_postal(draw, sign) for sign in place.postcode)
    return Address(street, draw.choice(place.cities), postcode, place.country)


def _postal(draw: Random, sign: str) -> str:
    if sign == "#":
        return str(draw.randint(1, 9))
    return draw.choice("ABCDEHKNPRSTVWX") if sign == "@" else sign


_PLAIN = str.maketrans({"ü": "ue", "ö": "oe", "ä": "ae", "è": "e", "é": "e", "É": "E", "í": "i", "ñ": "n", "á": "a"})


def _plain(name: str) -> str:
    return name.translate(_PLAIN).lower()


class _Shaping:
    """Makes one customer's orders so that what they write about is so."""

    def __init__(self, draw: Random, customer: Customer, number: int) -> None:
        self._draw = draw
        self._customer = customer
        self._first = _FIRST_ORDER + number * _MOST_ORDERS

    def shaped(self, intent: Intent) -> tuple[Situation, list[Order]]:
        """Returns the situation and all orders of the customer, that of the situation at a drawn place."""
        orders = [self._plain_order(place) for place in range(self._draw.choice((1, 2, 2, 3, 3, _MOST_ORDERS)))]
        at = self._draw.randrange(len(orders))
        order, situation = self._of(intent, orders[at])
        orders[at] = self._noted(order)
        return situation, orders

    def _of(self, intent: Intent, order: Order) -> tuple[Order, Situation]:
        """Returns the order as the situation needs it, and the situation."""
        shape = {
            "order_status": self._under_way,
            "invoice_copy": self._arrived,
            "cancel_order": self._not_yet_sent,
            "returned": self._sent_back,
            "duplicate_charge": self._charged_twice,
            "damaged": self._broken,
            "late": self._much_too_late,
            "missing": self._not_packed,
            "fraud": self._not_ordered,
            "not_due": self._without_a_claim,
            "mixed": self._sent_back_and_more,
        }.get(intent)
        if shape is not None:
            return shape(order)
        if intent == "missing_order":
            return order, Situation(intent, f"S-{self._draw.randint(900_000, 999_999)}")
        return order, Situation(intent, more=self._wish(intent))

    def _plain_order(self, place: int) -> Order:
        """Returns an order with which nothing is wrong."""
        number = self._first + place
        products = SMALL if self._draw.random() < 0.7 else MIDDLE
        items = tuple(self._item(product) for product in self._draw.sample(products, self._draw.choice((1, 1, 2, 3))))
        placed = TODAY - timedelta(days=self._draw.randint(25, 120))
        promised = placed + timedelta(days=self._draw.randint(3, 9))
        order = Order(
            order_id=f"S-{number}",
            customer_id=self._customer.customer_id,
            items=items,
            status="delivered",
            placed_on=placed.isoformat(),
            promised_on=promised.isoformat(),
            delivered_on=(promised - timedelta(days=self._draw.randint(0, 2))).isoformat(),
            payments=(),
            tracking=f"TRK{number}{self._draw.randint(100, 999)}",
            note=self._draw.choice(NOTES[self._customer.language]) if self._draw.random() < _NOTED_SHARE else "",
        )
        return self._paid(order)

    def _item(self, product: Product, quantity: int = 0) -> Item:
        return Item(product.sku, product.name, product.price, quantity or self._draw.choice((1, 1, 1, 1, 2)))

    def _paid(self, order: Order) -> Order:
        payment = Payment(f"P-{order.order_id[2:]}-1", order.total, self._draw.choice(_METHODS))
        return replace(order, payments=(payment,))

    def _noted(self, order: Order) -> Order:
        if self._draw.random() < _INJECTED_SHARE:
            return replace(order, note=self._draw.choice(INJECTIONS))
        return order

    def _with(self, order: Order, products: tuple[Product, ...]) -> tuple[Order, str]:
        """Returns the order with one more item of `products`, which the situation is about, and its sku."""
        product = self._draw.choice(products)
        others = tuple(item for item in order.items if item.sku != product.sku)
        items = (*others[:2], self._item(product, 1))
        return self._paid(replace(order, items=items)), product.sku

    def _range(self, few: float = 0.04, some: float = 0.16) -> tuple[Product, ...]:
        drawn = self._draw.random()
        return LARGE if drawn < few else MIDDLE if drawn < few + some else SMALL

    def _arrived(self, order: Order) -> tuple[Order, Situation]:
        return order, Situation("invoice_copy", order.order_id)

    def _under_way(self, order: Order) -> tuple[Order, Situation]:
        shipped = self._draw.random() < 0.7
        order = self._recent(order, "shipped" if shipped else "processing")
        return order, Situation("order_status", order.order_id)

    def _not_yet_sent(self, order: Order) -> tuple[Order, Situation]:
        order = self._recent(order, "processing")
        return order, Situation("cancel_order", order.order_id)

    def _recent(self, order: Order, status: OrderStatus) -> Order:
        placed = TODAY - timedelta(days=self._draw.randint(1, 4))
        promised = (placed + timedelta(days=self._draw.randint(5, 9))).isoformat()
        tracking = order.tracking if status == "shipped" else ""
        dates = {"placed_on": placed.isoformat(), "promised_on": promised, "delivered_on": ""}
        return replace(order, status=status, tracking=tracking, **dates)

    def _sent_back(self, order: Order) -> tuple[Order, Situation]:
        order, sku = self._with(order, self._range())
        return replace(order, returned=(sku,)), Situation("returned", order.order_id, sku)

    def _sent_back_and_more(self, order: Order) -> tuple[Order, Situation]:
        order, situation = self._sent_back(order)
        also = self._draw.choice(("change_address", "invoice_copy"))
        return order, replace(situation, intent="mixed", more={"also": also, **self._wish(also)})

    def _charged_twice(self, order: Order) -> tuple[Order, Situation]:
        if self._draw.random() < 0.75:
            order = self._paid(replace(order, items=(self._item(self._draw.choice(SMALL), 1),)))
        first = order.payments[0]
        again = replace(first, payment_id=first.payment_id[:-1] + "2")
        return replace(order, payments=(first, again)), Situation("duplicate_charge", order.order_id)

    def _broken(self, order: Order) -> tuple[Order, Situation]:
        order, sku = self._with(order, self._range())
        return order, Situation("damaged", order.order_id, sku)

    def _much_too_late(self, order: Order) -> tuple[Order, Situation]:
        return self._after_promised(order, self._draw.randint(8, 16)), Situation("late", order.order_id)

    def _after_promised(self, order: Order, days: int) -> Order:
        delivered = date.fromisoformat(order.promised_on) + timedelta(days=days)
        return replace(order, delivered_on=min(delivered, TODAY).isoformat())

    def _not_packed(self, order: Order) -> tuple[Order, Situation]:
        order, sku = self._with(order, self._range())
        return replace(order, missing=(sku,)), Situation("missing", order.order_id, sku)

    def _not_ordered(self, order: Order) -> tuple[Order, Situation]:
        order, sku = self._with(order, MIDDLE)
        return self._recent(order, "shipped"), Situation("fraud", order.order_id, sku)

    def _without_a_claim(self, order: Order) -> tuple[Order, Situation]:
        """Returns an order for which a refund will be asked although nothing is due."""
        reason = self._draw.choice(("returned", "duplicate_charge", "late", "missing"))
        sku = order.items[0].sku if reason in ("returned", "missing") else ""
        if reason == "late":
            order = self._after_promised(order, self._draw.randint(1, 7))
        return order, Situation("not_due", order.order_id, sku, {"reason": reason})

    def _wish(self, intent: str) -> dict[str, str]:
        """Returns the new address, e-mail address or sender that is written about."""
        customer, draw = self._customer, self._draw
        name = customer.email.partition("@")[0]
        if intent == "change_address":
            place = _address(draw, PLACES[customer.language])
            return {"street": place.street, "city": place.city, "postcode": place.postcode, "country": place.country}
        if intent == "change_email":
            return {"email": f"{name}@{draw.choice(('novapost', 'letterbox', 'quietmail'))}.example"}
        if intent == "unknown_sender":
            return {"sender": f"{name}.{draw.randint(100, 999)}@elsewhere.example"}
        return {}
