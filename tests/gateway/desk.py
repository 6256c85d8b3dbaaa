"""A refund desk to act at: a cell of its own, a run that holds the pen, and tools that misbehave on demand."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from remit.app import Cell
from remit.approvals import Approval
from remit.audit import LogEntry
from remit.core import Limits, Settings
from remit.gateway import Action, Denied, Done, Outcome, ToolCall, ToolError, Waiting
from remit.gateway.providers import Provider
from remit.identity import Credentials, issue_secret
from remit.journal import LeftRun, Run, RunState
from remit.store import Commit, Committed, Statement
from remit.testing import SettableClock, open_fleet
from remit_fleets.refunds.shop import Shop

REFUNDS = Path(importlib.import_module("remit_fleets.refunds").__path__[0])
ANN, CARA, OLGA = "ann@shop.example", "cara.lead@shop.example", "olga.owner@shop.example"
TOM, TINA = "tom.treasurer@shop.example", "tina.treasurer@shop.example"
TOOLS, CONTRACT = "tools/shop.yaml", "agents/refund-desk.agent.md"
# Not known to be a secret of anybody; only its form is one.
SECRET = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"

Edits = Mapping[str, Callable[[str], str]]


def swap(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """Returns an edit that replaces each text by another; a text that is not there is a mistake of the test."""

    def rewrite(text: str) -> str:
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        return text

    return rewrite


def tools(*pairs: tuple[str, str]) -> Edits:
    """Returns the edit of the tools file."""
    return {TOOLS: swap(*pairs)}


def contract(*pairs: tuple[str, str]) -> Edits:
    """Returns the edit of the contract."""
    return {CONTRACT: swap(*pairs)}


NO_RETRY = ("    idempotent: true\n", "")
WITH_LOOKUP = ("    idempotent: true\n", "    lookup: tests.gateway.desk:look_up\n")


def limits(**bounds: Any) -> Callable[[Settings], Settings]:
    """Returns a change of the settings' limits."""
    return lambda settings: settings.model_copy(update={"limits": Limits(**{**settings.limits.model_dump(), **bounds})})


class Till(Shop):
    """A shop whose refunds go into a list: what happens twice stands there twice."""

    def __init__(self, *, failures: int = 0, error: BaseException | None = None) -> None:
        super().__init__()
        self.effects: list[ToolCall] = []
        self.amounts: list[float] = []
        self.failures = failures
        """How many of the next refunds happen without anybody hearing of it."""
        self.error = error or ConnectionError("the line went dead")

    def run_sql(self, text: str) -> None:
        """Changes the truth while nobody looks."""
        self._database.execute(text)

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.effects.append(call)
        self.amounts.append(amount)
        booked = {"order_id": order_id, "amount": amount, "refund_id": call.key}
        if self.failures:
            self.failures -= 1
            raise self.error
        return booked

    async def list_refunds(self, call: ToolCall, *, order_id: str) -> list[dict[str, Any]]:
        made = zip(self.effects, self.amounts, strict=False)
        return [{"key": effect.key, "amount": amount, "why": ""} for effect, amount in made]


class Counter(Shop):
    """A shop that books once per key, counts the calls, and fails the first of them after it has booked."""

    def __init__(self, *, failures: int = 0) -> None:
        super().__init__()
        self.calls: list[ToolCall] = []
        self.failures = failures

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        booked = await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
        self.calls.append(call)
        if len(self.calls) <= self.failures:
            raise ConnectionError("the line went dead")
        return booked


class Refusing(Till):
    """Says no in its own words, before anything happens."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        raise ToolError("the bank is closed")


class Silent(Till):
    """Books and never answers."""

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.effects.append(call)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class Slow(Till):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.begun.set()
        await self.go.wait()
        return await super().issue_refund(call, order_id=order_id, amount=amount, why=why)


class Saying(Till):
    """Answers a question about an order with whatever it was given."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    async def get_order(self, call: ToolCall, *, order_id: str) -> Any:
        return self.answer


class Crash(BaseException):
    """The process is gone: nothing in Remit may catch this."""


LOOKED_UP: dict[str, Any] = {}
"""What `look_up` finds, by run; a run that is not in it cannot be looked up."""


async def look_up(call: ToolCall, arguments: Mapping[str, Any]) -> Any:
    """Tells what became of a refund."""
    return LOOKED_UP[call.run]


