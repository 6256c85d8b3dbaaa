"""The customer as a tool: known answers in order, for each task anew, once per key."""

from pathlib import Path

import pytest
from tests.remit_fleets.desk import FLEET, call

from remit.gateway import ToolError
from remit_fleets.retail import Conversation, Customer
from remit_fleets.retail import customer as customer_server

REPLIES = {"T-1": ("Yes.", "Thanks!"), "T-2": ()}


async def test_the_customer_answers_in_order_and_then_says_nothing() -> None:
    customer = Customer(REPLIES)
    assert [await customer.reply(call(), ticket="T-1", text="Well?") for _ in range(3)] == ["Yes.", "Thanks!", ""]
    customer.close()


async def test_a_repeated_key_gets_the_same_answer() -> None:
    customer = Customer(REPLIES)
    assert await customer.reply(call("run_1:4"), ticket="T-1", text="Well?") == "Yes."
    assert await customer.reply(call("run_1:4"), ticket="T-1", text="Well?") == "Yes."
    assert await customer.reply(call("run_1:6"), ticket="T-1", text="And?") == "Thanks!"
    customer.close()


async def test_another_task_hears_the_answers_from_the_start() -> None:
    customer = Customer(REPLIES)
    await customer.reply(call(task="task_1"), ticket="T-1", text="Well?")
    assert await customer.reply(call(task="task_2"), ticket="T-1", text="Well?") == "Yes."
    customer.close()


async def test_a_task_that_speaks_with_one_customer_cannot_speak_with_another() -> None:
    customer = Customer(REPLIES)
    await customer.reply(call(), ticket="T-2", text="Hello")
    with pytest.raises(ToolError, match="another ticket"):
        await customer.reply(call(), ticket="T-1", text="Hello")
    customer.close()


async def test_an_unknown_ticket_is_refused() -> None:
    customer = Customer(REPLIES)
    with pytest.raises(ToolError, match="no customer"):
        await customer.reply(call(), ticket="T-9", text="Hello")
    customer.close()


async def test_a_fleet_folder_brings_its_tickets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REMIT_SHARED_DATA", raising=False)
    (tmp_path / "tickets.yaml").write_text((FLEET / "tickets.yaml").read_text())
    customer = customer_server.connect(tmp_path)
    assert await customer.reply(call(), ticket="T-11", text="Who is writing?") == "Oh, sorry: Lena Fischer, zip 32099."
    customer.close()


async def test_recorded_customers_are_there_when_the_recording_is(
    conversations: tuple[Conversation, ...], tmp_path: Path
) -> None:
    customer = customer_server.connect(tmp_path)
    first = conversations[0]
    assert await customer.reply(call(), ticket=first.ticket, text="Hello") == first.replies[0]
    customer.close()
