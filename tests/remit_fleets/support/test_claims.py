"""A message to a customer says nothing the shop's records do not show, in five languages."""

import sqlite3
import time
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.remit_fleets.support.shops import SMALL_WORLD, call, caller, reading, situation

from remit_fleets.support.answers import AnotherAnswerError
from remit_fleets.support.claims import Claim, in_cents, sentences
from remit_fleets.support.gates import message_is_true
from remit_fleets.support.shop import Mail, put_in
from remit_fleets.support.shop.faults import meets
from remit_fleets.support.shop.rules import due
from remit_fleets.support.simulated.phrases import PHRASES

FOUND, ORDER = situation("returned")
OWED = due(ORDER, "returned", FOUND.sku).amount / 100
OWNER = next(one for one in SMALL_WORLD.customers if one.customer_id == ORDER.customer_id)
OTHER = next(one for one in SMALL_WORLD.orders.values() if one.customer_id != OWNER.customer_id)
WHO: dict[str, Any] = {"customer_id": OWNER.customer_id}
EFFECTS: dict[str, dict[str, Any]] = {
    "issue_refund": {"order_id": ORDER.order_id, "amount": OWED, "reason": "returned", "sku": FOUND.sku},
    "send_password_reset": WHO,
    "send_invoice": {"order_id": ORDER.order_id},
    "change_address": WHO | {"street": "s", "city": "c", "postcode": "p", "country": "NL"},
    "change_email": WHO | {"email": "new@mail.example"},
    "close_account": WHO | {"reason": "asked for"},
    "block_account": WHO | {"reason": "not theirs"},
    "take_over": {"ticket": "T-1", "team": "care", "summary": "wants a person"},
}
CLAIMS = [(language, tool) for language in PHRASES for tool in EFFECTS]


@pytest.fixture(autouse=True)
def ticket(shop: sqlite3.Connection) -> None:
    put_in(shop, [Mail("T-1", OWNER.email, "Hello", "I need help")])


async def judged(shop: sqlite3.Connection, text: str) -> str:
    return await message_is_true(reading(shop), {"ticket": "T-1", "text": text}, None)


def done(shop: sqlite3.Connection, tool: str, key: str = "r:1", agent: str = "refund-desk@1.0.0") -> dict[str, Any]:
    return dict(call(shop, tool, caller(key, agent=agent), **EFFECTS[tool]).answer)


def refunded(shop: sqlite3.Connection) -> str:
    return done(shop, "issue_refund")["refund_id"]


@pytest.mark.parametrize(("language", "tool"), CLAIMS)
async def test_that_something_was_done_is_true_once_it_was(shop: sqlite3.Connection, language: str, tool: str) -> None:
    text = PHRASES[language][tool].format(amount=f"{OWED:.2f}", order=ORDER.order_id, refund="{refund}")
    assert await judged(shop, text.format(refund="R-1-AAAAAA")) != ""
    assert await judged(shop, text.format(refund=done(shop, tool).get("refund_id", ""))) == ""


@pytest.mark.parametrize("language", PHRASES)
async def test_what_only_explains_claims_nothing(shop: sqlite3.Connection, language: str) -> None:
    claims = {*EFFECTS, "cancel_order", "by_person"}
    order = {"promised": ORDER.promised_on, "delivered": ORDER.delivered_on, "tracking": ORDER.tracking}
    for name, phrase in PHRASES[language].items():
        if name not in claims:
            text = phrase.format(name=OWNER.name, order=ORDER.order_id, agent="triage", **order)
            assert await judged(shop, text) == "", name
    assert await judged(shop, PHRASES[language]["not_theirs"].format(order="S-999998")) == ""


@pytest.mark.parametrize("language", PHRASES)
async def test_a_cancellation_is_true_of_the_order_that_was_cancelled(shop: sqlite3.Connection, language: str) -> None:
    _, order = situation("cancel_order")
    owner = next(one for one in SMALL_WORLD.customers if one.customer_id == order.customer_id)
    put_in(shop, [Mail("T-2", owner.email, "", "")])
    text = PHRASES[language]["cancel_order"].format(amount=f"{order.total / 100:.2f}", order=order.order_id)
    asked = {"ticket": "T-2", "text": text}
    assert "an order was cancelled" in await message_is_true(reading(shop), asked, None)
    call(shop, "cancel_order", order_id=order.order_id, reason="by mistake")
    assert await message_is_true(reading(shop), asked, None) == ""


