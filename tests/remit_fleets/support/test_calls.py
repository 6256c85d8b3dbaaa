"""A write happens once for its key, with its row in the effects, or not at all; reads change nothing."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from tests.remit_fleets.support.shops import AGENT, SMALL_WORLD, call, caller, for_owner, situation

from remit_fleets.support.shop import Mail, effects_of, put_in
from remit_fleets.support.shop.calls import CALL_META, Caller
from remit_fleets.support.shop.reads import READS
from remit_fleets.support.shop.records import ShopError
from remit_fleets.support.shop.rules import due
from remit_fleets.support.shop.writes import WRITES

ANN = SMALL_WORLD.customers[0]
PLACE: dict[str, Any] = {"street": "New Lane 1", "city": "Newtown", "postcode": "12345", "country": "NL"}
RETURNED, RETURNED_ORDER = situation("returned")
OWED = due(RETURNED_ORDER, "returned", RETURNED.sku).amount
REFUND: dict[str, Any] = {
    "order_id": RETURNED.order_id,
    "amount": OWED / 100,
    "reason": "returned",
    "sku": RETURNED.sku,
}
PROCESSING = situation("cancel_order")[0].order_id

EVERY_WRITE: dict[str, dict[str, Any]] = {
    "issue_refund": REFUND,
    "cancel_order": {"order_id": PROCESSING, "reason": "ordered by mistake"},
    "send_password_reset": {"customer_id": ANN.customer_id},
    "send_invoice": {"order_id": RETURNED.order_id},
    "change_address": {"customer_id": ANN.customer_id, **PLACE},
    "change_email": {"customer_id": ANN.customer_id, "email": "ann@new.example"},
    "close_account": {"customer_id": ANN.customer_id, "reason": "asked for"},
    "block_account": {"customer_id": ANN.customer_id, "reason": "not their order"},
    "take_over": {"ticket": "T-1", "team": "care", "summary": "wants a person"},
    "send_message": {"ticket": "T-1", "text": "Hello"},
    "ask_satisfaction": {"ticket": "T-1"},
    "delete_customer": {"customer_id": ANN.customer_id},
}


UNDOING = ("cancel_refund", "undo_change")
"""Those undo another one, which comes first."""


@pytest.fixture(autouse=True)
def ticket(shop: sqlite3.Connection) -> None:
    put_in(shop, [Mail("T-1", ANN.email, "Hello", "I need help")])


def dump(shop: sqlite3.Connection) -> list[str]:
    return list(shop.iterdump())


def test_every_write_is_tried_here() -> None:
    assert {*EVERY_WRITE, *UNDOING} == set(WRITES)


@pytest.mark.parametrize("tool", EVERY_WRITE)
def test_a_write_has_one_effect_for_its_key_and_the_same_answer_again(shop: sqlite3.Connection, tool: str) -> None:
    first = call(shop, tool, **EVERY_WRITE[tool])
    after = dump(shop)
    again = call(shop, tool, **EVERY_WRITE[tool])
    assert (first.ended, again.ended) == ("done", "repeated")
    assert dict(first.answer) == dict(again.answer)
    assert dump(shop) == after
    (effect,) = effects_of(shop, "task_1")
    assert (effect.key, effect.tool, effect.actor, effect.run, effect.step) == ("r:1", tool, AGENT, "run_1", 1)
    assert effect.detail == {**for_owner(tool, EVERY_WRITE[tool]), **first.answer}
    assert effect.detail["done_by"] == AGENT


@pytest.mark.parametrize("tool", EVERY_WRITE)
def test_a_key_that_did_something_else_is_refused(shop: sqlite3.Connection, tool: str) -> None:
    call(shop, "send_message", ticket="T-1", text="Something else")
    before = dump(shop)
    with pytest.raises(ShopError, match="used for something else"):
        call(shop, tool, **EVERY_WRITE[tool])
    assert dump(shop) == before


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("issue_refund", REFUND | {"order_id": "S-1"}, "no order"),
    ("issue_refund", REFUND | {"amount": 999_999.0}, "left of the payments"),
    ("issue_refund", REFUND | {"amount": -5.0}, "no amount"),
    ("issue_refund", REFUND | {"amount": 0.004}, "no amount"),
    ("cancel_order", {"order_id": RETURNED.order_id, "reason": ""}, "no longer be cancelled"),
    ("send_password_reset", {"customer_id": "C-1"}, "no customer"),
    ("send_invoice", {"order_id": "S-1"}, "no order"),
    ("change_address", {"customer_id": "C-1", **PLACE}, "no customer"),
    (
        "change_email",
        {"customer_id": ANN.customer_id, "email": SMALL_WORLD.customers[1].email.upper()},
        "another account",
    ),
    ("close_account", {"customer_id": "C-1", "reason": ""}, "no customer"),
    ("take_over", {"ticket": "T-9", "team": "care", "summary": ""}, "no ticket"),
    ("send_message", {"ticket": "T-9", "text": "x"}, "no ticket"),
    ("ask_satisfaction", {"ticket": "T-9"}, "no ticket"),
    ("delete_customer", {"customer_id": "C-1"}, "no customer"),
    ("quote_refund", {"order_id": "S-1", "reason": "late"}, "no order"),
    ("list_refunds", {"order_id": "S-1"}, "no order"),
    ("list_orders", {"customer_id": "C-1"}, "no customer"),
    ("get_account", {"customer_id": "C-1"}, "no customer"),
]


@pytest.mark.parametrize("tool", ["quote_refund", "list_refunds", "issue_refund", "cancel_order", "send_invoice"])
def test_an_order_of_somebody_else_is_refused_as_one_that_is_not_there(shop: sqlite3.Connection, tool: str) -> None:
    before = dump(shop)
    other = next(one.customer_id for one in SMALL_WORLD.customers if one.customer_id != RETURNED_ORDER.customer_id)
    asked = {"quote_refund": {"reason": "returned"}, **EVERY_WRITE}.get(tool, {})
    told: list[str] = []
    for order_id in (RETURNED.order_id, "S-1"):
        with pytest.raises(ShopError, match="there is no order") as refused:
            call(shop, tool, **{**asked, "order_id": order_id, "customer_id": other})
        told.append(str(refused.value).replace(order_id, "…"))
    assert told[0] == told[1]
    assert dump(shop) == before


def test_an_order_of_somebody_else_is_not_known(shop: sqlite3.Connection) -> None:
    other = next(one.customer_id for one in SMALL_WORLD.customers if one.customer_id != RETURNED_ORDER.customer_id)
    for order_id in (RETURNED.order_id, "S-1"):
        asked = {"order_id": order_id, "customer_id": other}
        assert call(shop, "get_order", **asked).answer == {"known": False, **asked}


def test_what_was_paid_back_recently_is_that_of_all_orders_of_one_customer(shop: sqlite3.Connection) -> None:
    others = [one for one in SMALL_WORLD.orders.values() if one.customer_id == RETURNED_ORDER.customer_id]
    second = next(one for one in others if one.order_id != RETURNED.order_id and one.payments)
    call(shop, "issue_refund", caller("r:1"), **REFUND | {"amount": 1.25})
    call(shop, "issue_refund", caller("r:2"), order_id=second.order_id, amount=2.50, reason="late")
    call(shop, "issue_refund", caller("r:3"), order_id=PROCESSING, amount=9.00, reason="late")
    asked = {"order_id": second.order_id, "reason": "late"}
    assert call(shop, "quote_refund", **asked).answer["refunded_recently"] == 3.75
    shop.execute("UPDATE refunds SET refunded_on = '2026-08-31' WHERE order_id = ?", (second.order_id,))
    assert call(shop, "quote_refund", **asked).answer["refunded_recently"] == 1.25


@pytest.mark.parametrize(("tool", "arguments", "words"), REFUSED)
def test_what_is_refused_leaves_nothing(
    shop: sqlite3.Connection, tool: str, arguments: dict[str, Any], words: str
) -> None:
    before = dump(shop)
    with pytest.raises(ShopError, match=words):
        call(shop, tool, **arguments)
    assert dump(shop) == before


def test_a_refund_changes_what_is_due_and_stands_in_the_list(shop: sqlite3.Connection) -> None:
    asked: dict[str, Any] = {"order_id": RETURNED.order_id, "reason": "returned", "sku": RETURNED.sku}
    assert call(shop, "quote_refund", **asked).answer["due"] == OWED / 100
    made = call(shop, "issue_refund", **REFUND).answer
    assert call(shop, "quote_refund", **asked).answer["due"] == 0
    (listed,) = call(shop, "list_refunds", order_id=RETURNED.order_id).answer["refunds"]
    assert (listed["refund_id"], listed["amount"], listed["sku"]) == (made["refund_id"], OWED / 100, RETURNED.sku)


def test_a_refund_is_taken_back_once_and_on_its_day_only(shop: sqlite3.Connection) -> None:
    asked: dict[str, Any] = {"order_id": RETURNED.order_id, "reason": "returned", "sku": RETURNED.sku}
    made = call(shop, "issue_refund", **REFUND).answer
    back = {"order_id": RETURNED.order_id, "refund_id": made["refund_id"], "amount": made["amount"]}
    with pytest.raises(ShopError, match="has no refund"):
        call(shop, "cancel_refund", caller("r:2"), **back | {"amount": 0.01})
    shop.execute("UPDATE refunds SET refunded_on = '2026-08-31'")
    with pytest.raises(ShopError, match="was paid out"):
        call(shop, "cancel_refund", caller("r:2"), **back)
    shop.execute("UPDATE refunds SET refunded_on = '2026-10-01'")
    first = call(shop, "cancel_refund", caller("r:2"), **back)
    assert call(shop, "cancel_refund", caller("r:2"), **back) == replace(first, ended="repeated")
    assert call(shop, "quote_refund", **asked).answer["due"] == OWED / 100
    effects = call(shop, "list_effects", ticket="T-1").answer["effects"]
    assert [(one["tool"], one["refund_id"]) for one in effects] == [("issue_refund", ""), ("cancel_refund", "")]
    with pytest.raises(ShopError, match="has no refund"):
        call(shop, "cancel_refund", caller("r:3"), **back)


@pytest.mark.parametrize("tool", ["change_address", "change_email", "block_account"])
def test_a_change_is_changed_back_unless_it_was_changed_again(shop: sqlite3.Connection, tool: str) -> None:
    before = call(shop, "get_account", customer_id=ANN.customer_id).answer
    made = call(shop, tool, **EVERY_WRITE[tool]).answer
    back = {"customer_id": ANN.customer_id, "change_id": made["change_id"]}
    with pytest.raises(ShopError, match="no change"):
        call(shop, "undo_change", caller("r:2"), **back | {"customer_id": SMALL_WORLD.customers[1].customer_id})
    call(shop, "undo_change", caller("r:3"), **back)
    assert call(shop, "get_account", customer_id=ANN.customer_id).answer == before
    with pytest.raises(ShopError, match="changed again"):
        call(shop, "undo_change", caller("r:4"), **back)


def test_two_refunds_under_two_keys_are_two_and_the_payments_are_the_end_of_it(shop: sqlite3.Connection) -> None:
    """The shop is no judge of what is due: that one of them is wrong is for those who use it."""
    small = REFUND | {"amount": 1.0}
    ids = {call(shop, "issue_refund", caller(f"r:{k}"), **small).answer["refund_id"] for k in range(3)}
    assert len(ids) == 3
    assert sum(effect.amount or 0 for effect in effects_of(shop)) == 300


def test_a_cancelled_order_is_paid_back_once(shop: sqlite3.Connection) -> None:
    order = SMALL_WORLD.orders[PROCESSING]
    done = call(shop, "cancel_order", order_id=PROCESSING, reason="").answer
    assert (done["refunded"], done["status"]) == (order.total / 100, "cancelled")
    with pytest.raises(ShopError, match="cancelled"):
        call(shop, "cancel_order", caller("r:2"), order_id=PROCESSING, reason="")
    with pytest.raises(ShopError, match="left of the payments"):
        call(shop, "issue_refund", caller("r:3"), order_id=PROCESSING, amount=0.01, reason="late")


def test_an_account_is_changed_closed_and_forgotten_really(shop: sqlite3.Connection) -> None:
    who: dict[str, Any] = {"customer_id": ANN.customer_id}
    call(shop, "change_address", caller("r:1"), **who, **PLACE)
    call(shop, "change_email", caller("r:2"), **who, email="Ann@New.example")
    call(shop, "block_account", caller("r:3"), **who, reason="")
    account = call(shop, "get_account", **who).answer
    assert {name: account[name] for name in PLACE} == PLACE
    assert (account["email"], account["status"]) == ("ann@new.example", "locked")
    assert account["flagged"]  # whoever asks for a new password next, a person looks first
    call(shop, "send_password_reset", caller("r:4"), **who)
    assert call(shop, "get_account", **who).answer["status"] == "active"
    call(shop, "close_account", caller("r:5"), **who, reason="")
    with pytest.raises(ShopError, match="closed already"):
        call(shop, "close_account", caller("r:6"), **who, reason="")
    call(shop, "delete_customer", caller("r:7"), **who)
    assert call(shop, "find_customer", email="ann@new.example").answer["known"] is False


def test_an_export_tells_everybody_and_is_an_effect(shop: sqlite3.Connection) -> None:
    told = call(shop, "export_customers").answer["customers"]
    call(shop, "export_customers")
    assert len(told) == len(SMALL_WORLD.customers)
    assert [(effect.tool, effect.detail["customers"]) for effect in effects_of(shop)] == [("export_customers", 150)]


def test_a_holder_whose_lock_was_given_on_is_refused(shop: sqlite3.Connection) -> None:
    lock = f"shop:order_id:{RETURNED.order_id}"
    one = REFUND | {"amount": 1.0}
    call(shop, "issue_refund", caller("r:1", fences={lock: 7}), **one)
    with pytest.raises(ShopError, match="another holder"):
        call(shop, "issue_refund", caller("r:2", fences={lock: 6}), **one)
    assert call(shop, "issue_refund", caller("r:3", fences={lock: 7}), **one).ended == "done"


@pytest.mark.parametrize("tool", sorted(set(READS) - {"export_customers"}))
def test_a_read_changes_nothing_and_repeats_what_it_was_asked_about(shop: sqlite3.Connection, tool: str) -> None:
    asked: dict[str, Any] = {
        "find_customer": {"email": ANN.email},
        "list_effects": {"ticket": "T-1"},
        "quote_refund": {"order_id": RETURNED.order_id, "reason": "returned", "sku": RETURNED.sku},
    }.get(tool, {"order_id": RETURNED.order_id} if "order" in tool or "refunds" in tool else {})
    if tool in ("get_account", "list_orders"):
        asked = {"customer_id": ANN.customer_id}
    before = dump(shop)
    answer = call(shop, tool, **asked).answer
    assert dump(shop) == before
    assert asked.items() <= answer.items()


def test_effects_are_those_of_the_task_and_of_the_tickets_customer(shop: sqlite3.Connection) -> None:
    call(shop, "send_password_reset", caller("r:1", task="earlier"), customer_id=ANN.customer_id)
    call(shop, "send_invoice", caller("r:2", task="task_1"), order_id=RETURNED.order_id)
    call(shop, "send_invoice", caller("r:3", task="somebody else's"), order_id=PROCESSING)
    shown = call(shop, "list_effects", ticket="T-1").answer
    assert [(one["tool"], one["now"]) for one in shown["effects"]] == [
        ("send_password_reset", False),
        ("send_invoice", True),
    ]
    assert {order["order_id"] for order in shown["orders"]} == {
        order.order_id for order in SMALL_WORLD.orders.values() if order.customer_id == ANN.customer_id
    }


def test_a_ticket_stays_its_senders_when_the_address_changes(shop: sqlite3.Connection) -> None:
    call(shop, "change_email", customer_id=ANN.customer_id, email="ann@new.example")
    put_in(shop, [Mail("T-1", "ann@new.example", "again", "again")])
    shown = call(shop, "list_effects", ticket="T-1").answer
    assert (shown["holder"]["customer_id"], shown["sender"]) == (ANN.customer_id, ANN.email)


def test_ids_follow_from_what_was_asked_and_not_from_when(shop: sqlite3.Connection) -> None:
    first = call(shop, "issue_refund", caller("r:1"), **REFUND).answer
    assert first["refund_id"].startswith(f"R-{RETURNED.order_id[2:]}-")
    sent = [call(shop, "send_message", caller(f"m:{k}"), ticket="T-1", text="Hello").answer for k in range(2)]
    assert sent[0]["message_id"] == sent[1]["message_id"]


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {CALL_META: "r:1"},
        {CALL_META: {"key": "k", "task": "t", "run": "r", "agent": "a"}},
        {CALL_META: {"key": "", "task": "t", "run": "r", "step": 1, "agent": "a"}},
        {CALL_META: {"key": "k", "task": 7, "run": "r", "step": 1, "agent": "a"}},
        {CALL_META: {"key": "k", "task": "t", "run": "r", "step": True, "agent": "a"}},
        {CALL_META: {"key": "k", "task": "t", "run": "r", "step": 1, "agent": "a", "fences": {"x": "1"}}},
    ],
)
def test_who_does_not_say_who_calls_is_refused(meta: Any) -> None:
    with pytest.raises(ShopError, match=CALL_META):
        Caller.told(meta)


def test_a_sender_whose_letters_only_look_alike_is_nobody_here(shop: sqlite3.Connection) -> None:
    with_k = next(one.email for one in SMALL_WORLD.customers if "k" in one.email)
    assert call(shop, "find_customer", email=f" {with_k.upper()} ").answer["known"] is True
    kelvin = with_k.replace("k", "\N{KELVIN SIGN}", 1)
    assert call(shop, "find_customer", email=kelvin).answer["known"] is False


def test_a_ticket_is_taken_over_once_in_a_task(shop: sqlite3.Connection) -> None:
    first = call(shop, "take_over", **EVERY_WRITE["take_over"])
    again = call(shop, "take_over", caller("r:2"), ticket="T-1", team="safety", summary="nobody else could")
    assert (first.ended, again.ended) == ("done", "repeated")
    assert again.answer == first.answer, "whoever has it goes on having it"
    assert [effect.key for effect in effects_of(shop, "task_1")] == ["r:1"]
