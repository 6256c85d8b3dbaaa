"""The agents of the crash tests, and the check that finds out what became of a call."""

import itertools
import os
import signal
from collections.abc import Mapping
from typing import Any

import httpx2

from remit.gateway import ToolCall
from remit.runtime import ActionDeniedError, RunHandle, ToolFailedError

DESK = "CRASH_DESK"
"""The environment variable that says where the tool server's own pages are."""
HEAVY = 100
"""The weight that needs a person's yes."""
# A lock of a process that died is free again when its run was taken over; until then others look again.
SOON = 0.3


async def steps(run: RunHandle) -> Any:
    """Calls its tool for every number, one after the other; what did not happen is done again."""
    told = run.input
    done = 0
    for n in range(1, told.get("steps", 10) + 1):
        weight = HEAVY if n == told.get("heavy_at") else 1
        more = {"seconds": told["seconds"]} if "seconds" in told and n == told.get("slow_at", n) else {}
        if not await _once(run, told["tool"], n=n, account=told["account"], weight=weight, **more):
            break
        done += 1
        if n == told.get("sleep_at"):
            await run.sleep(SOON)
    return {"done": done}


async def giver(run: RunHandle) -> Any:
    """Does one thing itself and hands the rest to the taker."""
    account = run.input["account"]
    await _once(run, "mark", n=1, account=account)
    context = {"account": account, "tool": run.input["tool"], "steps": 2}
    told: Any = await run.handoff("taker", intent="do the rest", context=context, verification=["done == 2"])
    return {"done": 1 + told["done"]}


async def deadly(run: RunHandle) -> Any:
    """Takes its process down, until the file it is told of is there."""
    await _once(run, "mark", n=1, account=run.input["account"])
    if not os.path.exists(run.input["mended"]):  # noqa: ASYNC240  one look, and then the process is gone
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": 1}


async def _once(run: RunHandle, tool: str, *, weight: int = 1, **arguments: Any) -> bool:
    """Calls a tool until it has happened, as far as anybody can say; False when it is not permitted."""
    for tries in itertools.count():
        try:
            # Another weight each time: the same call over and over would go in circles.
            await run.tool(f"desk__{tool}", **arguments, weight=weight + tries)
        except ToolFailedError:
            continue
        except ActionDeniedError as refusal:
            if "is locked" not in refusal.denied.reason:
                return False
            await run.sleep(SOON)
            continue
        return True
    raise AssertionError


async def look_up(call: ToolCall, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Asks the server what became of a call; one that has not come will be refused."""
    async with httpx2.AsyncClient() as http:
        return (await http.get(f"{os.environ[DESK]}/calls/{call.key}")).json()
