"""The simulated follow-up: an answer made of fixed sentences, each about something the shop's records show."""

from collections.abc import Iterator, Mapping
from typing import Any

from remit_fleets.support.simulated import desks
from remit_fleets.support.simulated.asked import Asked, Fields
from remit_fleets.support.simulated.phrases import PHRASES, Phrases
from remit_fleets.support.simulated.sorting import language_of

_SURE = 0.94
_ALWAYS_APPROVED = frozenset(("change_address", "change_email"))
_AGENTS = frozenset(("triage", "refund-desk", "account-care", "closures", "follow-up"))
_OWN_WORK = frozenset(("send_message", "ask_satisfaction"))
_PAYS_BACK = frozenset(("issue_refund", "cancel_order"))
# Its own sentence says that a person did it: nobody else can.
_SAYS_WHO = frozenset(("take_over",))
_SENTENCES: Mapping[str, str] = {
    desks.NOT_THEIRS: "not_theirs",
    desks.NOT_DUE: "not_due",
    desks.SENT_ALREADY: "sent_already",
    desks.SAID_NO: "said_no",
    desks.NO_NUMBER: "no_number",
    desks.NO_ARTICLE: "no_article",
    desks.NO_ADDRESS: "no_address",
    desks.NO_MAIL: "no_mail",
    desks.NO_ACCOUNT: "no_account",
}
_ACTING: Mapping[str, Mapping[str, str]] = {
    "refund_decision": {"refund": "issue_refund", "cancel": "cancel_order", "person": "take_over"},
    "account_decision": {
        "reset": "send_password_reset",
        "invoice": "send_invoice",
        "address": "change_address",
        "email": "change_email",
        "person": "take_over",
    },
    "closure_decision": {"close": "close_account", "block": "block_account", "take_over": "take_over"},
}
"""By the field a desk says its decision in: which effect the records then have to show."""


def write_letter(asked: Asked) -> dict[str, Any]:
    """Returns follow-up's answer: what the records show, or next to nothing when even that could not be sent."""
    language = str(asked.input.get("language") or language_of(asked.text))
    phrases = PHRASES.get(language, PHRASES["en"])
    body = [phrases["looked_at"]] if _is_refuted(asked) else list(_body(asked, phrases))
    known = bool(asked.input.get("known", True))
    name = str(asked.input.get("name") or "")
    hello = phrases["hello"].format(name=name) if known and name else phrases["hello_stranger"]
    end = phrases["end" if known else "end_stranger"]
    text = "\n\n".join([hello, *(body or [phrases["nothing"]]), end])
    said = {"text": text, "why": "it says what the shop's records show", "confidence": _SURE}
    if not _hands_over(asked):
        return said | {"hand_over": False}
    return said | {"hand_over": True} | desks.hand_over(asked, "the desks could not do what they decided to do")


def _hands_over(asked: Asked) -> bool:
    """Whether a person has to do what agents could not; a person's no to that is taken."""
    return not desks.said_no(asked) and _is_undone(asked)


def _done(asked: Asked) -> list[Fields]:
    """Returns what was done in this task, but for the answer itself."""
    done = asked.result(1).get("effects") or ()
    return [one for one in done if one.get("now", True) and _tool(one) not in _OWN_WORK]


def _tool(effect: Fields) -> str:
    return str(effect.get("tool", "")).removeprefix("shop__")


def _body(asked: Asked, phrases: Phrases) -> Iterator[str]:
    done = _done(asked)
    if not asked.input.get("known", True) and not done:
        yield phrases["no_account"]
        return
    for effect in done:
        if (tool := _tool(effect)) in phrases:
            by = "" if tool in _SAYS_WHO else f" {_by(effect, asked, phrases)}"
            yield phrases[tool].format(**_details(effect)) + by
    yield from _explained(asked, phrases)
    if asked.input.get("account_decision") == "answer":
        yield from _order_state(asked.input, phrases)
    if _is_undone(asked):
        yield phrases["not_done"]
    if _hands_over(asked):
        yield phrases["take_over"]
    if missing := _missing_number(asked.input):
        yield phrases[missing].format(order=asked.input.get("order_id", ""))


