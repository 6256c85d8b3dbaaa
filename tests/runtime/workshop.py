"""Small agents over the refund desk's shop: a contract in a few lines, and a model that says what it is told to."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.gateway.desk import ANN, CONTRACT, REFUNDS, Till

from remit.app import Cell
from remit.gateway.providers import Completion
from remit.journal import Run
from remit.testing import SettableClock, open_fleet

FRONT = """---
agent: refund-desk
version: 1.0.0
purpose: Tests.
owner: olga.owner@shop.example
experts: [emil.expert@shop.example]
unit: customer-care
class: user-facing
input: {$ref: schemas/ticket.json}
output: {$ref: schemas/resolution.json}
success: resolved
subjects: {order: order_id}
tools:
  - use: shop__get_order
  - use: shop__list_refunds
  - use: shop__issue_refund
    autonomy:
      - {when: "facts.delivered and amount <= 50", level: autonomous, because: small and reversible}
      - {when: "facts.delivered and amount <= 500", level: human-in-the-loop, by: care-lead}
approvers: [care-lead]
MORE
---
# Refund desk
You help.
"""


# One answer, no second chance, then a person.
RUDE_MORE = "models: {turns: 6}\nrefine: {times: 0, to: care-lead}"


class Script:
    """A model that says its lines in order and keeps what it was asked."""

    def __init__(self, *lines: Mapping[str, Any]) -> None:
        self.lines = list(lines)
        self.asked: list[Mapping[str, Any]] = []

    async def complete(self, request: Mapping[str, Any], *, task: str, **_: Any) -> Completion:
        self.asked.append({**request, "messages": [dict(m) for m in request["messages"]]})
        message = dict(self.lines[len(self.asked) - 1])
        return Completion(message, None, "script", "simulated", 0, "stop")

    async def close(self) -> None:
        """Has nothing to close."""


def contract_of(*steps: str, more: str = "models: {turns: 6}") -> str:
    """Returns a contract with these steps."""
    body = "\n## Steps\n" + "\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)) if steps else ""
    return FRONT.replace("MORE", more) + body + "\n"


@asynccontextmanager
async def open_workshop(
    folder: Path,
    *steps: str,
    more: str = "models: {turns: 6}",
    server: object | None = None,
    model: Script | None = None,
    clock: SettableClock | None = None,
    edit: Mapping[str, Any] | None = None,
) -> AsyncGenerator[Cell]:
    """Opens the fleet with a contract of these steps."""
    async with open_fleet(
        REFUNDS,
        folder / "fleet",
        servers={"shop": server or Till()},
        providers={"simulated": model} if model else None,
        clock=clock,
        edit={CONTRACT: lambda _: contract_of(*steps, more=more), **(edit or {})},
    ) as cell:
        yield cell


async def work(cell: Cell, message: str = "please", *, order: str = "R-1", **more: Any) -> Run:
    """Takes a ticket on and drives its run as far as it goes."""
    value = {"order_id": order, "message": message}
    started = await cell.operations.submit("refund-desk", value, on_behalf_of=more.pop("on_behalf_of", ANN), **more)
    return await cell.operations.drive(started.run.id)


def names(cell: Cell, run: Run) -> Sequence[str]:
    """Returns what the run did, step by step."""
    return [step.name for step in cell.parts.journal.steps(run.id)]


def output(cell: Cell, run: Run) -> Any:
    """Returns what came of a run that is done."""
    assert run.output is not None, run.reason
    return cell.parts.journal.content(run.output)


def outcome(cell: Cell, run: Run) -> str:
    """Returns how the run's task ended."""
    return cell.parts.journal.task(run.task).outcome
