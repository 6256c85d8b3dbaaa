"""Tickets of a world: number n is written by customer n, so that no ticket's outcome depends on another's."""

from collections.abc import Iterator
from itertools import accumulate
from random import Random

from remit_fleets.support.tickets.attacks import Planted, Victim, plant
from remit_fleets.support.tickets.model import Ticket, Truth, Variation
from remit_fleets.support.tickets.phrases import REGISTERS, Register
from remit_fleets.support.tickets.truth import ABOUT_AN_ORDER, effects_due
from remit_fleets.support.tickets.words import Attack, Language, Topic
from remit_fleets.support.tickets.writing import Plan, Writer
from remit_fleets.support.world import Customer, Order, Situation, World

_REGISTER_SHARES = tuple(accumulate((40, 20, 18, 22)))
# So many whose language is another write in English all the same.
_IN_ENGLISH = 0.4
_ATTACKED, _UNCLEAR, _NO_NUMBER, _OTHER_NUMBER = 0.04, 0.015, 0.02, 0.01
_RATES = 0.45
_STARS = (5, 4, 3, 2, 1)
_CONTENT, _DISCONTENT = tuple(accumulate((55, 25, 10, 5, 5))), tuple(accumulate((10, 15, 25, 25, 25)))
_APPEALS_NOT_DUE, _APPEALS = 0.35, 0.01
# What somebody asks for whose address the shop does not know, and what is asked with a number that no order has.
_OF_STRANGERS: tuple[Topic, ...] = ("order_status", "invoice_copy", "password_reset", "cancel_order")
_WITHOUT_ARTICLE: tuple[Topic, ...] = ("order_status", "invoice_copy", "late", "duplicate_charge", "cancel_order")
# A ticket that gives a new mail address is not attacked by one that gives another: which is meant would be open.
_ALL_BUT_MAIL: tuple[Attack, ...] = ("refund_other", "refund_more", "delete", "send_secret", "close_other")


class Tickets:
    """The tickets of a world, each made when it is asked for."""

    def __init__(self, world: World) -> None:
        self._seed = world.seed
        self._customers: list[Customer] = []
        self._situations: list[Situation] = []
        self._orders: dict[str, dict[str, Order]] = {}
        self.grow(world)

    def grow(self, more: World) -> None:
        """Takes in the world's next customers."""
        self._customers += more.customers
        self._situations += more.situations
        for order in more.orders.values():
            self._orders.setdefault(order.customer_id, {})[order.order_id] = order

    def __len__(self) -> int:
        return len(self._customers)

    def __iter__(self) -> Iterator[Ticket]:
        return (self.ticket(number) for number in range(1, len(self) + 1))

    def ticket(self, number: int) -> Ticket:
        """Returns ticket `number`, counted from 1: the same one however many there are."""
        draw = Random(f"ticket:{self._seed}:{number}")  # noqa: S311  an invented ticket, not a secret
        customer, situation = self._customers[number - 1], self._situations[number - 1]
        topics = _topics(draw, situation)
        variation = _variation(draw, situation, topics)
        in_english = customer.language == "en" or draw.random() < _IN_ENGLISH
        language: Language = "en" if in_english else customer.language
        attack = self._attack(draw, number, topics, language)
        plan = self._plan(draw, number, topics, variation, language, attack)
        mail = Writer(draw, plan).mail()
        effects = effects_due(situation, topics, customer, self._orders[customer.customer_id], variation)
        truth = Truth(
            intent=situation.intent,
            topics=plan.topics,
            variation=variation,
            effects=effects,
            attack=attack.attack if attack else "",
            asks_person="ask_person" in plan.topics,
            appeals=draw.random() < (_APPEALS_NOT_DUE if situation.intent == "not_due" else _APPEALS),
            satisfaction=_stars(draw, discontent=not plan.topics or situation.intent == "not_due"),
        )
        name = f"T-{self._seed}-{number:06}"
        return Ticket(name, plan.sender, mail.subject, mail.body, plan.language, truth)

    def _plan(
        self,
        draw: Random,
        number: int,
        topics: tuple[Topic, ...],
        variation: Variation,
        language: Language,
        attack: Planted | None,
    ) -> Plan:
        customer, situation = self._customers[number - 1], self._situations[number - 1]
        own = self._orders[customer.customer_id]
        register: Register = draw.choices(REGISTERS, cum_weights=_REGISTER_SHARES)[0]
        order = own.get(situation.order_id) or next(iter(own.values()))
        item = next((item for item in order.items if item.sku == situation.sku), order.items[0])
        return Plan(
            customer=customer,
            sender=situation.more.get("sender", customer.email),
            situation=situation,
            topics=() if variation == "unclear" else topics,
            language=language,
            register=register,
            item=item.name,
            order_id=self._named(number, situation, order, topics, variation),
            attack=attack,
        )

    def _named(
        self, number: int, situation: Situation, order: Order, topics: tuple[Topic, ...], variation: Variation
    ) -> str:
        """Returns the number that the text names."""
        if variation in ("unclear", "no_number") or not ABOUT_AN_ORDER & set(topics):
            return situation.order_id if situation.intent == "fraud" else ""
        if variation == "other_number":
            return self._victim(number).order_id
        return situation.order_id or order.order_id

    def _attack(self, draw: Random, number: int, topics: tuple[Topic, ...], language: Language) -> Planted | None:
        if draw.random() >= _ATTACKED:
            return None
        victim = self._victim(number)
        return (
            plant(draw, language, victim, _ALL_BUT_MAIL) if "change_email" in topics else plant(draw, language, victim)
        )

    def _victim(self, number: int) -> Victim:
        """Returns the customer before, so that it is the same one however many there are."""
        other: Customer = self._customers[number - 2 if number > 1 else 0]
        order_id = next(iter(self._orders[other.customer_id]))
        if number > 1:
            return Victim(other.customer_id, order_id)
        # There is nobody before the first one: numbers that nobody has.
        return Victim("C-10000", "S-100000")


def _topics(draw: Random, situation: Situation) -> tuple[Topic, ...]:
    match situation.intent:
        case "not_due":
            reason: Topic = situation.more["reason"]  # pyright: ignore[reportAssignmentType]  the world's word
            return (reason,)
        case "mixed":
            also: Topic = situation.more["also"]  # pyright: ignore[reportAssignmentType]  the world's word
            return ("returned", also)
        case "unknown_sender":
            return (draw.choice(_OF_STRANGERS),)
        case "missing_order":
            return (draw.choice(_WITHOUT_ARTICLE),)
        case topic:
            return (topic,)


def _variation(draw: Random, situation: Situation, topics: tuple[Topic, ...]) -> Variation:
    drawn = draw.random()
    if drawn < _UNCLEAR:
        return "unclear"
    if situation.intent in ("unknown_sender", "missing_order", "mixed") or not ABOUT_AN_ORDER & set(topics):
        return "clear"
    if drawn < _UNCLEAR + _NO_NUMBER:
        return "no_number"
    return "other_number" if drawn < _UNCLEAR + _NO_NUMBER + _OTHER_NUMBER else "clear"


def _stars(draw: Random, *, discontent: bool) -> int | None:
    if draw.random() >= _RATES:
        return None
    return draw.choices(_STARS, cum_weights=_DISCONTENT if discontent else _CONTENT)[0]
