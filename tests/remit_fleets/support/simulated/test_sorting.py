"""The simulated triage: what it reads out of tickets in five languages."""

from typing import Any

import pytest
from tests.remit_fleets.support.simulated.asking import answered, ticket

from remit_fleets.support.simulated.sorting import wanted_in
from remit_fleets.support.tickets.generator import Tickets
from remit_fleets.support.world import make_world

_ORDERS = {
    "orders": [
        {
            "order_id": "S-100001",
            "items": [{"sku": "SCA-122", "name": "Dune Scarf"}, {"sku": "CUP-101", "name": "Tarn Mug"}],
        },
        {"order_id": "S-100002", "items": [{"sku": "CAP-121", "name": "Harbour Cap"}]},
    ]
}
_KNOWN = {"known": True, "customer_id": "C-10001", "language": "en"}


def sorted_out(body: str, customer: dict[str, Any] | None = None) -> dict[str, Any]:
    return answered("Triage", ticket(body), {"1": customer or _KNOWN, "2": _ORDERS})


def test_it_understands_what_the_generators_customers_want() -> None:
    for written in Tickets(make_world(11, 200)):
        assert written.truth is not None
        wanted = wanted_in(f"{written.subject}\n{written.body}")
        found = {wanted.refund, wanted.account, wanted.closure} - {"none"}
        assert found == set(written.truth.topics), written.ticket


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("I returned the Dune Scarf of S-100001.", {"refund": "returned", "order_id": "S-100001", "sku": "SCA-122"}),
        ("Die Tasse Tarn Mug aus S-100001 ist zerbrochen.", {"refund": "damaged", "sku": "CUP-101"}),
        ("J'ai oublié mon mot de passe.", {"refund": "none", "account": "password_reset"}),
        ("Quiero cerrar mi cuenta.", {"closure": "close_account", "account": "none"}),
        ("Waar is mijn bestelling S-100002?", {"account": "order_status", "order_id": "S-100002"}),
    ],
    ids=["en", "de", "fr", "es", "nl"],
)
def test_a_ticket_is_sorted_in_its_language(body: str, expected: dict[str, Any]) -> None:
    said = sorted_out(body)
    assert {name: said[name] for name in expected} == expected


def test_an_article_is_found_although_it_is_misspelled() -> None:
    assert sorted_out("The Tarrn Mugg of S-100001 came broken.")["sku"] == "CUP-101"
    assert "sku" not in sorted_out("Something of S-100001 came broken.")


def test_a_number_of_somebody_else_is_not_known() -> None:
    assert sorted_out("My order S-100099 arrived broken.")["order_known"] is False
    assert sorted_out("My order S-100002 arrived broken.")["order_known"] is True


def test_without_a_number_none_is_guessed() -> None:
    said = sorted_out("It arrived broken.")
    assert "order_id" not in said
    assert said["order_known"] is False


def test_nothing_is_done_for_a_sender_who_is_not_known() -> None:
    said = sorted_out("My order S-100002 arrived broken.", {"known": False})
    assert (said["refund"], said["account"], said["closure"]) == ("none", "none", "none")


def test_who_asks_for_a_person_gets_one_whatever_else_they_ask_for() -> None:
    said = sorted_out("My order S-100002 arrived broken, I want to talk to a person!")
    assert (said["refund"], said["closure"]) == ("none", "ask_person")


def test_two_wishes_of_one_kind_make_it_unsure() -> None:
    assert sorted_out("S-100002 came too late and broken.")["confidence"] < 0.7
    assert sorted_out("S-100002 came broken.")["confidence"] > 0.9
