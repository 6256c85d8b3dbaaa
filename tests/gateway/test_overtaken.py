"""Whoever was taken over sends nothing any more: it is asked right before each call leaves, and before each time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.desk import Desk, Till, begin, done, open_desk, refused
from tests.gateway.test_models import ask, live

from remit.app import build
from remit.contracts import Tool
from remit.core import BusyError
from remit.gateway import Check, ToolCall, ToolError
from remit.gateway.servers.functions import FunctionServer
from remit.gateway.servers.mcp import McpServer
from remit.gateway.servers.results import SessionEndedError
from remit.gateway.tools import UnreachableError
from remit.testing import FakeOpenAI, Reply, completion, failure, says


class Pen:
    """Whether the attempt has it; and how often somebody asked."""

    def __init__(self, desk: Desk) -> None:
        self.is_held, self.asked, self.lasts = True, 0, 2**31
        desk.cell.gateway.ask_before_sending(self.may_send)

    async def may_send(self, run: str, attempt: int) -> bool:
        self.asked += 1
        return self.is_held and self.asked <= self.lasts

    def lose(self) -> None:
        """Somebody else has it from now on."""
        self.is_held = False


class Away(Till):
    """Is down, and somebody else takes the run over before it is tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.tried = 0
        self.meanwhile: Callable[[], None] = lambda: None

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.tried += 1
        self.meanwhile()
        raise UnreachableError("it is down")


async def test_who_is_overtaken_while_a_connection_is_made_does_not_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_desk(tmp_path) as desk:
        pen, call = Pen(desk), FunctionServer.call

        async def connects(server: FunctionServer, tool: Tool, *told: Any, **more: Any) -> Any:
            if tool.name == "shop__issue_refund":
                pen.lose()
            return await call(server, tool, *told, **more)

        monkeypatch.setattr(FunctionServer, "call", connects)
        outcome = refused(await desk.refund())
        assert (outcome.step, desk.server.effects, pen.asked) == (Check.IDENTIFY, [], 1)
        row = desk.cell.parts.journal.step(desk.run.id, 1)
        assert row is not None
        assert row.state == "decided"  # for who has it now


async def test_who_is_overtaken_between_two_tries_does_not_try_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, server=Away()) as desk:
        pen = Pen(desk)
        desk.server.meanwhile = pen.lose
        outcome = refused(await desk.refund())
        assert (outcome.step, desk.server.tried, pen.asked) == (Check.IDENTIFY, 1, 2)


async def test_who_is_overtaken_asks_no_model(tmp_path: Path) -> None:
    async with FakeOpenAI([completion(says("Hi"))]) as fake, open_desk(tmp_path, change=live(fake.base_url)) as desk:
        Pen(desk).lose()
        outcome = refused(await desk.cell.gateway.act(desk.credentials, ask()))
        assert (outcome.step, fake.seen) == (Check.IDENTIFY, [])
        assert desk.cell.parts.ledger.holds() == 1  # for who has it now


@pytest.mark.parametrize(
    "reply", [failure(503, "busy"), failure(400, "Unrecognized request argument supplied: stream_options")]
)
async def test_a_model_that_is_asked_again_by_itself_is_asked_only_by_who_has_the_pen(
    tmp_path: Path, reply: Reply
) -> None:
    async with (
        FakeOpenAI([reply, completion(says("Hi"))]) as fake,
        open_desk(tmp_path, change=live(fake.base_url)) as desk,
    ):
        pen = Pen(desk)
        pen.lasts = 1
        outcome = refused(await desk.cell.gateway.act(desk.credentials, ask()))
        assert (outcome.step, len(fake.seen), pen.asked) == (Check.IDENTIFY, 1, 2)
        row = desk.cell.parts.journal.step(desk.run.id, 1)
        assert row is not None
        assert (row.state, desk.cell.parts.ledger.holds()) == ("decided", 1)  # for who has it now


async def test_a_store_that_is_away_when_a_model_is_asked_again_is_not_the_models_fault(tmp_path: Path) -> None:
    replies = [failure(503, "busy"), completion(says("Hi"))]
    async with FakeOpenAI(replies) as fake, open_desk(tmp_path, change=live(fake.base_url)) as desk:
        asked: list[int] = []

        async def may_send(run: str, attempt: int) -> bool:
            asked.append(attempt)
            if len(asked) > 1:
                raise BusyError("The database does not answer")
            return True

        desk.cell.gateway.ask_before_sending(may_send)
        with pytest.raises(BusyError):
            await desk.cell.gateway.act(desk.credentials, ask())
        row = desk.cell.parts.journal.step(desk.run.id, 1)
        assert row is not None
        assert (row.state, len(fake.seen)) == ("decided", 1)


class Fenced(Till):
    """Takes the call of the newer attempt first; the older one's comes later, with an older fence, and is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.begun, self.happened, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def issue_refund(self, call: ToolCall, *, order_id: str, amount: float, why: str) -> dict[str, Any]:
        self.calls += 1
        if self.calls == 1:
            self.begun.set()
            await self.happened.wait()
            raise ToolError("a newer fence was seen")
        booked = await super().issue_refund(call, order_id=order_id, amount=amount, why=why)
        self.happened.set()
        await self.go.wait()
        return booked


async def test_that_a_tool_refused_the_call_of_an_overtaken_attempt_is_not_kept_as_what_came_of_it(
    tmp_path: Path,
) -> None:
    async with open_desk(tmp_path, server=Fenced()) as desk:
        elsewhere = build(desk.cell.folder, settings=desk.cell.settings, servers={"shop": desk.server})
        await elsewhere.operations.load()
        try:
            old = asyncio.create_task(desk.refund())
            await desk.server.begun.wait()
            newer = replace(desk, cell=elsewhere, credentials=await begin(elsewhere, desk.run))
            new = asyncio.create_task(newer.refund(step=1))
            denied = refused(await old)
            desk.server.go.set()
            assert done(await new)["refund_id"] == f"{desk.run.id}:1"
        finally:
            await elsewhere.close()
        assert (denied.step, len(desk.server.effects)) == (Check.IDENTIFY, 1)
        (charge,) = desk.cell.parts.ledger.charges(desk.run.id)
        assert (charge.amount > 0, desk.cell.parts.ledger.holds()) == (True, 0)


async def test_a_session_that_has_ended_is_asked_about_again_before_the_call_goes_out_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    class Gone:
        async def call(self, name: str, *_: object) -> Any:
            sent.append(name)
            raise SessionEndedError("it has forgotten us")

    async def connected(_: McpServer) -> Any:
        return Gone()

    def nothing(*_: object) -> str:
        return ""

    async with open_desk(tmp_path) as desk:
        tool = desk.cell.parts.releases[desk.run.release].tools["shop__issue_refund"]
        monkeypatch.setattr(McpServer, "_connected", connected)
        monkeypatch.setattr(McpServer, "_why_not", nothing)
        server = McpServer(desk.cell.fleet.servers["shop"], folder=tmp_path, result_bytes=1_000)
        call = ToolCall("run_1:1", "task_1", "run_1", 1, "refund-desk", "ann")
        before = once(PermissionError)
        with pytest.raises(PermissionError):
            await server.call(tool, call, {}, before=before, seconds=1)
        assert sent == ["issue_refund"]


def once(then: type[Exception]) -> Callable[[], Awaitable[None]]:
    """Returns what says yes once."""
    asked: list[None] = []

    async def before() -> None:
        asked.append(None)
        if len(asked) > 1:
            raise then

    return before