@dataclass(slots=True)
class Desk:
    """One run that holds the pen, and the next number it writes."""

    cell: Cell
    credentials: Credentials
    server: Any
    next_step: int = 1
    seen: int = field(default=0)

    @property
    def run(self) -> Run:
        return self.cell.parts.journal.run(self.credentials.run)

    async def act(self, name: str, arguments: Mapping[str, Any], *, step: int = 0, **more: Any) -> Outcome:
        """Asks for a tool at the next step, or at `step` again."""
        number = step or self.next_step
        self.next_step = max(self.next_step, number + 1)
        return await self.cell.gateway.act(self.credentials, Action("tool", name, arguments, number, **more))

    async def refund(self, amount: Any = 20, *, order: str = "R-1", step: int = 0, **more: Any) -> Outcome:
        """Asks for a refund."""
        arguments = {"order_id": order, "amount": amount, "why": "the customer asks"}
        return await self.act("shop__issue_refund", arguments, step=step, **more)

    async def look(self, order: str = "R-1", *, step: int = 0) -> Outcome:
        """Asks for the order."""
        return await self.act("shop__get_order", {"order_id": order}, step=step)

    def entries(self, kind: str = "") -> list[LogEntry]:
        """Returns the entries of the run."""
        return [e for e in self.cell.log.entries(self.credentials.run) if kind in ("", e.kind)]

    def verdicts(self) -> list[Any]:
        """Returns the verdicts of the run's decisions, in order."""
        return [entry.fields["verdict"] for entry in self.entries("decision")]

    async def commit(self, *statements: Statement) -> None:
        """Writes behind the gateway's back, as other parts of Remit do."""
        assert isinstance(await self.cell.parts.writer.commit(Commit(statements)), Committed)

    async def park(self) -> None:
        """Ends the attempt; the run waits."""
        await self.commit(*self.cell.parts.journal.park(self.run.id, self.credentials.attempt, "waits"))

    async def drive_again(self) -> "Desk":
        """Begins the next attempt: the same run from its first step, whatever became of the attempt before."""
        return replace(self, credentials=await begin(self.cell, self.run), next_step=1)

    def question(self, outcome: Outcome) -> Approval:
        """Returns the question an action waits for."""
        assert isinstance(outcome, Waiting), outcome
        return self.cell.parts.approvals.get(outcome.approval)

    async def answer(self, outcome: Outcome, person: str, answer: Any = "approve", **more: Any) -> Approval:
        """Answers what an action waits for."""
        asked = self.question(outcome)
        more.setdefault("seen", asked.digest.partition(":")[2])
        return await self.cell.operations.answer(asked.id, person=person, answer=answer, **more)


async def begin(cell: Cell, run: Run) -> Credentials:
    """Hands the pen of `run` to its next attempt."""
    secret, kept = issue_secret()
    journal = cell.parts.journal
    left = LeftRun(run, "host/1/test", 0)
    statements = (
        journal.take_over(left, kept, left.executor)
        if run.state is RunState.RUNNING
        else journal.begin_attempt(run, kept, left.executor)
    )
    begun = await cell.parts.writer.commit(Commit(statements))
    assert isinstance(begun, Committed)
    return Credentials(run.id, run.attempt + 1, secret)


async def another_run(desk: Desk, order: str = "R-1") -> Desk:
    """Starts another task in the same cell and gives its run the pen."""
    value = {"order_id": order, "message": "please refund"}
    started = await desk.cell.operations.submit("refund-desk", value, on_behalf_of=ANN)
    return Desk(desk.cell, await begin(desk.cell, started.run), desk.server)


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    server: object | None = None,
    edit: Edits | None = None,
    change: Callable[[Settings], Settings] | None = None,
    clock: SettableClock | None = None,
    providers: Mapping[str, Provider] | None = None,
    order: str = "R-1",
    on_behalf_of: str = ANN,
) -> AsyncGenerator[Desk]:
    """Opens the refund fleet in `folder`, and begins an attempt of a run about `order`."""
    shop = server or Till()
    async with open_fleet(
        REFUNDS,
        folder / "fleet",
        clock=clock,
        servers={"shop": shop},
        providers=providers,
        change=change,
        edit=edit,
    ) as cell:
        value = {"order_id": order, "message": "please refund"}
        started = await cell.operations.submit("refund-desk", value, on_behalf_of=on_behalf_of)
        yield Desk(cell, await begin(cell, started.run), shop)


def refused(outcome: Outcome) -> Denied:
    """Returns the refusal, which has everything a refusal must have."""
    assert isinstance(outcome, Denied), outcome
    assert outcome.reason
    assert outcome.decision.startswith("dec_")
    return outcome


def done(outcome: Outcome) -> Any:
    """Returns the value of what was done."""
    assert isinstance(outcome, Done), outcome
    assert not outcome.is_error, outcome.value
    return outcome.value


def failed(outcome: Outcome) -> str:
    """Returns the tool's or the gate's words about what did not come right."""
    assert isinstance(outcome, Done), outcome
    assert outcome.is_error, outcome.value
    return str(outcome.value["error"])


def denied_entry(desk: Desk, outcome: Outcome) -> Mapping[str, Any]:
    """Returns the one log entry of a refusal, wherever it stands."""
    denied = refused(outcome)
    found = desk.cell.log.entry_by_ref(denied.decision)
    assert found is not None
    assert found.fields["verdict"] == "deny"
    assert found.fields["refused_at"] == int(denied.step)
    entries: Sequence[LogEntry] = desk.cell.log.entries(found.stream)
    assert sum(entry.ref == denied.decision for entry in entries) == 1
    return found.fields
