"""The desk's queue for `remit demo`: invented tickets, or recorded real conversations where the shared data is."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.app import Demo, DemoTask, DemoTerms
from remit.core import ModelRoute
from remit.gateway.providers import RecordedProvider
from remit.journal import Run
from remit_fleets.retail import synthetic
from remit_fleets.retail.customer import Customer
from remit_fleets.retail.per_task import ShopPerTask
from remit_fleets.retail.recorded import GPT_4O, Conversation, load_conversations
from remit_fleets.retail.shop import Shop
from remit_fleets.retail.tickets import Ticket, load_tickets, wrong_outcomes

AGENT = "retail-desk"
RECORDED_TASKS = 20


def work(terms: DemoTerms) -> Demo:
    """Returns the queue: recorded conversations when `REMIT_SHARED_DATA` names them, else the invented tickets."""
    shared = os.environ.get("REMIT_SHARED_DATA")
    conversations = load_conversations(Path(shared)) if shared else ()
    if shared and conversations:
        return _recorded(Path(shared), conversations[:RECORDED_TASKS])
    return _invented(terms.folder)


def _invented(folder: Path) -> Demo:
    tickets = load_tickets(folder)
    shop = ShopPerTask(Shop.load(synthetic.documents()))
    by_key = {ticket.id: ticket for ticket in tickets}

    def wrong(task: DemoTask, run: Run, approved: bool) -> list[str]:
        changed = shop.of(run.task).changed_since(shop.start)
        found = wrong_outcomes([by_key[task.key]], changed, approved=approved)
        return [complaint for complaints in found.values() for complaint in complaints]

    return Demo(
        label=f"{len(tickets)} invented tickets; the model is SIMULATED (fixed rules, no model was asked)",
        tasks=[_ticket_task(ticket) for ticket in tickets],
        wrong=wrong,
        servers={"shop": shop, "customer": Customer({ticket.id: ticket.replies for ticket in tickets})},
    )


def _ticket_task(ticket: Ticket) -> DemoTask:
    return DemoTask(AGENT, ticket.about, ticket.task_input, f"customer of {ticket.id}", ticket.id)


def _recorded(shared: Path, conversations: tuple[Conversation, ...]) -> Demo:
    database = json.loads((shared / "tau_retail" / "db.json").read_text(encoding="utf-8"))
    shop = ShopPerTask(Shop.load(database))
    expected = _expected(shared)

    def wrong(task: DemoTask, run: Run, approved: bool) -> list[str]:
        rows = expected.get(task.key.partition("#")[0])
        if rows is None or not approved:
            return []
        changed = shop.of(run.task).changed_since(shop.start)
        return (
            [] if _same(changed, rows) else ["the recorded model left the shop in another state than the task asks for"]
        )

    tasks = [
        DemoTask(AGENT, f"recorded conversation {c.ticket}", c.task_input, f"customer of {c.ticket}", c.ticket)
        for c in conversations
    ]
    return Demo(
        label=f"{len(tasks)} conversations RECORDED from {GPT_4O} with a shop of 1,000 orders",
        tasks=tasks,
        wrong=wrong,
        servers={"shop": shop, "customer": Customer({c.ticket: c.replies for c in conversations})},
        providers={"recorded": RecordedProvider({c.ticket: c.answers for c in conversations}, model=GPT_4O)},
        models={"recorded": ModelRoute(kind="recorded", model=GPT_4O, cloud=False)},
    )


def _expected(shared: Path) -> dict[str, dict[tuple[str, str], Any]]:
    lines = (shared / "tau_retail" / "expected_v1_test.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return {one["task"]: {(row["table"], row["key"]): row["after"] for row in one["rows"]} for one in read}


def _same(changed: Mapping[tuple[str, str], Any], rows: Mapping[tuple[str, str], Any]) -> bool:
    return rounded(dict(changed)) == rounded(dict(rows))


def rounded(value: Any) -> Any:
    """Returns `value` with every number at two decimals, so that sums of money compare."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [rounded(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return round(float(value), 2) if isinstance(value, float | int) and not isinstance(value, bool) else value
