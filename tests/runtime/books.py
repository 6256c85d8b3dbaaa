"""Two agents with tools that can be undone, some of them, over a desk that books what is done and what is taken back."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.runtime.relay import CARA, PEOPLE, Desk, Work, contract, open_relay

from remit.app import Cell
from remit.gateway import ToolError
from remit.journal import Run
from remit.operations import local_actor
from remit.runtime import RunHandle
from remit.testing import SettableClock

HANA, OTTO, TESS = "hana@shop.example", "otto@shop.example", "tess@shop.example"
STAFF = f"""{PEOPLE}  - {{id: {HANA}, roles: [lead]}}
  - {{id: {OTTO}, roles: [operator]}}
  - {{id: {TESS}, roles: [treasurer]}}
"""
_ORDER = "input: {type: object, properties: {order: {type: string}}, required: [order], additionalProperties: false}"
_ENTRY = "input: {type: object, properties: {entry: {type: string}}, required: [entry], additionalProperties: false}"
TOOLS = f"""server: desk
python: tests.runtime.relay:connect
tools:
  look: {{description: Looks., effect: read, risk: low, {_ORDER}, output: {{type: object}}}}
  pay:
    description: Pays.
    effect: write
    risk: low
    reversible: true
    idempotent: true
    compensation: {{use: desk__unpay, arguments: {{entry: result.entry}}}}
    input:
      type: object
      properties: {{order: {{type: string}}, amount: {{type: integer}}}}
      required: [order, amount]
      additionalProperties: false
    output: {{type: object, properties: {{entry: {{type: string}}}}}}
  unpay: {{description: Takes a payment back., effect: write, risk: low, reversible: true, idempotent: true, {_ENTRY}}}
  reserve:
    description: Puts goods aside.
    effect: write
    risk: low
    reversible: true
    idempotent: true
    compensation: {{use: desk__release, arguments: {{entry: result.entry}}, after: [desk__pay]}}
    {_ORDER}
    output: {{type: object, properties: {{entry: {{type: string}}}}}}
  release: {{description: Puts goods back., effect: write, risk: low, reversible: true, idempotent: true, {_ENTRY}}}
  mail: {{description: Writes to them., effect: write, risk: low, reversible: false, idempotent: true, {_ORDER}}}
"""
FREE = '{level: autonomous, because: "it is a test"}'
ASKED, LED = "{level: human-in-the-loop, by: lead}", "{level: human-led, by: lead}"
DONE = {"resolved": True}


class Books(Desk):
    """Keeps what was booked, by entry, and what was taken back; what it is told to refuse it refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.booked: dict[str, str] = {}
        self.undone: list[str] = []
        self.refuses: set[str] = set()
        self.entry = ""
        """What it says an entry is called, when that is not its own name."""

    async def pay(self, call: Any, *, order: str, amount: int) -> Any:
        return self._book("pay", call)

    async def reserve(self, call: Any, *, order: str) -> Any:
        return self._book("reserve", call)

    async def mail(self, call: Any, *, order: str) -> Any:
        return self._book("mail", call)

    async def unpay(self, call: Any, *, entry: str) -> Any:
        return self._take_back("unpay", call, entry)

    async def release(self, call: Any, *, entry: str) -> Any:
        return self._take_back("release", call, entry)

    def _book(self, name: str, call: Any) -> Any:
        self.calls.append((name, call.key))
        self.booked[call.key] = name
        return {"entry": self.entry or call.key}

    def _take_back(self, name: str, call: Any, entry: str) -> Any:
        if name in self.refuses:
            raise ToolError("the bank is closed")
        self.calls.append((name, call.key))
        self.undone.append(entry)
        return {"taken_back": entry}

    @property
    def stands(self) -> list[str]:
        """What was booked and not taken back, by tool."""
        return [name for entry, name in self.booked.items() if entry not in self.undone]


def uses(pay: str = FREE) -> str:
    """Returns the tools a contract grants; `pay` is the rule for paying."""
    granted = {"pay": pay, "reserve": FREE, "mail": FREE}
    return "".join(f"  - use: desk__{name}\n    autonomy:\n      - {rule}\n" for name, rule in granted.items())


def books_contract(name: str = "giver", *, pay: str = FREE, **more: Any) -> str:
    """Returns a contract over the desk's books."""
    text = contract(name, **more)
    head, rest = text.split("  - use: desk__pay\n")
    return head + uses(pay) + rest[rest.index("approvers:") :]


@asynccontextmanager
async def open_books(
    folder: Path,
    contracts: Mapping[str, str] | None = None,
    *,
    tools: str = TOOLS,
    policies: str = "",
    clock: SettableClock | None = None,
    **plays: Work,
) -> AsyncGenerator[tuple[Cell, Books]]:
    """Opens the fleet; `policies` are the organisation's."""
    (folder / "fleet/policies").mkdir(parents=True, exist_ok=True)
    (folder / "fleet/policies/org.cedar").write_text(policies, encoding="utf-8")
    texts, books = contracts or {"giver": books_contract()}, Books()
    more = {"tools": tools, "people": STAFF, "desk": books, "clock": clock}
    async with open_relay(folder, texts, **more, **plays) as (cell, _):  # pyright: ignore[reportArgumentType]
        yield cell, books


async def roll_back(cell: Cell, run: Run, *, by: str = "local") -> Run:
    """Has a run undone by who sits at the machine, as far as it goes by itself."""
    begun = await cell.verbs(local_actor(by)).rollback(run.id, because="it was wrong")
    assert begun is not None
    return await cell.operations.drive(begun.id)


def told(cell: Cell, run: Run) -> tuple[list[str], dict[str, str]]:
    """Returns what is undone of a run, and what is left with why."""
    shown = cell.views(local_actor("local")).rollbacks.get(run.id)
    return [each.name for each in shown.undone], {each.name: each.reason for each in shown.left}


async def answered(cell: Cell, run: Run, answer: Any, *, person: str = CARA) -> Run:
    """Has the one open question of a run answered, and drives it on."""
    (asked,) = [one for one in cell.parts.approvals.of_run(run.id) if one.state == "pending"]
    await cell.operations.answer(asked.id, person=person, answer=answer, reason="seen")
    return await cell.operations.drive(run.id)


# --- agents


async def pay_once(run: RunHandle) -> Any:
    await run.tool("desk__pay", order="R-1", amount=5)
    return DONE


async def pay_reserve_mail(run: RunHandle) -> Any:
    await run.tool("desk__reserve", order="R-1")
    await run.tool("desk__pay", order="R-1", amount=5)
    await run.tool("desk__mail", order="R-1")
    return DONE


async def fail_after_paying(run: RunHandle) -> Any:
    await pay_once(run)
    raise ValueError("cannot")