@pytest.mark.parametrize("language", PHRASES)
async def test_that_a_person_did_it_is_true_when_one_did(shop: sqlite3.Connection, language: str) -> None:
    text = PHRASES[language]["by_person"]
    done(shop, "send_invoice", "r:1")
    assert "a person did it" in await judged(shop, text)
    done(shop, "take_over", "r:2", agent="cara.care@lumen.example")
    assert await judged(shop, text) == ""


PAID = f"{OWED:.2f}"
COMMA = PAID.replace(".", ",")


@pytest.mark.parametrize(
    "text",
    [
        f"We have refunded {PAID} EUR.",
        f"We have refunded {COMMA} EUR.",
        f"We have refunded €{PAID} to your card.",
        f"We have refunded € {COMMA}.",
        f"We have refunded {PAID} euros, within 5 days.",
        f"Refunded: {PAID}",
        f"Wir haben Ihnen {COMMA} Euro erstattet.",
        f"We refunded {PAID} EUR of the {ORDER.total / 100:.2f} EUR you paid.",
        f"You paid {ORDER.total / 100:.2f} EUR for order {ORDER.order_id}, which was delivered on {ORDER.delivered_on}.",
        f"We could not refund the {ORDER.total / 100:.2f} EUR of the whole order.",
        "The account was not closed.",
        "Wir haben Ihr Konto nicht geschlossen.",
        "Votre compte n'a pas été fermé.",
        "Su cuenta no ha sido cerrada.",
        "Uw account is niet gesloten.",
        f"We write to you at {OWNER.email}.",
        f"Your order {ORDER.order_id} was delivered.",
        f"Ihre Bestellung {ORDER.order_id} ist angekommen.",
        "Your order will be delivered soon.",
        "We will keep you updated, also when you have changed your mind about the T-shirt.",
        "The money is on its way.",
        "Your order will come soon, we hope.",
    ],
)
async def test_what_the_records_show_may_be_said(shop: sqlite3.Connection, text: str) -> None:
    refunded(shop)
    assert await judged(shop, text) == ""


LIES = [
    ("We have refunded 123.45 EUR.", "123.45 EUR"),
    ("We have refunded 123,45 EUR.", "123.45 EUR"),
    ("We have refunded €1,234.50.", "1234.50 EUR"),
    ("We have refunded 1 234,50 EUR.", "1234.50 EUR"),
    ("We have refunded 123.45 to your card.", "123.45 EUR"),
    ("We have refunded 500 to your card.", "500.00 EUR"),
    ("You will get 123.45 EUR back.", "123.45 EUR"),
    ("Sie bekommen 123,45 € zurück.", "123.45 EUR"),
    (f"We have refunded {ORDER.total / 100 + 7:.2f} EUR.", "EUR"),
    (f"We have refunded {PAID} EUR for order {OTHER.order_id}.", f"{OTHER.order_id} is nothing"),
    ("Your refund R-1-AAAAAA is on its way.", "R-1-AAAAAA is nothing"),
    (f"Your order {OTHER.order_id} was delivered.", "is nothing of this customer's"),
    (f"Your parcel is {OTHER.tracking}.", "is nothing of this customer's"),
    ("Your number is C-99999.", "C-99999 is nothing"),
    ("We refunded $20.00.", "another currency"),
    ("Please pay at https://pay.example/now", "a link"),
    ("Please confirm your card at lumen-refunds.example/login now.", "a link"),
    ("Log in at Lumen.Refunds.example.", "a link"),
    ("Write to mailto:audit or call tel:+31201234567.", "a link"),
    ("We expect it with you on 2031-01-01.", "2031-01-01"),
    ("Please write to audit@collector.example.", "an e-mail address"),
    ("We have cancelled your order.", "an order was cancelled"),
    ("Wir haben Ihre Bestellung storniert.", "an order was cancelled"),
    ("Nous avons annulé votre commande.", "an order was cancelled"),
    ("Hemos anulado su pedido.", "an order was cancelled"),
    ("We hebben uw bestelling geannuleerd.", "an order was cancelled"),
    ("Do not worry, we closed your account.", "an account was closed"),
    ("It is not a problem that we have closed your account.", "an account was closed"),
    ("We did not wait and closed the account.", "an account was closed"),
    ("We have c\u200blosed your account.", "an account was closed"),
    ("ＷＥ ＨＡＶＥ ＣＬＯＳＥＤ your account.", "an account was closed"),
    ("Ihr Konto ist gesperrt.", "an account was blocked"),
    ("We have deleted all your data.", "something was deleted"),
    ("Hemos eliminado sus datos.", "something was deleted"),
    ("Your address was updated.", "an address was changed"),
    ("Your e-mail address was updated.", "an e-mail address was changed"),
    ("It has been changed.", "something was changed"),
    ("Le mot de passe a été réinitialisé.", "a new password was sent"),
    ("We have sent you the link for your password and the invoice.", "an invoice was sent"),
    ("A colleague has taken over.", "a person has taken over"),
    ("Your cancellation is confirmed.", "an order was cancelled"),
    ("Ihre Stornierung ist bestätigt.", "an order was cancelled"),
]