def _is_undone(asked: Asked) -> bool:
    """Whether a desk decided on something that the records do not show, or nobody could find out who writes."""
    done = {_tool(effect) for effect in _done(asked)}
    if "take_over" in done:
        return False
    decided = (acting.get(str(asked.input.get(field))) for field, acting in _ACTING.items())
    return _is_in_the_dark(asked.input) or any(tool is not None and tool not in done for tool in decided)


def _is_in_the_dark(given: Fields) -> bool:
    """Whether nobody could find out who writes, or whose the order is."""
    asks = (given.get("refund", "none"), given.get("account", "none"))
    about_order = bool(given.get("order_id")) and any(kind != "none" for kind in asks)
    return "known" not in given or (about_order and "order_known" not in given)


def _is_refuted(asked: Asked) -> bool:
    """Whether even a corrected text was not true to the shop's records, as far as they could be read."""
    said = [one for one in asked.complaints if "a person said no" not in one and "could not be decided" not in one]
    return len(said) > 1


def _details(effect: Fields) -> dict[str, str]:
    amount = effect.get("amount")
    return {
        "amount": "0.00" if amount is None else f"{float(amount):.2f}",
        "order": str(effect.get("order_id") or ""),
        "refund": str(effect.get("refund_id") or ""),
    }


def _by(effect: Fields, asked: Asked, phrases: Phrases) -> str:
    agent = str(effect.get("actor") or effect.get("done_by") or "").partition("@")[0]
    if agent not in _AGENTS:
        return phrases["by_person"]
    return phrases["by_agent_approved" if _was_approved(effect, asked) else "by_agent"].format(agent=agent)


def _was_approved(effect: Fields, asked: Asked) -> bool:
    tool = _tool(effect)
    is_part = tool == "issue_refund" and asked.input.get("refund") in desks.PARTIAL
    is_large = _paid_back_until(effect, asked) > desks.SMALL
    return is_part or is_large or tool in _ALWAYS_APPROVED or bool(asked.input.get("flagged"))


def _paid_back_until(effect: Fields, asked: Asked) -> float:
    """Returns what the customer was paid back up to and with an effect; all that the shop shows is of these days."""
    if _tool(effect) not in _PAYS_BACK:
        return 0.0
    total = 0.0
    for one in asked.result(1).get("effects") or ():
        total += float(one.get("amount") or 0) if _tool(one) in _PAYS_BACK else 0.0
        if one == effect:
            break
    return round(total, 2)


def _explained(asked: Asked, phrases: Phrases) -> Iterator[str]:
    """Says why a desk did nothing, each reason once."""
    desks_whys = ("refund", "account", "closure")
    whys = [
        str(asked.input.get(f"{desk}_why")) for desk in desks_whys if asked.input.get(f"{desk}_decision") == "explain"
    ]
    for name in dict.fromkeys(_SENTENCES.get(why, "not_done") for why in whys):
        yield phrases[name].format(order=asked.input.get("order_id", ""))


def _order_state(given: Fields, phrases: Phrases) -> Iterator[str]:
    if (state := str(given.get("order_state"))) in ("processing", "shipped", "delivered", "cancelled"):
        yield phrases[state].format(
            order=given.get("order_id", ""),
            promised=given.get("promised_on", ""),
            delivered=given.get("delivered_on", ""),
            tracking=given.get("tracking", ""),
        )


def _missing_number(given: Fields) -> str:
    """Returns what to say when money was asked for without an order of the customer, so that no desk looked at it."""
    if not given.get("known") or given.get("refund", "none") == "none" or given.get("order_known", "order_id" in given):
        return ""
    return "not_theirs" if given.get("order_id") else "no_number"
