"""What the simulated desks decide: what the shop's records and the contract's rules say, and nothing of their own."""

from collections.abc import Callable, Mapping
from typing import Any

from remit_fleets.support.simulated.asked import Asked, Fields
from remit_fleets.support.simulated.sorting import sort_ticket, wanted_in
from remit_fleets.support.tickets.reading import address_in, emails_in

# Up to here, and for whole refunds only, nobody is asked (the contract's rule; the model only offers choices above it).
SMALL = 50
PARTIAL = frozenset(("damaged", "late", "missing"))
_SURE, _UNSURE = 0.92, 0.6
_PERSON_SAID_NO = "a person said no"

# Why a desk only explains, in the words that the letter knows by heart.
NOT_THEIRS = "this number is not among the customer's orders"
NOT_DUE = "by the shop's records and rules nothing is due for this"
SENT_ALREADY = "the order has left the warehouse and cannot be stopped any more; it can be sent back"
SAID_NO = "a person of the shop looked at it and decided against it"
NO_NUMBER = "the number of the order is needed"
NO_ARTICLE = "it is not clear which article it is about"
NO_ADDRESS = "the new address needs street, postcode, city and country"
NO_MAIL = "the new mail address is needed"
NO_ACCOUNT = "the sender has no account here"


def _refund(asked: Asked) -> dict[str, Any]:
    order, quote, given = asked.result(1), asked.result(2), asked.input
    kind = str(given.get("refund"))
    if said_no(asked):
        return _explain("refund", SAID_NO)
    if not order:
        return _person(asked, "refund")
    if not is_theirs(order, given):
        return _explain("refund", NOT_THEIRS)
    if not quote and kind != "cancel_order":
        return _person(asked, "refund")
    base = {"order_id": given["order_id"], "reason": kind, "confidence": _confidence(asked)}
    if kind == "cancel_order":
        if order.get("status") != "processing":
            return _explain("refund", SENT_ALREADY)
        why = "the customer asks for it and nothing was sent yet"
        choices = _choices("Cancel the order", "Let it be sent", float(order.get("total") or 0))
        return {"refund_decision": "cancel", **base, "refund_why": why, "why": why, **choices}
    due = float(quote.get("due") or 0)
    if due <= 0 and kind == "damaged" and not given.get("sku"):
        return _explain("refund", NO_ARTICLE)
    if due <= 0:
        return _explain("refund", NOT_DUE)
    why = str(quote.get("because") or "it is due by the shop's rules")[:300]
    told = {"refund_decision": "refund", **base, "amount": due, "refund_why": why, "why": why}
    if sku := given.get("sku"):
        told["sku"] = sku
    asks = due + float(quote.get("refunded_recently") or 0) > SMALL or kind in PARTIAL
    return told | _choices(f"Pay back {due:.2f} EUR", "Pay nothing back", due if asks else 0)


def said_no(asked: Asked) -> bool:
    """Returns whether a person has said no to what was proposed."""
    return any(_PERSON_SAID_NO in complaint for complaint in asked.complaints)


def is_theirs(order: Fields, given: Fields) -> bool:
    """Returns whether the order that was looked up is one of the customer who writes."""
    return bool(order.get("known")) and order["customer_id"] == given.get("customer_id")


def _confidence(asked: Asked) -> float:
    return _SURE if wanted_in(asked.text).is_clear else _UNSURE


def hand_over(asked: Asked, why: str) -> dict[str, Any]:
    """Returns what proposes that a person takes the ticket over."""
    options = [{"option": option, "consequence": consequence} for option, consequence in _TAKE]
    return {"team": "customer-care", "summary": f"Ticket {asked.ticket}: {why}.", "alternatives": options}


def _choices(first: str, second: str, amount: float) -> dict[str, Any]:
    """Returns two alternatives for whoever may be asked; none when nobody will be."""
    if amount <= 0:
        return {}
    done = f"{amount:.2f} EUR go back to where they came from"
    left = "the customer is told why, and may object"
    return {"alternatives": [{"option": first, "consequence": done}, {"option": second, "consequence": left}]}


def _explain(desk: str, why: str) -> dict[str, Any]:
    return {f"{desk}_decision": "explain", f"{desk}_why": why, "why": why, "confidence": _SURE}


def _person(asked: Asked, desk: str) -> dict[str, Any]:
    """Leaves it to a person: what the shop knows could not be read."""
    why = "the shop's records could not be read"
    return {f"{desk}_decision": "person", f"{desk}_why": why, "why": why, "confidence": _SURE, **hand_over(asked, why)}


def _account(asked: Asked) -> dict[str, Any]:
    kind = str(asked.input.get("account"))
    if said_no(asked):
        return _explain("account", SAID_NO)
    base = {"customer_id": asked.input.get("customer_id"), "confidence": _confidence(asked)}
    match kind:
        case "password_reset":
            why = "the customer asks for a new password; the link goes to the address of the account"
            return {"account_decision": "reset", **base, "account_why": why, "why": why}
        case "change_address":
            return _new_address(asked, base)
        case "change_email":
            return _new_mail(asked, base)
        case _:
            return _about_order(asked, base, kind)


