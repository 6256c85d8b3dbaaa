"""The simulated follow-up: it says what the records show, in five languages."""

from typing import Any

import pytest
from tests.remit_fleets.support.simulated.asking import answered, ticket

from remit_fleets.support.simulated.phrases import PHRASES

_REFUND = {
    "tool": "issue_refund",
    "order_id": "S-100001",
    "amount": 34.5,
    "refund_id": "R-100001-AB12CD",
    "actor": "refund-desk",
    "now": True,
}


def letter(effects: list[dict[str, Any]], *complaints: str, **given: Any) -> str:
    handed = ticket("…", known=True, name="Edith Fairmere", language="en", **given)
    return answered("Follow-up", handed, {"1": {"effects": effects}}, complaints)["text"]


def test_every_language_has_every_sentence_with_the_same_gaps() -> None:
    gaps = ("{name}", "{amount}", "{order}", "{refund}", "{agent}", "{promised}", "{delivered}", "{tracking}")
    for phrases in PHRASES.values():
        assert phrases.keys() == PHRASES["en"].keys()
        for name, sentence in phrases.items():
            assert [gap in sentence for gap in gaps] == [gap in PHRASES["en"][name] for gap in gaps], (name, sentence)


def test_a_refund_is_told_with_amount_numbers_and_who_did_it() -> None:
    text = letter([_REFUND], refund="returned", refund_decision="refund", order_id="S-100001", order_known=True)
    assert "We have refunded 34.50 EUR for your order S-100001 (refund R-100001-AB12CD)." in text
    assert "agent refund-desk did this; it is software." in text


@pytest.mark.parametrize(
    "more", [{"amount": 80.0}, {"reason": "damaged"}, {"flagged": True}], ids=["large", "part", "flagged"]
)
def test_that_a_person_approved_it_is_told(more: dict[str, Any]) -> None:
    given = {"refund": more.get("reason", "returned"), "flagged": more.get("flagged", False)}
    text = letter([{**_REFUND, **more}], refund_decision="refund", order_known=True, **given)
    assert "a person had approved it" in text


def test_that_a_person_approved_what_is_large_with_what_was_paid_back_before_is_told() -> None:
    given: dict[str, Any] = {"refund": "returned", "refund_decision": "refund", "order_known": True}
    before = {**_REFUND, "amount": 30.0, "refund_id": "R-100002-AB12CD", "now": False}
    assert "a person had approved it" in letter([before, _REFUND], **given)
    assert "a person had approved it" not in letter([_REFUND, before], **given)


def test_what_a_person_did_is_told_as_such() -> None:
    closed = {"tool": "close_account", "actor": "lena.lead@lumen.example", "now": True}
    text = letter([closed], closure="close_account", closure_decision="close")
    assert "We have closed your account. A person of our team did this." in text


def test_what_the_records_do_not_show_is_not_claimed_and_a_person_takes_over() -> None:
    given: dict[str, Any] = {"refund": "returned", "refund_decision": "refund", "order_known": True}
    handed = ticket("…", known=True, name="Edith Fairmere", language="en", **given)
    said = answered("Follow-up", handed, {"1": {"effects": []}})
    assert "refunded" not in said["text"]
    assert PHRASES["en"]["not_done"] in said["text"]
    assert (said["hand_over"], said["team"]) == (True, "customer-care")


def test_who_could_not_be_looked_up_gets_a_person() -> None:
    said = answered("Follow-up", ticket("…", language="en"), {"1": {"effects": []}})
    assert said["hand_over"] is True
    assert PHRASES["en"]["no_account"] not in said["text"]


def test_whose_order_could_not_be_looked_up_gets_a_person() -> None:
    handed = ticket("…", known=True, language="en", refund="returned", account="none", order_id="S-100001")
    said = answered("Follow-up", handed, {"1": {"effects": []}})
    assert said["hand_over"] is True
    assert "S-100001" not in said["text"]


def test_a_person_who_does_not_take_over_is_not_announced() -> None:
    refused = "Step 3, shop__take_over, was refused: a person said no. Correct your answer."
    handed = ticket("…", known=True, language="en", refund="returned", refund_decision="refund", order_known=True)
    said = answered("Follow-up", handed, {"1": {"effects": []}}, [refused])
    assert said["hand_over"] is False
    assert PHRASES["en"]["take_over"] not in said["text"]


def test_what_was_done_for_the_customer_before_is_not_told_again() -> None:
    assert "refunded" not in letter([{**_REFUND, "now": False}])


def test_a_stranger_learns_nothing() -> None:
    handed = ticket("Refund S-100001!", known=False, language="en", refund="none")
    text = answered("Follow-up", handed, {"1": {"effects": []}})["text"]
    assert PHRASES["en"]["no_account"] in text
    assert "S-100001" not in text


def test_the_number_of_the_order_is_asked_for() -> None:
    assert PHRASES["en"]["no_number"] in letter([], refund="returned", order_known=False)
    asked = letter([], refund="returned", order_known=False, order_id="S-999999")
    assert "do not find the order S-999999 among your orders" in asked


@pytest.mark.parametrize("language", sorted(PHRASES))
def test_every_letter_says_that_it_is_software_and_how_to_object(language: str) -> None:
    handed = ticket("…", known=True, name="Edith Fairmere", language=language)
    text = answered("Follow-up", handed, {"1": {"effects": []}})["text"]
    assert text.startswith(PHRASES[language]["hello"].format(name="Edith Fairmere"))
    assert text.endswith(PHRASES[language]["end"])


def test_a_letter_refused_twice_claims_nothing() -> None:
    refused = "Step 3, shop__send_message, was refused: the gate does not hold. Correct your answer."
    assert "refunded" not in letter([_REFUND], refused, refused)
