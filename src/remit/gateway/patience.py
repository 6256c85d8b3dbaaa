"""Patience with servers that cannot be reached: nothing has happened there, so a call is tried again for a while."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from remit.contracts import Tool
from remit.core import JsonValue
from remit.gateway.calls import TRIES, Before, ToolCall
from remit.gateway.context import Parts
from remit.gateway.tools import NotSentError, OutcomeUnknownError, UnreachableError
from remit.gateway.upstreams import Place, UpstreamBusyError

# Seconds between tries. A server that is down says so from memory and connects anew at a rate of its own.
PAUSE = 0.25


class Patience:
    """What one action has left to wait for servers, from the first time one cannot be reached."""

    def __init__(self, parts: Parts, *, waits: bool = True) -> None:
        """`waits` says whether an upstream that is busy, or known to be out of reach, is waited for as well."""
        self._tools = parts.tools
        self._waits = waits
        self._seconds = parts.settings.limits.outage_seconds
        self._until: float | None = None

    async def call(
        self,
        tool: Tool,
        call: ToolCall,
        arguments: Mapping[str, Any],
        *,
        place: Place | None = None,
        why_stopped: Callable[[], str] = str,
        before: Before | None = None,
    ) -> JsonValue:
        """Returns or raises as `Tools.call` does; before each new try, `why_stopped` says why it must not be made.

        `before` is awaited before every one, right before it leaves; what it raises is raised.

        A server that is still not there in the end, and is known for it, is an `UpstreamBusyError`.
        """
        while True:
            try:
                return await self._tools.call(tool, call, arguments, place=place, before=before)
            except (UnreachableError, UpstreamBusyError) as gone:
                if isinstance(gone, UpstreamBusyError) and not self._waits:
                    raise
                if not await self._lasts():
                    upstream = self._tools.upstream(tool)
                    raise (upstream.busy() if upstream.is_shut else gone) from gone
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


async def read_patiently(
    parts: Parts, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, waits: bool
) -> JsonValue:
    """Calls a tool without effect: it is waited for as any, and a call that broke off is simply made again."""
    patience = Patience(parts, waits=waits)
    for _ in range(TRIES - 1):
        try:
            return await patience.call(tool, call, arguments)
        except OutcomeUnknownError:
            continue
    return await patience.call(tool, call, arguments)