def _about_order(asked: Asked, base: Fields, kind: str) -> dict[str, Any]:
    order = asked.result(2)
    if not asked.input.get("order_id"):
        return _explain("account", NO_NUMBER)
    if not order and asked.input.get("order_known") is not False:
        return _person(asked, "account")
    if not is_theirs(order, asked.input):
        return _explain("account", NOT_THEIRS)
    if kind == "invoice_copy":
        why = "the customer asks for the invoice again; it goes to the address of the account"
        told = {"account_decision": "invoice", **base, "order_id": order["order_id"]}
        return {**told, "account_why": why, "why": why}
    why = "the customer asks where the order stands"
    told = {"account_decision": "answer", **base, "order_id": order["order_id"], "order_state": order.get("status")}
    told |= {name: order[name] for name in ("promised_on", "delivered_on", "tracking") if order.get(name)}
    return {**told, "account_why": why, "why": why}


def _new_address(asked: Asked, base: Fields) -> dict[str, Any]:
    found = address_in(asked.text)
    if found is None:
        return _explain("account", NO_ADDRESS)
    why = "the customer has moved and gives the new address"
    place = {"street": found.street, "city": found.city, "postcode": found.postcode, "country": found.country}
    return {
        "account_decision": "address",
        **base,
        **place,
        "account_why": why,
        "why": why,
        "alternatives": [
            {"option": "Change the address", "consequence": "the next parcels go to the new address"},
            {"option": "Leave it", "consequence": "the customer is told why, and may object"},
        ],
    }


def _new_mail(asked: Asked, base: Fields) -> dict[str, Any]:
    own = {str(asked.input.get("from")), str(asked.result(1).get("email"))}
    new = next((mail for mail in emails_in(asked.text) if mail not in own), "")
    if not new:
        return _explain("account", NO_MAIL)
    why = "the customer gives another mail address"
    return {
        "account_decision": "email",
        **base,
        "new_email": new,
        "account_why": why,
        "why": why,
        "alternatives": [
            {"option": "Change the mail address", "consequence": "whoever reads the new address has the account"},
            {
                "option": "Call the customer first",
                "consequence": "it takes longer, and nobody else can get in meanwhile",
            },
        ],
    }


def _closure(asked: Asked) -> dict[str, Any]:
    kind, account = str(asked.input.get("closure")).replace("appealed", "appeal"), asked.result(2)
    if said_no(asked):
        return _explain("closure", SAID_NO)
    base = {"confidence": _SURE, "customer_id": account.get("customer_id"), "reason": kind.replace("_", " ")}
    if kind == "ask_person":
        return base | _take_over(asked, "customer-care", "the customer asks for a person")
    if kind == "appeal":
        return base | _take_over(asked, "trust-and-safety", "the customer objects to what was decided")
    if not asked.result(1) or (asked.result(1).get("known") and not account):
        return base | _take_over(asked, "customer-care", "it could not be found out who writes")
    if not account.get("customer_id"):
        return _explain("closure", NO_ACCOUNT)
    if kind == "fraud":
        return base | _propose("block", "somebody else seems to use the account", _BLOCK)
    if account.get("open_orders") or account.get("flagged"):
        return base | _take_over(
            asked, "customer-care", "the account is to be closed, and something in it speaks against doing so now"
        )
    return base | _propose("close", "the customer asks to close their account", _CLOSE)


_BLOCK = (
    ("Block the account", "nobody can order with it, the customer neither, until a person lifts the block"),
    ("Send a new password only", "who has the mailbox keeps the account"),
    ("Leave it", "who uses it can go on ordering"),
)
_CLOSE = (
    ("Close the account", "it cannot be opened again; orders and invoices are kept as the law asks"),
    ("Ask the customer once more", "the account stays open until they answer"),
)
_TAKE = (
    ("Take the ticket over", "a person writes to the customer; the agents do nothing more"),
    ("Leave it to the agents", "the customer gets no person although they asked for one"),
)


def _propose(decision: str, why: str, options: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    alternatives = [{"option": option, "consequence": consequence} for option, consequence in options]
    return {"closure_decision": decision, "closure_why": why, "why": why, "alternatives": alternatives}


def _take_over(asked: Asked, team: str, why: str) -> dict[str, Any]:
    summary = f"Ticket {asked.ticket}: {why}."
    return {**_propose("take_over", why, _TAKE), "team": team, "summary": summary}


DECIDE: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
    "triage": sort_ticket,
    "refund-desk": _refund,
    "account-care": _account,
    "closures": _closure,
}
"""Each agent's right answer; the letter of follow-up is written in `letters`."""
