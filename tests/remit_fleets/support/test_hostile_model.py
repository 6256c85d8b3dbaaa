"""Whatever a model says in its answers, a ticket touches its sender's own account and orders, and reads nobody else's."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.remit_fleets.support import hostile
from tests.remit_fleets.support.hostile import PARTS, Asked, Part, call
from tests.remit_fleets.support.office import Office, Worked
from tests.remit_fleets.support.shops import call as call_shop

from remit.app import Arrival
from remit_fleets.support.shop import DATABASE, open_shop
from remit_fleets.support.world import Customer, Intent, Order, make_world

_SEED = 7
_WORLD = make_world(_SEED, 1_500)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    opened = await Office.open(tmp_path / "fleet", seed=_SEED, tickets=1_500, model=f"{hostile.__name__}:answer")
    yield opened
    await opened.close()
    PARTS.clear()


def _who(intent: Intent, place: int = 0) -> tuple[Customer, Order]:
    """Returns a customer who is not flagged, and a small order of theirs that is as the situation needs it."""
    found = [
        (customer, _WORLD.orders[one.order_id])
        for one, customer in zip(_WORLD.situations, _WORLD.customers, strict=True)
        if one.intent == intent and not customer.flagged and _WORLD.orders[one.order_id].total <= 5_000
    ]
    return found[place]


async def _worked(office: Office, sender: str, *parts: Part, number: int = 1) -> Worked:
    PARTS[:] = parts
    name = f"X-{number}"
    data = {"ticket": name, "from": sender, "subject": "Hello", "body": "Please help me."}
    return await office.work(Arrival(name, "ticket.created", data, name))


def _sorted(**fields: Any) -> dict[str, Any]:
    return {"refund": "none", "account": "none", "closure": "none", "language": "en", **fields}


def _tools(worked: Worked) -> set[str]:
    return {effect.tool for effect in worked.effects}


async def test_a_stranger_reaches_nobodys_account_by_another_sender_in_the_models_answer(office: Office) -> None:
    victim, order = _who("cancel_order")
    sorts: list[Mapping[str, Any]] = []

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent != "triage":
            return None
        sorts.append(asked.input)
        if len(sorts) == 1:  # has closures bind the victim, and is sent back by a hand-over that does not fit
            return _sorted(closure="ask_person", **{"from": victim.email}, refund_why="x" * 501, name="N" * 201)
        claimed = {"known": True, "customer_id": victim.customer_id, "order_id": order.order_id, "order_known": True}
        return _sorted(refund="cancel_order", account="password_reset", **claimed)

    def desks(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent == "refund-desk":
            given = {"order_id": order.order_id, "reason": "cancel_order"}
            return {"refund_decision": "cancel", "refund_why": "done", **given}
        if asked.agent == "account-care":
            return {"account_decision": "reset", "customer_id": victim.customer_id, "account_why": "done"}
        return None

    worked = await _worked(office, "stranger@elsewhere.example", triage, desks)
    assert not _tools(worked) & {"cancel_order", "send_password_reset", "issue_refund"}
    assert {effect.customer_id for effect in worked.effects} <= {""}


async def test_the_desks_read_the_senders_account_whoever_the_model_names(office: Office) -> None:
    (sender, _), (victim, _) = _who("order_status"), _who("order_status", 1)
    seen: list[Any] = []

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        named = {"customer_id": victim.customer_id, "from": victim.email, "ticket": "X-2"}
        return _sorted(account="order_status", order_known=False, **named) if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent != "account-care":
            return None
        seen.append(asked.result(1))
        return {"account_decision": "explain", "account_why": str(asked.result(1).get("street"))}

    worked = await _worked(office, sender.email, triage, desk)
    assert [account.get("customer_id") for account in seen] == [sender.customer_id]
    assert victim.address.street not in worked.message


async def test_a_model_that_asks_for_the_orders_of_somebody_else_is_denied_them(office: Office) -> None:
    (sender, _), (victim, _) = _who("order_status"), _who("order_status", 1)

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        return _sorted(account="order_status", order_known=False) if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent != "account-care":
            return None
        if not asked.called:
            return call("shop__list_orders", customer_id=victim.customer_id)
        return {"account_decision": "explain", "account_why": "Nothing is to be done."}

    worked = await _worked(office, sender.email, triage, desk)
    assert worked.denied == ["shop__list_orders"]


async def test_a_model_that_asks_what_was_paid_back_to_somebody_else_is_denied_it(office: Office) -> None:
    (sender, own), (victim, order) = _who("returned"), _who("returned", 1)

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        named = {"order_id": own.order_id, "order_known": True}
        return _sorted(refund="late", **named) if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent != "refund-desk":
            return None
        if not asked.called:
            return call("shop__list_refunds", order_id=order.order_id, customer_id=victim.customer_id)
        return {"refund_decision": "explain", "refund_why": "Nothing is to be done."}

    worked = await _worked(office, sender.email, triage, desk)
    assert worked.denied == ["shop__list_refunds"]


@pytest.mark.parametrize("desk_name", ["refund-desk", "account-care"])
async def test_an_order_of_somebody_else_is_not_shown_to_a_desk_whatever_triage_says(
    office: Office, desk_name: str
) -> None:
    (sender, _), (_, order) = _who("returned"), _who("returned", 1)
    seen: list[Any] = []

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        named = {"order_id": order.order_id, "order_known": True, "customer_id": order.customer_id}
        wanted = {"refund": "returned"} if desk_name == "refund-desk" else {"account": "order_status"}
        return _sorted(**wanted, **named) if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent == desk_name:
            seen.append(asked.result(1 if desk_name == "refund-desk" else 2))
        return None

    worked = await _worked(office, sender.email, triage, desk)
    unknown = {"known": False, "order_id": order.order_id, "customer_id": sender.customer_id}
    assert seen == [unknown]
    assert _tools(worked) <= {"send_message", "ask_satisfaction"}
    assert len(worked.done("send_message")) == 1
    of_order = [order.tracking, order.items[0].name, f"{order.total / 100:.2f}", order.delivered_on]
    assert not any(word and word in worked.message for word in of_order), worked.message


async def test_items_sent_back_together_are_not_paid_back_one_by_one_without_people(office: Office) -> None:
    customer, order = _who("returned")
    with closing(open_shop(office.folder / DATABASE)) as shop:
        shop.execute("DELETE FROM items WHERE order_id = ?", (order.order_id,))
        for line, (sku, price) in enumerate((("LAMP-1", 3_450), ("MUG-1", 3_300)), 1):
            row = (order.order_id, sku, line, sku, price, 1, 1, 0)
            shop.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        shop.execute("UPDATE payments SET amount = 6750 WHERE order_id = ?", (order.order_id,))

    async def asked_for(number: int, sku: str) -> Worked:
        named = {"order_id": order.order_id, "order_known": True, "sku": sku}
        part: Part = lambda asked: _sorted(refund="returned", **named) if asked.agent == "triage" else None  # noqa: E731
        return await _worked(office, customer.email, part, number=number)

    first, second = await asked_for(1, "LAMP-1"), await asked_for(2, "MUG-1")
    assert [one.amount for one in first.done("issue_refund")] == [3_450]
    assert not first.asked
    assert [(one.name, one.roles) for one in second.asked] == [("shop__issue_refund", ("care-lead",))]
    assert [one.amount for one in second.done("issue_refund")] == [3_300]
    assert "a person had approved it" in second.message


async def test_an_order_is_not_paid_back_as_cancelled_without_being_cancelled(office: Office) -> None:
    customer, order = _who("cancel_order")
    named = {"order_id": order.order_id}

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        return _sorted(refund="cancel_order", order_known=True, **named) if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        if asked.agent != "refund-desk":
            return None
        paid = {"amount": order.total / 100, "reason": "cancel_order"}
        return {"refund_decision": "refund", "refund_why": "paid back", **named, **paid}

    worked = await _worked(office, customer.email, triage, desk)
    assert not worked.done("issue_refund")
    with closing(open_shop(office.folder / DATABASE)) as shop:
        row = shop.execute("SELECT status FROM orders WHERE order_id = ?", (order.order_id,)).fetchone()
    assert row == ("processing",)


async def test_what_people_have_blocked_is_not_opened_again_without_people(office: Office) -> None:
    customer, _ = _who("order_status")
    with closing(open_shop(office.folder / DATABASE)) as shop:
        call_shop(shop, "block_account", customer_id=customer.customer_id, reason="somebody else uses it")

    def triage(asked: Asked) -> Mapping[str, Any] | None:
        return _sorted(account="password_reset") if asked.agent == "triage" else None

    def desk(asked: Asked) -> Mapping[str, Any] | None:
        said = {"customer_id": customer.customer_id, "account_why": "The link is sent."}
        return {"account_decision": "reset", **said} if asked.agent == "account-care" else None

    office.rule = lambda asked: "reject" if asked.name == "shop__send_password_reset" else "approve"
    worked = await _worked(office, customer.email, triage, desk)
    assert worked.asked[0].name == "shop__send_password_reset"
    assert not worked.done("send_password_reset")
