"""A small fleet whose agents hand work to each other; what each does is said in the test."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from remit.app import Cell, build
from remit.gateway.providers import Provider
from remit.runtime import RunHandle
from remit.testing import SettableClock

ANN = "ann@shop.example"
OLGA = "olga@shop.example"
CARA = "cara@shop.example"

CONTRACT = """---
agent: {name}
version: 1.0.0
purpose: Works with what it is handed.
owner: olga@shop.example
experts: [emil@shop.example]
unit: care
class: user-facing
triggers:
  - on: task
{taken}input:
  type: object
  properties:
    order: {{type: string}}
    amount: {{type: integer}}
  required: [order]
  additionalProperties: false
output:
  type: object
  properties:
    resolved: {{type: boolean}}
    text: {{type: string}}
    amount: {{type: integer}}
  required: [resolved]
  additionalProperties: false
success: resolved
tools:
  - use: desk__look
  - use: desk__pay
    autonomy:
      - {{level: autonomous, because: "it is a test"}}
approvers: [lead]
handoffs: [{hands_to}]
{more}---
# {name}
You work.
{steps}
"""
TOOLS = """server: desk
python: tests.runtime.relay:connect
tools:
  look:
    description: Looks.
    input: {type: object, properties: {order: {type: string}}, required: [order], additionalProperties: false}
    output: {type: object, properties: {amount: {type: integer}}}
    effect: read
    risk: low
  pay:
    description: Pays.
    input:
      type: object
      properties: {order: {type: string}, amount: {type: integer}}
      required: [order, amount]
      additionalProperties: false
    effect: write
    risk: low
    reversible: true
    idempotent: true
"""
SETTINGS = """name = "relay"
releases = "on-load"
[models.scripted]
kind = "simulated"
code = "tests.runtime.relay:speechless"
"""
PEOPLE = """people:
  - {id: olga@shop.example, roles: [owner]}
  - {id: emil@shop.example, roles: [expert]}
  - {id: cara@shop.example, roles: [lead]}
"""


class Desk:
    """The tool server: keeps every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    async def look(self, call: Any, *, order: str) -> dict[str, int]:
        self.calls.append(("look", call.key))
        return {"amount": 7}

    async def pay(self, call: Any, *, order: str, amount: int) -> dict[str, int]:
        self.calls.append(("pay", call.key))
        return {"amount": amount}


def speechless(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a test that needs none."""
    return {"role": "assistant", "content": "{}"}


def connect(folder: Path) -> Desk:
    """Returns a desk of its own."""
    return Desk()


Work = Callable[[RunHandle], Awaitable[Any]]
# What each agent of the test at hand does; the contracts name `giver`, `taker` and so on.
PLAYS: dict[str, Work] = {}


async def play(run: RunHandle) -> Any:
    """Does what the test says this agent does."""
    return await PLAYS[run.contract.name](run)


def contract(
    name: str,
    *,
    hands_to: str = "",
    takes_from: str = "",
    more: str = "code: tests.runtime.relay:play\n",
    steps: str = "",
) -> str:
    """Returns a contract's text."""
    taken = f"  - on: handoff\n    from: [{takes_from}]\n" if takes_from else ""
    return CONTRACT.format(name=name, taken=taken, hands_to=hands_to, more=more, steps=steps)


@asynccontextmanager
async def open_relay(
    folder: Path,
    contracts: Mapping[str, str],
    *,
    clock: SettableClock | None = None,
    model: Provider | None = None,
    tools: str = TOOLS,
    people: str = PEOPLE,
    desk: Desk | None = None,
    **plays: Work,
) -> AsyncGenerator[tuple[Cell, Desk]]:
    """Opens a fleet with these contracts, by agent, whose code agents do what `plays` says."""
    fleet = folder / "fleet"
    for path, text in {
        "remit.toml": SETTINGS,
        "tools/desk.yaml": tools,
        "people.yaml": people,
        **{f"agents/{name}.agent.md": text for name, text in contracts.items()},
    }.items():
        (fleet / path).parent.mkdir(parents=True, exist_ok=True)
        (fleet / path).write_text(text, encoding="utf-8")
    PLAYS.clear()
    PLAYS.update({name.replace("_", "-"): work for name, work in plays.items()})
    desk = desk or Desk()
    providers = {"scripted": model} if model else None
    cell = build(fleet, clock=clock, servers={"desk": desk}, providers=providers)
    try:
        await cell.operations.load()
        yield cell, desk
    finally:
        await cell.close()


async def take(cell: Cell, agent: str = "giver", **more: Any) -> Any:
    """Takes a task on and drives it as far as it goes."""
    started = await cell.operations.submit(agent, {"order": "R-1", **more}, on_behalf_of=ANN)
    return await cell.operations.drive(started.run.id)
