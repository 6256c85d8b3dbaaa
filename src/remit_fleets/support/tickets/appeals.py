"""What customers write who do not let an answer stand."""

from random import Random

from remit_fleets.support.tickets.model import Expected, Ticket, Truth
from remit_fleets.support.tickets.phrases import PHRASES
from remit_fleets.support.tickets.words import Language


def appeal_to(ticket: Ticket) -> Ticket:
    """Returns the mail in which the sender of a ticket appeals; a person must take it over."""
    draw = Random(f"appeal:{ticket.ticket}")  # noqa: S311  an invented mail, not a secret
    language: Language = ticket.language or "en"
    phrases = PHRASES[language]
    said = [draw.choice(phrases.appeals), *draw.sample(phrases.angry, draw.randint(0, 2)), draw.choice(phrases.wishes)]
    body = "\n\n".join(
        (draw.choice(phrases.greetings["polite"]), " ".join(said), draw.choice(phrases.closings["polite"]))
    )
    return Ticket(
        ticket=f"{ticket.ticket}-A",
        sender=ticket.sender,
        subject=f"Re: {ticket.subject} [{ticket.ticket}]"[:500],
        body=body,
        language=language,
        truth=Truth(
            intent=ticket.truth.intent if ticket.truth else "ask_person",
            topics=("appeal",),
            effects=(Expected("take_over", {}, "led"),),
        ),
    )
