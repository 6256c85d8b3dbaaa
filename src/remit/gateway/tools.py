"""The fleet's tools: each call goes to the server that has the tool, and ends in one of four ways."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remit.contracts import Offer, Server, Tool
from remit.core import ConflictError, JsonValue, canonical_bytes
from remit.gateway.calls import Before, OvertakenError, ToolCall, ToolError, plain
from remit.gateway.servers import (
    BrokenOffError,
    FunctionServer,
    NotSentError,
    OutcomeUnknownError,
    ToolServer,
    UnreachableError,
    UnusableResultError,
)
from remit.gateway.upstreams import Place, Upstream, UpstreamBusyError, Upstreams
from remit.guardrails import load_function

__all__ = ["NotSentError", "OutcomeUnknownError", "Tools", "UnreachableError", "UnusableResultError", "offered_by"]

# By name, and so imported only where it is needed; see `remit.gateway.servers`.
_MCP, _OFFERED_BY = "remit.gateway.servers.mcp:McpServer", "remit.gateway.servers.mcp:offered_by"

# A child process that is deaf to everything is ended within eight; code of a fleet could take for ever.
CLOSE_SECONDS = 12.0


class Tools:
    """Calls declared tools; connects each server once.

    `instances` stand in for servers, by name: objects with one async method per tool.
    """

    def __init__(
        self,
        servers: Mapping[str, Server],
        *,
        folder: Path,
        seconds: float,
        result_bytes: int,
        instances: Mapping[str, object] | None = None,
        upstreams: Upstreams | None = None,
    ) -> None:
        self._known = known = upstreams or Upstreams()
        self._upstreams = {
            server.name: known.get(f"tools:{server.name}", places=server.places) for server in servers.values()
        }
        self._seconds = seconds
        self._result_bytes = result_bytes
        self._servers: dict[str, ToolServer] = {}
        for server in servers.values():
            instance = (instances or {}).get(server.name)
            if instance is None and server.python is not None:
                instance = load_function(server.python)(folder)
            if instance is not None:
                self._servers[server.name] = FunctionServer(server, instance)
            else:
                self._servers[server.name] = load_function(_MCP)(server, folder=folder, result_bytes=result_bytes)

    def upstream(self, tool: Tool) -> Upstream:
        """Returns the upstream that serves a tool, or raises `ToolError`."""
        if tool.server not in self._servers:
            raise ToolError(f"{tool.name} is not served here any more")
        return self._upstreams[tool.server]

    def own_upstream(self, tool: Tool) -> Upstream | None:
        """Returns where calls of a tool wait that is bounded over all processes: this one makes no more of them, either."""
        most = tool.cell_concurrency
        return self._known.get(f"tools:{tool.name}", places=most) if most is not None else None

    async def call(
        self,
        tool: Tool,
        call: ToolCall,
        arguments: Mapping[str, Any],
        *,
        place: Place | None = None,
        before: Before | None = None,
    ) -> JsonValue:
        """Returns the result, or raises. Without a `place` held by the caller, it takes one of its own.

        `OvertakenError`: `before` kept it from leaving.
        `UpstreamBusyError`: it was not made, because there is no place, or the server is known to be out of reach.
        `ToolError`: it refused and nothing happened; `NotSentError` among them: it was not even asked, and among these
        `UnreachableError`: its server may be back in a moment.
        `UnusableResultError`: it happened, but what it returned is not JSON, too large or not as declared.
        `OutcomeUnknownError`: anything else.
        """
        if place is not None:
            return await self._call(tool, call, arguments, place, before)
        async with self.upstream(tool).place() as own:
            return await self._call(tool, call, arguments, own, before)

    async def _call(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], place: Place, before: Before | None
    ) -> JsonValue:
        seconds = tool.seconds or self._seconds
        try:
            result = await self._tried(tool, call, arguments, place, before, seconds)
        except (UpstreamBusyError, OvertakenError):
            raise
        except NotSentError as unsent:
            kind = UnreachableError if isinstance(unsent, UnreachableError) else NotSentError
            raise kind(plain(f"{unsent}; nothing happened")) from unsent
        except ToolError as refusal:
            raise ToolError(plain(str(refusal))) from refusal
        except (OutcomeUnknownError, UnusableResultError) as told:
            kind = UnusableResultError if isinstance(told, UnusableResultError) else OutcomeUnknownError
            raise kind(plain(str(told))) from told
        except TimeoutError as late:
            raise OutcomeUnknownError(f"no answer within {seconds:g} seconds") from late
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            if isinstance(fault, asyncio.CancelledError) and _is_stopped():
                raise
            raise OutcomeUnknownError(plain(f"{type(fault).__name__}: {fault}")) from fault
        return self.checked(result)

    async def unavailable(self, tool: Tool) -> str:
        """Returns why a tool may not be used now, or nothing.

        The definition its server gives may have changed since it was pinned, and nobody has looked at that yet.
        """
        server = self._servers.get(tool.server)
        if server is None:
            return ""  # the call itself will say so
        if not server.is_reached:  # a server that hangs while it is reached for holds up no more than its places
            async with self._upstreams[tool.server].place() as place:
                await _reach(server, place)
        return plain(await server.unavailable(tool))

    async def _tried(
        self,
        tool: Tool,
        call: ToolCall,
        arguments: Mapping[str, Any],
        place: Place,
        before: Before | None,
        seconds: float,
    ) -> JsonValue:
        """Makes the call, and tells the breaker whether its server is there: no answer is no answer, a no is one."""
        server = self._servers[tool.server]
        place.begin()
        try:
            result = await server.call(tool, call, arguments, before=before, seconds=seconds)
        except OvertakenError:
            raise  # which says nothing of the server
        except (UnreachableError, BrokenOffError, OSError) as away:  # a `TimeoutError` is one
            place.failed(away if str(away) else f"no answer within {seconds:g} seconds")
            raise
        except Exception:
            place.answered()
            raise
        place.answered()
        return result

    async def close(self) -> None:
        """Closes every server; one that does not close in time is left as it is."""
        self._known.close()
        await asyncio.gather(*(_close(server) for server in self._servers.values()), return_exceptions=True)

    def checked(self, result: JsonValue) -> JsonValue:
        """Returns a result that is JSON and not too large; raises `UnusableResultError` for any other."""
        try:
            size = len(canonical_bytes(result))
        except (TypeError, ValueError) as fault:
            raise UnusableResultError(f"it happened, but the result is not JSON: {fault}") from fault
        except RecursionError as fault:
            raise UnusableResultError("it happened, but the result is nested too deeply") from fault
        if size > self._result_bytes:
            told = f"it happened, but the result is too large: {size} bytes, the limit is {self._result_bytes}"
            raise UnusableResultError(told)
        return result


async def _close(server: ToolServer) -> None:
    async with asyncio.timeout(CLOSE_SECONDS):
        await server.close()


async def _reach(server: ToolServer, place: Place) -> None:
    """Connects, where that is not done; that it cannot be done the call itself will say, unless it says so now."""
    try:
        await server.reach()
    except UnreachableError as away:
        place.failed(away)
        if place.is_shut:
            place.begin()
    except NotSentError:
        pass
    else:
        place.answered()


async def offered_by(server: Server, folder: Path, *, result_bytes: int) -> Offer:
    """Connects to an MCP server, returns what it offers and leaves; a server out of reach is a `ConflictError`."""
    try:
        return await load_function(_OFFERED_BY)(server, folder, result_bytes)
    except NotSentError as fault:
        raise ConflictError("The server cannot be asked", which=server.name, why=str(fault)) from fault


def _is_stopped() -> bool:
    """Returns whether somebody cancels the task we are in; a tool can raise `CancelledError` by itself, too."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
