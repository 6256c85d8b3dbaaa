"""Tools in this process: one object per server, one async method per tool."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from remit.contracts import Server, Tool
from remit.core import InputError, JsonValue
from remit.gateway.calls import Before, ToolCall, ToolError, plain

ToolFunction = Callable[..., Awaitable[JsonValue]]


@dataclass(frozen=True, slots=True)
class _Served:
    """A tool's code, and what it takes."""

    function: ToolFunction
    signature: inspect.Signature


class FunctionServer:
    """Calls the methods of one object; one that lacks a declared method is an `InputError`."""

    def __init__(self, server: Server, instance: object) -> None:
        self._instance = instance
        self._served = {tool.name: _served(instance, tool) for tool in server.tools}

    async def call(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, before: Before | None = None, seconds: float
    ) -> JsonValue:
        """Returns the result of the tool's code; arguments the code cannot take are refused before it begins."""
        if before is not None:
            await before()
        doing = self._begun(tool, call, arguments)
        async with asyncio.timeout(seconds):
            return await doing

    @property
    def is_reached(self) -> bool:
        """Always true: it is in this process."""
        return True

    async def reach(self) -> None:
        """Has nothing to reach for."""

    async def unavailable(self, tool: Tool) -> str:
        """Returns nothing: the code is part of the fleet."""
        return ""

    async def close(self) -> None:
        """Closes the object if it can be closed."""
        close = getattr(self._instance, "close", None)
        if close is not None and inspect.isawaitable(closing := close()):
            await closing

    def _begun(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> Awaitable[JsonValue]:
        """Returns the call, on arguments that are its own."""
        if tool.name not in self._served:
            raise ToolError(f"{tool.name} is not served here any more")
        served, own = self._served[tool.name], deepcopy(dict(arguments))
        try:
            served.signature.bind(call, **own)
        except TypeError as fault:
            raise ToolError(plain(f"{tool.name} does not take these arguments: {fault}")) from fault
        return served.function(call, **own)


def _served(instance: object, tool: Tool) -> _Served:
    short = tool.name.partition("__")[2]
    method = getattr(instance, short.replace("-", "_"), None)
    if not inspect.iscoroutinefunction(method):
        raise InputError(
            f"Server {tool.server!r} has no async method",
            which=short,
            why=f"{type(instance).__name__} is what its factory returned",
            hint=f"Write `async def {short}(self, call, *, …)`",
        )
    return _Served(method, inspect.signature(method))
