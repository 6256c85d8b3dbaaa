"""Personal data is recognised by its form and its check digits, labels the value, and is never repeated."""

import pytest

from remit.guardrails import Guardrails, Label

PERSONAL = {
    "mail-address": ["Write to anna.o'neill+shop@mail.example.co, please", "<b@x.de>"],
    "telephone": ["+49 151 234 567 89", "+1 (415) 555-0132", "(415) 555-0132", "call 415-555-0132."],
    "card-number": ["4111 1111 1111 1111", "5500-0055-5555-5559", "378282246310005", "card 6011000990139424."],
    "bank-account": ["DE89 3704 0044 0532 0130 00 BIC COBADEFF", "GB29NWBK60161331926819", "IBAN NL91ABNA0417164300"],
    "us-social-security": ["my number is 123-45-6789."],
}
ORDINARY = [
    "order #W2378156, item 1151293680, tracking 843053632392",
    "4111 1111 1111 1112",  # wrong check digit
    "DE88 3704 0044 0532 0130 00",  # wrong check digits
    "000-12-3456 and 666-12-3456",  # never issued
    "2026-11-20 14:03:22.123456",
    "1763680000000000",
    "192.168.100.200:8080",
    "price 1,234.56 EUR, 10.000.000 pieces",
    "version 1.2.3-4567",
    "follow @shop, or read @media (min-width: 600px)",
    "credit_card_9513926",
    "+5 points, 3+4567",
]


@pytest.fixture(scope="module")
def guardrails() -> Guardrails:
    return Guardrails()


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, texts in PERSONAL.items() for text in texts])
def test_personal_data_labels_and_neither_blocks_nor_changes(guardrails: Guardrails, rule: str, text: str) -> None:
    going, coming = guardrails.screen_input({"note": text}), guardrails.screen_output({"note": text})

    assert [concern.rule for concern in going.concerns] == [rule]
    assert going.blocked is None
    assert going.labels == coming.labels == {Label.PERSONAL}
    assert coming.value == {"note": text}
    told = going.concerns[0].excerpt
    assert not any(c.isdigit() and c != "9" for c in told)
    assert not any(c.isalpha() and c != "x" for c in told)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_are_not_personal(guardrails: Guardrails, text: str) -> None:
    assert guardrails.screen_input({"note": text}).concerns == ()


def test_a_card_number_given_as_a_number_is_seen(guardrails: Guardrails) -> None:
    screening = guardrails.screen_input({"payment": {"card": 4111111111111111, "cents": 411111}})

    assert [(concern.rule, concern.where) for concern in screening.concerns] == [("card-number", "$.payment.card")]


def test_a_key_that_is_personal_data_does_not_stand_in_the_path(guardrails: Guardrails) -> None:
    screening = guardrails.screen_output({"customers": {"ann@shop.example": {"phone": "+49 151 234 567 89"}}})

    assert {concern.where for concern in screening.concerns} == {"$.customers.*", "$.customers.*.phone"}


def test_a_declared_field_is_personal_whatever_it_says(guardrails: Guardrails) -> None:
    arguments = {"order": {"people": [{"name": "Ann"}, {"name": ""}]}, "note": ""}

    found = guardrails.screen_input(arguments, personal_fields=["order.people.name", "note", "absent.field"])

    assert [(concern.rule, concern.where) for concern in found.concerns] == [
        ("declared-personal", "$.order.people.name")
    ]
    assert found.labels == {Label.PERSONAL}
