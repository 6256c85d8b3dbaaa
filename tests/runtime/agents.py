"""Agents in code, good ones and bad ones, and a gate for answers."""

import itertools
from collections.abc import Mapping
from typing import Any

from tests.gateway.desk import SECRET

from remit.gateway import Read
from remit.runtime import ActionDeniedError, RunHandle, ToolFailedError

MADE = itertools.count(1)
SEEN: list[str] = []


async def careful(run: RunHandle) -> Any:
    """Looks, draws a number once, and refunds."""
    order = await run.tool("shop__get_order", order_id=run.input["order_id"])
    drawn = await run.value("draw", lambda: {"number": next(MADE)})
    refund = await run.tool("shop__issue_refund", order_id=order["order_id"], amount=400, why="asked")
    return {"resolved": True, "text": f"number {drawn['number']}", "amount": refund["amount"]}


async def thinking(run: RunHandle) -> Any:
    """Asks a model and passes its word on."""
    message = await run.model([{"role": "user", "content": "What now?"}])
    return {"resolved": True, "text": message["content"]}


async def denied(run: RunHandle) -> Any:
    """Hears a refusal and finishes all the same."""
    try:
        await run.tool("shop__issue_refund", order_id="R-2", amount=1, why="not mine")
    except ActionDeniedError as refusal:
        return {"resolved": False, "text": str(refusal)}
    return {"resolved": True, "text": "it went through"}


async def leaking(run: RunHandle) -> Any:
    """Puts a secret into a call and hears that it may not."""
    try:
        await run.tool("shop__issue_refund", order_id="R-1", amount=7, why=f"with {SECRET}")
    except ActionDeniedError as refusal:
        return {"resolved": False, "text": str(refusal)}


async def told_no(run: RunHandle) -> Any:
    """Hears a tool's own no."""
    try:
        await run.tool("shop__get_order", order_id="nowhere")
    except ToolFailedError as failure:
        return {"resolved": False, "text": str(failure)}
    return {"resolved": True, "text": "found"}


async def careless(run: RunHandle) -> Any:
    """Does not catch a refusal."""
    await run.tool("shop__issue_refund", order_id="R-2", amount=1, why="not mine")


async def broken(run: RunHandle) -> Any:
    """Has a mistake in it."""
    return {"resolved": True, "text": run.input["no such field"]}


async def catching(run: RunHandle) -> Any:
    """Catches whatever an agent may catch while it waits for a person."""
    try:
        await run.tool("shop__issue_refund", order_id=run.input["order_id"], amount=400, why="asked")
    except Exception:  # noqa: BLE001  what careless code does
        SEEN.append("caught")
    return {"resolved": True, "text": "went on"}


async def fickle(run: RunHandle) -> Any:
    """Does something else every time it is driven."""
    await run.tool("shop__get_order", order_id=f"R-{next(MADE)}")
    await run.tool("shop__issue_refund", order_id=run.input["order_id"], amount=400, why="asked")


async def fickle_value(run: RunHandle) -> Any:
    """Names its values differently every time it is driven."""
    await run.value(f"draw {next(MADE)}", lambda: 1)
    await run.tool("shop__issue_refund", order_id=run.input["order_id"], amount=400, why="asked")


async def wordless(run: RunHandle) -> Any:
    """Returns what the contract does not promise."""
    return {"resolved": "maybe"}


async def polite(read: Read, arguments: Mapping[str, Any], result: Any) -> str:
    """An answer says please."""
    return "" if "please" in result["text"] else "it does not say please"


async def goes_on(run: RunHandle) -> Any:
    """Does what `denied` does, and then something more."""
    told = await denied(run)
    await run.tool("shop__get_order", order_id=run.input["order_id"])
    return told


async def denied_silently(run: RunHandle) -> Any:
    """Does what `denied` does, and says something else."""
    return {**await denied(run), "text": "sorry"}


async def giver(run: RunHandle) -> Any:
    """Hands a question to the second desk and passes its word on."""
    context = {"resolved": False, "text": run.input["order_id"]}
    told = await run.handoff("second-desk", intent="look at it", context=context, verification=["resolved"])
    return {"resolved": True, "text": told["text"]}


async def taker(run: RunHandle) -> Any:
    """Looks at what it was handed."""
    order = await run.tool("shop__get_order", order_id=run.input["text"])
    return {"resolved": True, "text": f"{run.envelope['intent']}: {order['status']}"}


async def sleeper(run: RunHandle) -> Any:
    """Looks again after an hour."""
    await run.tool("shop__get_order", order_id=run.input["order_id"])
    await run.sleep(3_600)
    return {"resolved": True, "text": "slept"}


async def stubborn(run: RunHandle) -> Any:
    """Goes on whatever it hears, and does something else every time it is driven."""
    try:
        await run.tool("shop__get_order", order_id=f"R-{next(MADE)}")
    except Exception:  # noqa: BLE001  what careless code does
        SEEN.append("caught")
    await run.tool("shop__issue_refund", order_id=run.input["order_id"], amount=400, why="asked")
    return {"resolved": True, "text": "went on"}
