"""Patience with servers that cannot be reached: nothing has happened there, so a call is tried again for a while."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from remit.contracts import Tool
from remit.core import JsonValue
from remit.gateway.calls import ToolCall
from remit.gateway.context import Parts
from remit.gateway.records import TRIES
from remit.gateway.tools import NotSentError, OutcomeUnknownError, UnreachableError

# Seconds between tries. A server that is down says so from memory and connects anew at a rate of its own.
PAUSE = 0.25


class Patience:
    """What one action has left to wait for servers, from the first time one cannot be reached."""

    def __init__(self, parts: Parts) -> None:
        self._tools = parts.tools
        self._seconds = parts.settings.limits.outage_seconds
        self._until: float | None = None

    async def call(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, why_stopped: Callable[[], str] = str
    ) -> JsonValue:
        """Returns or raises as `Tools.call` does; before each new try, `why_stopped` says why it must not be made."""
        while True:
            try:
                return await self._tools.call(tool, call, arguments)
            except UnreachableError as gone:
                if not await self._lasts():
                    raise
                if why := why_stopped():
                    raise NotSentError(f"{gone}, and it was not tried again: {why}") from gone

    async def _lasts(self) -> bool:
        """Waits a little; whether it has, or patience is over."""
        now = asyncio.get_running_loop().time()
        if self._until is None:
            self._until = now + self._seconds
        if now + PAUSE > self._until:
            return False
        await asyncio.sleep(PAUSE)
        return True


async def read_patiently(parts: Parts, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> JsonValue:
    """Calls a tool without effect: it is waited for as any, and a call that broke off is simply made again."""
    patience = Patience(parts)
    for _ in range(TRIES - 1):
        try:
            return await patience.call(tool, call, arguments)
        except OutcomeUnknownError:
            continue
    return await patience.call(tool, call, arguments)
