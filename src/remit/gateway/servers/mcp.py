"""Tools behind an MCP server: one connection, shared by all calls, and no tool but the ones that were pinned."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.contracts import Offer, SchemaValidator, Server, Tool, compile_schema
from remit.core import JsonValue, SystemClock
from remit.gateway.calls import CALL_META, Before, ToolCall
from remit.gateway.servers.connection import Connection
from remit.gateway.servers.model import NotSentError, UnreachableError, UnusableResultError
from remit.gateway.servers.pins import Pins
from remit.gateway.servers.results import SessionEndedError, value_of

_log = logging.getLogger("remit.gateway.servers")

# What a message may have besides results, which it carries twice, as text and as JSON: a list of all tools.
LARGEST_LIST = 4_194_304
# Definitions are looked at again when they are older than this and a tool is to be used.
LOOK_SECONDS = 60.0
# A server that serves calls but does not tell its tools any more is trusted for this long.
TRUST_SECONDS = 600.0
# As long as it may take before a look that failed is tried again.
LOOK_AGAIN_SECONDS = 5.0
# Seconds until the next try to connect, if anybody calls; in between, calls are told at once. A server that is back is
# found within a second, and after half a minute within the patience of one call (`outage_seconds`).
BACK_OFF = (*[0.5] * 4, *[1.0] * 28, 2.0, 5.0)


class McpServer:
    """Calls the tools of one MCP server, over one connection that is made at first use and again when it breaks."""

    def __init__(
        self,
        server: Server,
        *,
        folder: Path,
        result_bytes: int,
        look_seconds: float = LOOK_SECONDS,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._server = server
        self._look_seconds = look_seconds
        self._look_again_seconds = look_again_seconds
        self._folder = folder
        self._most = LARGEST_LIST + 4 * result_bytes
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[NotSentError | None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._fault: NotSentError | None = None
        self._closed = False
        self._pins = Pins()
        self._looking = asyncio.Lock()
        self._seen_at = self._look_at = 0.0
        self._has_news = False
        self._outputs: dict[str, SchemaValidator] = {}

    async def call(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, before: Before | None = None, seconds: float
    ) -> JsonValue:
        """Returns what the tool returned, or raises as `ToolServer` says."""
        try:
            answer = await self._sent(tool, call, arguments, before, seconds)
        except SessionEndedError:  # it was not taken; in a new session it may be, once
            answer = await self._sent(tool, call, arguments, before, seconds)
        value = value_of(answer)
        self._check(tool, value)
        return value

    @property
    def is_reached(self) -> bool:
        """Whether there is a connection."""
        return self._connecting is None and self._connection is not None and self._connection.is_open

    async def reach(self) -> None:
        """Makes the connection, if there is none."""
        await self._connected()

    async def unavailable(self, tool: Tool) -> str:
        """Returns why a tool is in quarantine, or nothing; looks at the server's definitions when it is time to."""
        try:
            connection = await self._connected()
        except NotSentError:
            return ""  # the call itself will say so
        if self._is_time_to_look():
            await self._look(connection)
        return self._why_not(tool)

    async def close(self) -> None:
        """Ends the connection."""
        self._closed = True
        await self._drop()
        if self._connecting is not None:  # which hears of it, and ends
            await self._connecting

    async def offered(self) -> Offer:
        """Connects and returns what the server offers now; `NotSentError` when it cannot be reached."""
        connection = await self._connected()
        return await connection.offer()

    async def _sent(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], before: Before | None, seconds: float
    ) -> Any:
        connection = await self._connected()
        # Asked again here, where the definitions may be those of a connection made just now.
        if why := self._why_not(tool):
            raise NotSentError(f"{tool.name} is in quarantine: {why}")
        if before is not None:
            await before()
        async with asyncio.timeout(seconds):
            return await connection.call(tool.name.partition("__")[2], arguments, {CALL_META: _told(call)})

    def _check(self, tool: Tool, value: JsonValue) -> None:
        if not tool.output:
            return
        if tool.pinned not in self._outputs:
            self._outputs[tool.pinned] = compile_schema(tool.output)
        if problems := self._outputs[tool.pinned].problems(value):
            raise UnusableResultError(f"it happened, but the result is not as defined: {'; '.join(problems)}")

    async def _connected(self) -> Connection:
        """Returns the connection; whoever comes first makes it, and everybody else waits for that."""
        # One that is being made may be open before anybody has seen what it offers.
        if self.is_reached and self._connection is not None:
            return self._connection
        if self._closed:
            raise NotSentError(f"the connection to {self._server.name} is closed")
        if self._connecting is None:
            if self._fault is not None and _now() < self._not_before:
                raise _again(self._fault)
            self._connecting = asyncio.create_task(self._connect(), name=f"mcp connect {self._server.name}")
        # Shielded: the call that began it may give up while others wait for it.
        if fault := await asyncio.shield(self._connecting):
            raise _again(fault)
        if self._connection is None or not self._connection.is_open:
            raise UnreachableError(f"the connection to {self._server.name} has ended at once")
        return self._connection

    async def _connect(self) -> NotSentError | None:
        """Makes the connection and returns nothing, or why it cannot be made."""
        try:
            await self._drop()
            if self._closed:
                return NotSentError(f"the connection to {self._server.name} is closed")
            self._connection = Connection(self._server, folder=self._folder, most=self._most, on_change=self._hear_news)
            self._saw(await self._connection.opened())
        except NotSentError as fault:
            self._fault = fault
            self._not_before = _now() + BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
            self._failures += 1
            return self._fault
        finally:
            self._connecting = None
        self._failures, self._fault = 0, None
        return None

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _look(self, connection: Connection) -> None:
        async with self._looking:
            if not self._is_time_to_look():  # somebody else has just looked
                return
            # Before asking: what changes while the server answers is news again.
            self._has_news, self._look_at = False, _now() + self._look_again_seconds
            try:
                async with asyncio.timeout(self._server.connect_seconds):
                    self._saw(await connection.offer())
            except Exception as fault:  # noqa: BLE001  whatever it is, what was seen before holds for a while
                _log.warning("cannot look at the tools of %s: %s", self._server.name, type(fault).__name__)
                # From now on: a look may take longer than that, and those who waited must not each take another.
                self._look_at = _now() + self._look_again_seconds

    def _is_time_to_look(self) -> bool:
        return self._has_news or _now() >= self._look_at

    def _hear_news(self) -> None:
        self._has_news = True

    def _saw(self, offer: Offer) -> None:
        self._pins.saw(offer, SystemClock().now())
        self._seen_at = _now()
        self._look_at = self._seen_at + self._look_seconds
        for tool in self._server.tools:
            if why := self._pins.why_not(tool):
                _log.warning("%s is in quarantine: %s", tool.name, why)

    def _why_not(self, tool: Tool) -> str:
        if _now() > self._seen_at + TRUST_SECONDS:
            return f"its server has not told its tools for more than {TRUST_SECONDS:g} seconds"
        return self._pins.why_not(tool)


async def offered_by(server: Server, folder: Path, result_bytes: int) -> Offer:
    """Connects to a server, returns what it offers and leaves; `NotSentError` when it cannot be reached."""
    reached = McpServer(server, folder=folder, result_bytes=result_bytes)
    try:
        return await reached.offered()
    finally:
        await reached.close()


def _again(fault: NotSentError) -> NotSentError:
    """Returns the same for another caller: one that was raised before holds on to where that was."""
    return type(fault)(str(fault))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _told(call: ToolCall) -> dict[str, Any]:
    return {
        "key": call.key,
        "task": call.task,
        "run": call.run,
        "step": call.step,
        "agent": call.agent,
        "on_behalf_of": call.on_behalf_of,
        "fences": dict(call.fences),
    }
