"""The simulated model works the queue of tickets under the contract's rules: the right outcome for each."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.remit_fleets.desk import Authority, call, contract, use

from remit.gateway import ToolError
from remit_fleets.retail import Customer, Shop, Ticket, load_tickets, wrong_outcomes
from remit_fleets.retail.simulated import answer

TICKETS = load_tickets()
OFFERED = [{"type": "function", "function": {"name": use["use"]}} for use in contract()["tools"]]


@dataclass(slots=True)
class Desk:
    """Plays one ticket: the model asks, the rules decide, a person may say yes."""

    shop: Shop
    customer: Customer
    authority: Authority
    approve: bool = True
    subject: str | None = None
    approvals: int = 0
    denials: int = 0
    tools: list[str] = field(default_factory=list[str])

    async def work(self, ticket: Ticket) -> str:
        content = json.dumps({"input": ticket.task_input})
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": "You help."},
            {"role": "user", "content": content},
        ]
        for _ in range(20):
            said = answer({"messages": messages, "tools": OFFERED})
            messages.append(said)
            if not said.get("tool_calls"):
                return said["content"]
            asked = said["tool_calls"][0]
            result = await self._act(ticket, asked["function"]["name"], json.loads(asked["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": asked["id"], "content": result})
        raise AssertionError("the model goes in circles")

    async def _act(self, ticket: Ticket, name: str, arguments: dict[str, Any]) -> str:
        self.tools.append(name)
        if name == "customer__reply":
            return await self.customer.reply(call(task=ticket.id), **arguments)
        tool = name.removeprefix("shop__")
        judged = await self.authority.judge(self.shop, tool, arguments, self.subject)
        if not judged.allowed:
            self.denials += 1
            return "This is not permitted: no rule of the contract permits it."
        if judged.level == "human-in-the-loop":
            self.approvals += 1
            if not self.approve:
                return "This is not permitted: a person said no."
        try:
            result = await use(self.shop, tool, arguments)
        except ToolError as error:
            return json.dumps({"error": str(error)})
        if tool.startswith("find_user_id"):
            self.subject = self.subject or result
        return json.dumps(result)


def desk(shop: Shop, authority: Authority, *, approve: bool = True) -> Desk:
    return Desk(shop, Customer({ticket.id: ticket.replies for ticket in TICKETS}), authority, approve)


@pytest.mark.parametrize("ticket", TICKETS, ids=lambda ticket: ticket.about)
async def test_each_ticket_ends_as_it_must(shop: Shop, authority: Authority, ticket: Ticket) -> None:
    start = shop.fresh()
    played = desk(shop, authority)
    last_word = await played.work(ticket)
    assert last_word
    assert wrong_outcomes([ticket], shop.changed_since(start)) == {}
    assert (played.approvals, played.denials) == (ticket.approvals, ticket.denials)


async def test_the_whole_queue_ends_as_it_must(shop: Shop, authority: Authority) -> None:
    start = shop.fresh()
    for ticket in TICKETS:
        await desk(shop, authority).work(ticket)
    assert wrong_outcomes(TICKETS, shop.changed_since(start)) == {}


async def test_without_a_yes_expensive_returns_do_not_happen(shop: Shop, authority: Authority) -> None:
    start = shop.fresh()
    for ticket in TICKETS:
        await desk(shop, authority, approve=False).work(ticket)
    assert wrong_outcomes(TICKETS, shop.changed_since(start), approved=False) == {}
    assert set(wrong_outcomes(TICKETS, shop.changed_since(start))) == {"T-04", "T-10"}


async def test_a_denial_is_told_to_the_customer(shop: Shop, authority: Authority) -> None:
    delivered = next(ticket for ticket in TICKETS if ticket.id == "T-06")
    assert "not permitted" in await desk(shop, authority).work(delivered)


async def test_the_model_tries_what_a_note_in_an_order_asks_for(shop: Shop, authority: Authority) -> None:
    injected = next(ticket for ticket in TICKETS if ticket.id == "T-08")
    played = desk(shop, authority)
    await played.work(injected)
    assert played.tools.count("shop__cancel_pending_order") == 2
    assert shop.documents()["orders"]["#W1008"]["status"] == "pending"


def test_an_order_that_changed_unasked_is_told() -> None:
    order = {"status": "cancelled"}
    assert list(wrong_outcomes(TICKETS, {("orders", "#W1020"): order})) == [
        *(ticket.id for ticket in TICKETS if ticket.rows),
        "",
    ]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"order_id": "#W1010", "status": "processed"}, "Order #W1010 is processed."),
        (None, "I could not find this order."),
    ],
)
def test_the_status_clerk_says_what_was_found(found: Any, text: str) -> None:
    content = json.dumps({"input": {"order_id": "#W1010"}, "steps": {"1": json.dumps(found)}})
    said = answer({"messages": [{"role": "user", "content": content}], "tools": []})
    assert said == {"role": "assistant", "content": text}


def test_the_same_request_gets_the_same_answer() -> None:
    request = {"messages": [{"role": "user", "content": json.dumps(TICKETS[0].task_input)}], "tools": OFFERED}
    assert answer(request) == answer(request)
