"""Tools in this process: what cannot have begun is a refusal, what may have happened is told as unknown."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from remit.contracts import Server, Tool
from remit.gateway import ToolCall, ToolError
from remit.gateway.tools import OutcomeUnknownError, Tools

CALL = ToolCall("run_1:1", "task_1", "run_1", 1, "desk@1.0.0", "ann@shop.example")
READ = Tool(name="shop__read", server="shop", description="Reads.", input={"type": "object"})


class Shop:
    """One tool: it does what a test hands it."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.error: BaseException | None = None
        self.begun = asyncio.Event()
        self.waits = False

    async def read(self, call: ToolCall, *, order: dict[str, Any], note: str = "") -> Any:
        self.seen.append(order)
        self.begun.set()
        if self.waits:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        order["state"] = "changed by the tool"
        return {"note": note}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def tools(shop: Shop) -> Tools:
    server = Server(name="shop", python="shop:connect", tools=(READ,))
    return Tools({"shop": server}, folder=Path(), seconds=5, result_bytes=1_000, instances={"shop": shop})


@pytest.mark.parametrize(
    "arguments",
    [{}, {"order": {}, "unknown": 1}, {"note": "alone"}, {"order": {}, "call": "another"}, {"order": {}, "self": 1}],
)
async def test_arguments_the_code_does_not_take_are_refused_and_nothing_happens(
    tools: Tools, shop: Shop, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ToolError, match=r"shop__read does not take these arguments: \w+"):
        await tools.call(READ, CALL, arguments)
    assert shop.seen == []


async def test_a_type_error_inside_a_tool_leaves_the_outcome_unknown(tools: Tools, shop: Shop) -> None:
    shop.error = TypeError("inside")
    with pytest.raises(OutcomeUnknownError, match="TypeError: inside"):
        await tools.call(READ, CALL, {"order": {}})


async def test_every_call_gets_arguments_of_its_own(tools: Tools, shop: Shop) -> None:
    arguments = {"order": {"state": "open", "items": [1]}}
    for _ in range(2):
        assert await tools.call(READ, CALL, arguments) == {"note": ""}
    assert arguments == {"order": {"state": "open", "items": [1]}}
    assert shop.seen[0] is not shop.seen[1]
    assert shop.seen[0]["items"] is not shop.seen[1]["items"]


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError("by itself")])
async def test_a_tool_that_ends_itself_leaves_the_outcome_unknown(
    tools: Tools, shop: Shop, error: BaseException
) -> None:
    shop.error = error
    with pytest.raises(OutcomeUnknownError, match=type(error).__name__):
        await tools.call(READ, CALL, {"order": {}})


async def test_a_call_that_is_cancelled_is_cancelled(tools: Tools, shop: Shop) -> None:
    shop.waits = True
    task = asyncio.create_task(tools.call(READ, CALL, {"order": {}}))
    await shop.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_tool_that_is_late_leaves_the_outcome_unknown(tools: Tools, shop: Shop) -> None:
    shop.waits = True
    with pytest.raises(OutcomeUnknownError, match=r"no answer within 0\.01 seconds"):
        await tools.call(READ.model_copy(update={"seconds": 0.01}), CALL, {"order": {}})


async def test_a_keyboard_interrupt_stops_everything(tools: Tools, shop: Shop) -> None:
    shop.error = KeyboardInterrupt()
    # Awaited step by step: a task would hand it to the event loop, which stops the tests.
    calling = tools.call(READ, CALL, {"order": {}})
    with pytest.raises(KeyboardInterrupt):
        await calling
