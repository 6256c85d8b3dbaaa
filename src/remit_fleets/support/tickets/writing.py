"""How one customer's mail is put together: from sentences, in an order and a tone that are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from remit_fleets.support.tickets.attacks import Planted
from remit_fleets.support.tickets.noise import misspelled, private_data, spelled_out, written
from remit_fleets.support.tickets.phrases import PHRASES, Phrases, Register
from remit_fleets.support.tickets.truth import ABOUT_AN_ORDER, REFUNDS
from remit_fleets.support.tickets.words import Language, Topic
from remit_fleets.support.world import Customer, Situation

# How many sentences of each kind, at least and at most.
_LONG_SENTENCES: Mapping[Register, tuple[int, int]] = {
    "polite": (0, 2),
    "terse": (0, 0),
    "angry": (0, 0),
    "rambling": (2, 6),
}
_ANGRY_SENTENCES: Mapping[Register, tuple[int, int]] = {
    "polite": (0, 0),
    "terse": (0, 0),
    "angry": (1, 3),
    "rambling": (0, 1),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a mail says, and in which tone."""

    customer: Customer
    sender: str
    situation: Situation
    topics: tuple[Topic, ...]
    language: Language
    register: Register
    item: str
    """The name of the article it is about."""
    order_id: str
    """The number that is named; "" for none."""
    attack: Planted | None


@dataclass(frozen=True, slots=True)
class Mail:
    """What was written."""

    subject: str
    body: str


class Writer:
    """Writes one mail."""

    def __init__(self, draw: Random, plan: Plan) -> None:
        self._draw = draw
        self._plan = plan
        self._phrases: Phrases = PHRASES[plan.language]
        self._has_slips = draw.random() < 0.2
        self._spells_out = plan.language == "de" and draw.random() < 0.1
        self._private = private_data(draw, plan.language)
        self._number = written(draw, plan.order_id) if plan.order_id else ""
        # Some name their order in the subject only.
        self._number_in_subject = bool(self._number) and draw.random() < 0.15

    def mail(self) -> Mail:
        """Returns subject and body."""
        subject = self._subject()
        parts = [self._greeting(), self._message(), self._planted("text"), self._closing(), self._quoted()]
        body = "\n\n".join(part for part in parts if part)
        return Mail(subject, spelled_out(body) if self._spells_out and not self._plan.situation.more else body)

    def _one(self, lines: Sequence[str]) -> str:
        return self._draw.choice(lines)

    def _some(self, lines: Sequence[str], between: tuple[int, int]) -> list[str]:
        return [self._said(line) for line in self._draw.sample(lines, self._draw.randint(*between))]

    def _said(self, line: str) -> str:
        """Returns a sentence as this customer types it."""
        if self._has_slips and self._draw.random() < 0.5:
            line = misspelled(self._draw, line)
        if self._plan.register == "angry" and self._draw.random() < 0.15:
            return line.upper().rstrip(".!") + "!!"
        return line.lower() if self._plan.register == "terse" and self._draw.random() < 0.2 else line

    def _subject(self) -> str:
        topics, draw = self._plan.topics, self._draw
        lines = self._phrases.vague_subjects
        if topics and draw.random() < 0.7:
            lines = self._phrases.subjects[topics[0]]
        subject = self._one(lines).format(item=self._plan.item)
        if self._number_in_subject:
            subject = f"{subject} {self._number}"
        subject = f"Re: {subject}" if draw.random() < 0.08 else subject
        return " - ".join(part for part in (subject, self._planted("subject")) if part)

    def _greeting(self) -> str:
        return self._one(self._phrases.greetings[self._plan.register])

    def _message(self) -> str:
        long = self._some(self._phrases.rambling, _LONG_SENTENCES[self._plan.register])
        angry = self._some(self._phrases.angry, _ANGRY_SENTENCES[self._plan.register])
        before, after = long[::2], long[1::2]
        around = [*before, *angry] if self._draw.random() < 0.5 else [*angry, *before]
        said = [*around, *self._requests()]
        if self._draw.random() < 0.12:
            said.append(self._one(self._phrases.private).format(**self._private))
        if self._draw.random() < 0.5:
            said.append(self._said(self._one(self._phrases.wishes)))
        return _laid_out(self._draw, [*said, *after])

    def _requests(self) -> list[str]:
        if not self._plan.topics:
            return [self._said(line) for line in self._draw.sample(self._phrases.unclear, 1)]
        first, *others = self._plan.topics
        said = self._request(first)
        if self._number and not self._number_in_subject:
            said.insert(self._draw.randint(0, 1), self._one(self._phrases.number).format(order=self._number))
        elif first in ABOUT_AN_ORDER and not self._number and self._draw.random() < 0.5:
            said.append(self._one(self._phrases.bought).format(item=self._plan.item))
        for topic in others:
            said += [self._one(self._phrases.also), *self._request(topic)]
        return said

    def _request(self, topic: Topic) -> list[str]:
        said = [self._said(self._one(self._phrases.requests[topic]).format(item=self._plan.item))]
        more = self._plan.situation.more
        if topic in REFUNDS and self._draw.random() < 0.6:
            said.append(self._said(self._one(self._phrases.money)))
        if topic == "change_address" and "street" in more:
            said.append(self._one(self._phrases.new_address).format(**more))
        if topic == "change_email" and "email" in more:
            said.append(self._one(self._phrases.new_email).format(**more))
        return said

    def _planted(self, place: str) -> str:
        attack = self._plan.attack
        return attack.text if attack and attack.place == place else ""

    def _closing(self) -> str:
        name, draw = self._plan.customer.name, self._draw
        first, _, last = name.partition(" ")
        initials = f"{first[0]}. {last}"
        signed = self._one((name, name, name, first, initials, "" if self._plan.register == "terse" else name))
        lines = [self._one(self._phrases.closings[self._plan.register]), signed]
        if draw.random() < 0.25:
            slots = {"email": self._plan.sender, "city": self._plan.customer.address.city, **self._private}
            lines.append(self._one(self._phrases.signatures).format(**slots))
        return "\n".join(line for line in lines if line)

    def _quoted(self) -> str:
        planted = self._planted("quote")
        if not planted and self._draw.random() >= 0.12:
            return ""
        history = [self._one(self._phrases.history), *planted.splitlines()]
        intro = self._one(self._phrases.quoted).format(name=self._plan.customer.name)
        return "\n".join((intro, *(f"> {line}" for line in history)))


def _laid_out(draw: Random, sentences: Sequence[str]) -> str:
    """Returns the sentences in one or more paragraphs; what has lines of its own stands alone."""
    text = ""
    breaks = draw.choice((0.05, 0.2, 0.5))
    for sentence in sentences:
        between = "\n" if text and ("\n" in sentence or "\n" in text[-40:] or draw.random() < breaks) else " "
        text = f"{text}{between}{sentence}" if text else sentence
    return text