@pytest.mark.parametrize(("text", "words"), LIES, ids=[text for text, _ in LIES])
async def test_what_the_records_do_not_show_is_refused(shop: sqlite3.Connection, text: str, words: str) -> None:
    refunded(shop)
    assert words in await judged(shop, text)


ASKING = [
    "Please tell us your PIN.",
    "To pay you back we need the number of your card, and the password.",
    "Reply with your card number and the CVV.",
    "Bitte nennen Sie uns Ihr Passwort.",
    "Teilen Sie uns Ihre Kartennummer mit.",
    "Wir benötigen Ihre PIN.",
    "Merci de nous communiquer votre mot de passe.",
    "Indiquez votre numéro de carte.",
    "Necesitamos su contraseña.",
    "Indíquenos el número de su tarjeta.",
    "Stuur ons uw wachtwoord.",
    "Wij hebben uw pincode nodig.",
]
NOT_ASKING = [
    "We never ask for your password.",
    "Please never tell us your PIN.",
    "Teilen Sie niemandem Ihre PIN mit.",
    "Teilen Sie Ihre PIN niemandem mit.",
    "We hebben nooit uw wachtwoord nodig.",
    "Ne nous envoyez jamais votre mot de passe.",
    "Please tell us the number of your order.",
    "The link lets you set a new password.",
]


@pytest.mark.parametrize("text", ASKING)
async def test_a_message_asks_for_no_password_pin_or_number_of_a_card(shop: sqlite3.Connection, text: str) -> None:
    assert "it asks for a password" in await judged(shop, text)


@pytest.mark.parametrize("text", NOT_ASKING)
async def test_what_only_speaks_of_a_password_does_not_ask_for_it(shop: sqlite3.Connection, text: str) -> None:
    assert await judged(shop, text) == ""


async def test_a_price_that_stands_in_the_records_is_no_refund(shop: sqlite3.Connection) -> None:
    text = f"We have refunded {ORDER.total / 100:.2f} EUR for order {ORDER.order_id}."
    assert "money was paid back" in await judged(shop, text)
    call(shop, "issue_refund", order_id=ORDER.order_id, amount=0.01, reason="late")
    assert f"{ORDER.total / 100:.2f} EUR were paid back" in await judged(shop, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your order {order} was delivered.", "an order has arrived"),
        ("Ihre Bestellung {order} wurde gestern zugestellt.", "an order has arrived"),
        ("Votre commande {order} est arrivée.", "an order has arrived"),
        ("Su pedido {order} llegó ayer.", "an order has arrived"),
        ("Uw bestelling {order} is bezorgd.", "an order has arrived"),
        ("Your order {order} is on its way.", "an order is on its way"),
        ("Ihr Paket {order} ist unterwegs.", "an order is on its way"),
        ("The money is on its way.", "money was paid back"),
        ("Der Betrag ist zurück auf Ihrem Konto.", "money was paid back"),
    ],
)
async def test_an_order_that_is_packed_is_neither_on_its_way_nor_there(
    shop: sqlite3.Connection, text: str, words: str
) -> None:
    _, order = situation("cancel_order")
    owner = next(one for one in SMALL_WORLD.customers if one.customer_id == order.customer_id)
    put_in(shop, [Mail("T-2", owner.email, "", "")])
    told = await message_is_true(reading(shop), {"ticket": "T-2", "text": text.format(order=order.order_id)}, None)
    assert words in told


