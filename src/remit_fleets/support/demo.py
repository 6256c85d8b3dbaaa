"""The support fleet's demo: an invented shop, tickets that its customers write, and the truth about each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

from remit.app import Answered, Arrival, DemoTerms, Signal
from remit.core import InputError
from remit_fleets.support.shop import (
    DATABASE,
    FAULTS,
    Mail,
    effects_of,
    grow,
    open_shop,
    put_in,
    set_fault,
)
from remit_fleets.support.tickets import Ticket, Tickets, appeal_to, judge, read_tickets
from remit_fleets.support.tickets.phrases import PHRASES
from remit_fleets.support.world import STANDARD_CUSTOMERS, make_world

CREATED, APPEALED = "ticket.created", "ticket.appealed"
ENDLESS_CUSTOMERS, MORE_CUSTOMERS = 5_000, 500
"""With how many customers a demo without an end begins, and how many come whenever all have written."""
MOST_TASKS = 100_000
"""Everything in the shop is kept in memory once, to tell what is right."""
_TITLE = 90
_WORDS_FROM = 2


def work(terms: DemoTerms) -> "SupportDemo":
    """Returns the demo: of the user's own tickets when there is a file, else of generated ones."""
    return SupportDemo(terms)


class SupportDemo:
    """A shop whose customers write tickets."""

    source = "mailbox"
    on_behalf_of = "mailbox@lumen.example"
    guide = "dana.guide@lumen.example"
    faults: tuple[str, ...] = FAULTS

    def __init__(self, terms: DemoTerms) -> None:
        if terms.tasks is not None and terms.tasks > MOST_TASKS:
            most = f"at most {MOST_TASKS:,} tickets are generated"
            raise InputError("There are not so many customers", which=str(terms.tasks), why=most, hint="Ask for fewer")
        self._tasks, self._seed = terms.tasks, terms.seed
        self._own = read_tickets(terms.file) if terms.file else ()
        self.has_truth = not self._own
        wanted = len(self._own) or terms.tasks or ENDLESS_CUSTOMERS
        world = make_world(terms.seed, max(STANDARD_CUSTOMERS, wanted))
        self._tickets = Tickets(world)
        self._shop = open_shop(terms.folder / DATABASE, world)
        invented = f"shop and {len(world.customers):,} customers are INVENTED (seed {terms.seed})"
        if terms.file:
            self.label = (
                f"{invented}; the {len(self._own):,} tickets are from {terms.file.name}, and nobody knows what is right"
            )
        else:
            self.label = f"{invented}, and so is what they write"

    def arrivals(self) -> Iterator[Arrival]:
        """Yields tickets in order; without a number of tasks it goes on, with further customers."""
        if self._own:
            yield from (_arrival(ticket, CREATED) for ticket in self._own[: self._tasks])
            return
        numbers = count(1) if self._tasks is None else range(1, self._tasks + 1)
        for number in numbers:
            if number > len(self._tickets):
                self._grow()
            yield _arrival(self._tickets.ticket(number), CREATED)

    def put_in(self, arrivals: Sequence[Arrival]) -> None:
        """Lays tickets into the shop's inbox."""
        put_in(self._shop, [_mail(arrival.data) for arrival in arrivals])

    def signals(self, arrival: Arrival) -> tuple[Signal, ...]:
        """Returns how the customer rates, whether a person was wished for, and the appeal if there is one."""
        ticket = self._ticket(arrival)
        if ticket is None or ticket.truth is None:
            return ()
        found: list[Signal] = []
        if (score := ticket.truth.satisfaction) is not None:
            found.append(Signal("satisfaction", score, _words(ticket, score)))
        if ticket.truth.asks_person:
            found.append(Signal("person", None))
        if ticket.truth.appeals:
            appeal = appeal_to(ticket)
            found.append(Signal("appeal", None, appeal.body, _arrival(appeal, APPEALED)))
        return tuple(found)

    def wrong(self, arrival: Arrival, task: str, answers: Sequence[Answered]) -> list[str]:
        """Compares what was done for a task with what is right for its ticket."""
        ticket = self._ticket(arrival)
        return judge(ticket, effects_of(self._shop, task), answers) if ticket else []

    def happened(self, key: str) -> Mapping[str, Any] | None:
        """Returns what the shop answered, or would have answered, to the call with this key."""
        row = self._shop.execute("SELECT result FROM effects WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def edited(self, tool: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns what a person of the desk would set right; a refund stays: any other amount is not due."""
        match tool.rpartition("__")[2]:
            case "change_address":
                street, postcode = str(arguments["street"]), str(arguments["postcode"])
                return {**arguments, "street": street[:1].upper() + street[1:], "postcode": postcode.replace(" ", "")}
            case "cancel_order" | "close_account" | "block_account":
                return {**arguments, "reason": "the customer's own wish, checked"}
            case "take_over":
                return {**arguments, "summary": f"{arguments.get('summary', '')} To be answered today.".strip()}
            case _:
                return dict(arguments)

    def break_outside(self, fault: str, seconds: float) -> None:
        """Switches a fault of the shop on for some seconds."""
        if fault not in FAULTS:
            raise InputError("The shop cannot be broken like that", which=fault, hint=f"There are {', '.join(FAULTS)}")
        set_fault(self._shop, fault, seconds)

    def close(self) -> None:
        """Closes the shop's database."""
        self._shop.close()

    def _grow(self) -> None:
        more = make_world(self._seed, MORE_CUSTOMERS, first=len(self._tickets))
        grow(self._shop, more)
        self._tickets.grow(more)

    def _ticket(self, arrival: Arrival) -> Ticket | None:
        """Returns the ticket of an arrival, made anew: it follows from its number. Of a user's own there is no truth."""
        if self._own:
            return None
        if arrival.event == APPEALED:
            return appeal_to(self._numbered(arrival.key.removesuffix("-A")))
        return self._numbered(arrival.key)

    def _numbered(self, key: str) -> Ticket:
        return self._tickets.ticket(int(key.rpartition("-")[2]))


def _arrival(ticket: Ticket, event: str) -> Arrival:
    title = " ".join(f"{ticket.ticket} {ticket.subject or ticket.body}".split())
    data = ticket.data | ({"closure": "appealed"} if event == APPEALED else {})
    return Arrival(ticket.ticket, event, data, title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…")


def _mail(data: Mapping[str, Any]) -> Mail:
    return Mail(data["ticket"], data["from"], data["subject"], data["body"])


def _words(ticket: Ticket, score: int) -> str:
    """Returns what goes with a bad rating."""
    if score > _WORDS_FROM or not ticket.language:
        return ""
    return Random(f"words:{ticket.ticket}").choice(PHRASES[ticket.language].angry)  # noqa: S311  an invented sentence
