"""The simulated desks: they decide what the shop's records say, and correct themselves."""

from typing import Any

import pytest
from tests.remit_fleets.support.simulated.asking import answered, ticket

_ORDER = {
    "known": True,
    "order_id": "S-100001",
    "customer_id": "C-10001",
    "status": "delivered",
    "total": 34.5,
    "note": "",
}
_UNKNOWN = {"known": False, "order_id": "S-100001", "customer_id": "C-10001"}
_ACCOUNT = {"customer_id": "C-10001", "email": "edith.fairmere1@mail.example", "open_orders": 0, "flagged": False}


def refund(order: dict[str, Any], due: float, *complaints: str, recent: float = 0, **given: Any) -> dict[str, Any]:
    handed = ticket("I sent it back.", customer_id="C-10001", order_id="S-100001", **{"refund": "returned", **given})
    quote = {"due": due, "because": "it came back", "refunded_recently": recent}
    return answered("Refund desk", handed, {"1": order, "2": quote}, complaints)


def care(account: str, body: str, order: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    handed = ticket(body, customer_id="C-10001", account=account, **given)
    return answered("Account care", handed, {"1": _ACCOUNT, **({"2": order} if order else {})})


def closure(given: dict[str, Any], account: dict[str, Any], *complaints: str) -> dict[str, Any]:
    results: dict[str, Any] = {"1": {"known": bool(account)}, "2": account, "3": {"effects": []}}
    return answered("Closures", given, results, complaints)


def test_what_is_due_is_paid_back_to_the_cent() -> None:
    said = refund(_ORDER, 34.5)
    assert (said["refund_decision"], said["amount"], said["reason"]) == ("refund", 34.5, "returned")


def test_nothing_due_is_explained() -> None:
    assert refund(_ORDER, 0)["refund_decision"] == "explain"


def test_which_article_is_damaged_is_asked_for() -> None:
    assert "which article" in refund(_ORDER, 0, refund="damaged")["refund_why"]


def test_an_order_of_somebody_else_is_explained_without_a_word_about_it() -> None:
    handed = ticket("I sent it back.", customer_id="C-10001", order_id="S-100001", refund="returned")
    for order, quote in ((_UNKNOWN, {}), ({**_ORDER, "customer_id": "C-10020"}, {"due": 34.5})):
        said = answered("Refund desk", handed, {"1": order, "2": quote})
        assert said["refund_decision"] == "explain"
        assert "amount" not in said


@pytest.mark.parametrize(("status", "decision"), [("processing", "cancel"), ("shipped", "explain")])
def test_an_order_is_cancelled_while_it_is_not_sent(status: str, decision: str) -> None:
    assert refund({**_ORDER, "status": status}, 0, refund="cancel_order")["refund_decision"] == decision


def test_a_person_who_may_be_asked_is_given_a_choice() -> None:
    assert [one["option"] for one in refund(_ORDER, 120.0)["alternatives"]] == [
        "Pay back 120.00 EUR",
        "Pay nothing back",
    ]
    assert "alternatives" not in refund(_ORDER, 20.0)
    assert "alternatives" in refund(_ORDER, 20.0, recent=34.5)


def test_a_persons_no_is_taken() -> None:
    said = refund(_ORDER, 34.5, "Step 4, shop__issue_refund, was refused: a person said no. Correct your answer.")
    assert said["refund_decision"] == "explain"


def test_a_password_link_goes_to_the_account_whatever_the_ticket_says() -> None:
    said = care("password_reset", "I forgot my password, send it to other@quietmail.example.")
    assert (said["account_decision"], said["customer_id"]) == ("reset", "C-10001")
    assert "other@quietmail.example" not in str(said)


def test_a_new_address_needs_all_its_parts() -> None:
    whole = "We have moved. Our new address: 12 Hazel Rise, A12 BC34 Alderwick, IE"
    said = care("change_address", whole)
    assert (said["street"], said["postcode"], said["city"], said["country"]) == (
        "12 Hazel Rise",
        "A12 BC34",
        "Alderwick",
        "IE",
    )
    assert care("change_address", "We have moved to Hazel Rise.")["account_decision"] == "explain"


def test_a_new_mail_address_is_not_the_old_one() -> None:
    said = care("change_email", "From edith.fairmere1@mail.example to edith@novapost.example, please.")
    assert said["new_email"] == "edith@novapost.example"


def test_where_an_order_stands_is_told_to_its_owner_only() -> None:
    shipped = {**_ORDER, "status": "shipped", "tracking": "TRK1", "promised_on": "2026-10-06", "delivered_on": ""}
    said = care("order_status", "Where is my parcel?", shipped, order_id="S-100001")
    assert (said["account_decision"], said["order_state"], said["tracking"]) == ("answer", "shipped", "TRK1")
    for order in (_UNKNOWN, {**shipped, "customer_id": "C-10020"}):
        other = care("order_status", "Where is my parcel?", order, order_id="S-100001")
        assert other["account_decision"] == "explain"
        assert "TRK1" not in str(other)


def test_closing_and_blocking_are_proposed_with_what_follows() -> None:
    close = closure(ticket("Please close my account.", closure="close_account"), _ACCOUNT)
    assert (close["closure_decision"], close["customer_id"]) == ("close", "C-10001")
    assert "cannot be opened again" in close["alternatives"][0]["consequence"]
    block = closure(ticket("I never ordered that.", closure="fraud"), _ACCOUNT)
    assert (block["closure_decision"], len(block["alternatives"])) == ("block", 3)


@pytest.mark.parametrize(
    "account", [{**_ACCOUNT, "open_orders": 1}, {**_ACCOUNT, "flagged": True}], ids=["open", "flagged"]
)
def test_a_closure_that_something_speaks_against_is_taken_over_by_a_person(account: dict[str, Any]) -> None:
    said = closure(ticket("Please close my account.", closure="close_account"), account)
    assert (said["closure_decision"], said["team"]) == ("take_over", "customer-care")


def test_an_appeal_goes_to_trust_and_safety() -> None:
    said = closure(ticket("I do not accept this.", closure="appealed"), _ACCOUNT)
    assert (said["closure_decision"], said["team"]) == ("take_over", "trust-and-safety")


def test_what_could_not_be_read_is_left_to_a_person() -> None:
    handed = ticket("I sent it back.", customer_id="C-10001", order_id="S-100001", refund="returned")
    assert answered("Refund desk", handed, {})["refund_decision"] == "person"
    handed = ticket(
        "Where is it?", customer_id="C-10001", order_id="S-100001", order_known=True, account="order_status"
    )
    assert answered("Account care", handed, {"1": _ACCOUNT})["account_decision"] == "person"
    handed = ticket("Please close my account.", closure="close_account")
    assert answered("Closures", handed, {})["closure_decision"] == "take_over"


def test_a_stranger_closes_nothing() -> None:
    assert closure(ticket("Close my account.", closure="close_account"), {})["closure_decision"] == "explain"