async def test_a_refund_for_one_order_backs_no_word_about_another(shop: sqlite3.Connection) -> None:
    of_owner = [one for one in SMALL_WORLD.orders.values() if one.customer_id == OWNER.customer_id]
    refunded(shop)
    for order in of_owner:
        told = await judged(shop, f"We have refunded {PAID} EUR for order {order.order_id}.")
        assert (told == "") == (order.order_id == ORDER.order_id)


async def test_a_stranger_is_told_nothing_of_anybodys(shop: sqlite3.Connection) -> None:
    put_in(shop, [Mail("T-3", "stranger@elsewhere.example", "", "")])
    for text, words in (
        (f"Your order {ORDER.order_id} has arrived.", "is nothing of"),
        (f"You paid {PAID} EUR.", "EUR"),
    ):
        assert words in await message_is_true(reading(shop), {"ticket": "T-3", "text": text}, None)


FORMS = ("{} EUR", "EUR {}", "€{}", "{} €", "{} euro")


@given(cents=st.integers(1, 99_999_999), form=st.sampled_from(FORMS), comma=st.booleans(), grouped=st.booleans())
def test_an_amount_is_found_however_it_is_written(cents: int, form: str, comma: bool, grouped: bool) -> None:
    whole, part = divmod(cents, 100)
    written = f"{whole:,}.{part:02}" if grouped else f"{whole}.{part:02}"
    if comma:
        written = written.translate(str.maketrans(",.", ".,"))
    (read,) = sentences(f"We have refunded {form.format(written)} for your order S-100001, as you asked")
    assert (read.amounts, read.paid_back) == (frozenset({cents}), frozenset({cents}))


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(read.claims <= set(get_args(Claim)) for read in sentences(text))


@pytest.mark.parametrize("part", ["not refunded ", "1", "1.111", "a", "a.-", "person ", "money was ", "a@a.", "not "])
def test_a_long_message_is_read_in_no_time(part: str) -> None:
    """The gate runs in Remit's own process, where everybody else would wait for it."""
    started = time.process_time()
    sentences((part * 8_000)[:8_000])
    assert time.process_time() - started < 0.5


async def test_records_of_another_ticket_back_nothing(shop: sqlite3.Connection) -> None:
    put_in(shop, [Mail("T-2", SMALL_WORLD.customers[1].email, "", "")])
    met = next(key for key in map(str, range(99)) if meets("wrong-answer", key))
    read = reading(shop, faults=frozenset({"wrong-answer"}), key=met)
    with pytest.raises(AnotherAnswerError):
        await message_is_true(read, {"ticket": "T-1", "text": "Hello"}, None)


async def test_at_most_three_reasons_are_given(shop: sqlite3.Connection) -> None:
    told = await judged(shop, "We closed it. We cancelled it. We blocked it. We deleted it. We changed it.")
    assert told.count(";") == 2


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("12.34", 1_234),
        ("12,34", 1_234),
        ("12,3", 1_230),
        ("12", 1_200),
        ("0.05", 5),
        ("1.234", 123_400),
        ("1,234", 123_400),
        ("1.234,50", 123_450),
        ("1,234.50", 123_450),
        ("1 234,50", 123_450),
        ("1'234.50", 123_450),
        ("1.234.567", 123_456_700),
    ],
)
def test_an_amount_is_read_as_it_is_written_anywhere(written: str, cents: int) -> None:
    assert in_cents(written) == cents


def test_numbers_of_orders_and_dates_are_no_amounts() -> None:
    (read,) = sentences("We have refunded what was due for S-100001 (R-100001-123456) on 2026-10-01")
    assert (read.amounts, read.paid_back) == (frozenset(), frozenset())
    assert read.numbers == {"S-100001", "R-100001-123456"}
    assert read.dates == {"2026-10-01"}
