"""A fleet whose agents have triggers: the refund desk with those of a test, and a colleague with those of its own."""

import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.gateway.desk import CONTRACT, REFUNDS
from tests.runtime.workshop import contract_of

from remit.app import Cell
from remit.core import Settings
from remit.runtime import Event
from remit.testing import SettableClock, open_fleet

OWNER = "olga.owner@shop.example"
ZOE = "zoe.shop@shop.example"
TICKET = {"order_id": "R-1", "category": "refund", "message": "please"}
ON_TICKET = "triggers:\n  - {on: event, name: ticket.created, when: category == 'refund'}"
LARGE = """{"type": "object", "required": ["order_id", "message", "amount"],
 "properties": {"order_id": {"type": "string"}, "message": {"type": "string"}, "category": {"enum": ["exchange"]},
                "amount": {"type": "integer", "minimum": 100}}}
"""


@asynccontextmanager
async def open_office(
    folder: Path,
    triggers: str = ON_TICKET,
    *,
    clock: SettableClock | None = None,
    colleague: str = "",
    version: str = "1.0.0",
    change: Callable[[Settings], Settings] | None = None,
) -> AsyncGenerator[Cell]:
    """Opens the fleet in `folder`; `colleague` are the triggers of a second agent, whose input must be large."""
    fleet = folder / "fleet"
    if not fleet.exists():
        shutil.copytree(REFUNDS, fleet, ignore=shutil.ignore_patterns("__pycache__", ".remit", "*.py"))
    desk = contract_of(more=triggers).replace("version: 1.0.0", f"version: {version}")
    if colleague:
        (fleet / "schemas/large.json").write_text(LARGE, encoding="utf-8")
        text = contract_of(more=colleague).replace("agent: refund-desk", "agent: second-desk")
        text = text.replace("schemas/ticket.json", "schemas/large.json").replace("purpose: Tests.", "purpose: Others.")
        (fleet / "agents/second-desk.agent.md").write_text(text, encoding="utf-8")
    async with open_fleet(REFUNDS, fleet, clock=clock, edit={CONTRACT: lambda _: desk}, change=change) as cell:
        yield cell


def event(
    cell: Cell, identifier: str = "evt_1", name: str = "ticket.created", data: Mapping[str, Any] = TICKET
) -> Event:
    """Returns an event of the shop."""
    return Event("shop", identifier, name, data, cell.parts.clock.now(), ZOE)


def logged(cell: Cell, kind: str) -> list[dict[str, Any]]:
    """Returns what the log says about triggers."""
    return [dict(entry.fields) for entry in cell.log.entries("cell") if entry.kind == kind]
