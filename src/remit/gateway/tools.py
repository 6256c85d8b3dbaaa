"""Tools in this process: one object per server, one async method per tool."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from remit.contracts import Server, Tool
from remit.core import InputError, JsonValue, canonical_bytes
from remit.gateway.calls import ToolCall, ToolError, plain
from remit.guardrails import load_function

ToolFunction = Callable[..., Awaitable[JsonValue]]


class OutcomeUnknownError(Exception):
    """The tool was called and nobody knows what became of it."""


class UnusableResultError(Exception):
    """The tool was called, it has happened, and its result is nothing that can be passed on."""


class Tools:
    """Calls declared tools; connects each server once."""

    def __init__(
        self,
        servers: Mapping[str, Server],
        *,
        folder: Path,
        seconds: float,
        result_bytes: int,
        instances: Mapping[str, object] | None = None,
    ) -> None:
        self._seconds = seconds
        self._result_bytes = result_bytes
        self._instances = dict(instances or {})
        self._functions: dict[str, ToolFunction] = {}
        for server in servers.values():
            instance = self._instances.get(server.name)
            if instance is None:
                instance = load_function(server.python)(folder)
                self._instances[server.name] = instance
            for tool in server.tools:
                self._functions[tool.name] = _method(instance, tool)

    async def call(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> JsonValue:
        """Returns the result, or raises.

        `ToolError`: it refused and nothing happened. `UnusableResultError`: it happened, but what it returned is not
        JSON or too large. `OutcomeUnknownError`: anything else.
        """
        if tool.name not in self._functions:
            raise ToolError(f"{tool.name} is not served here any more")
        try:
            async with asyncio.timeout(tool.seconds or self._seconds):
                result = await self._functions[tool.name](call, **arguments)
        except ToolError as refusal:
            raise ToolError(plain(str(refusal))) from refusal
        except TimeoutError as late:
            raise OutcomeUnknownError(f"no answer within {tool.seconds or self._seconds:g} seconds") from late
        except Exception as fault:
            raise OutcomeUnknownError(plain(f"{type(fault).__name__}: {fault}")) from fault
        return self.checked(result)

    async def close(self) -> None:
        """Closes every server that can be closed."""
        for instance in self._instances.values():
            close = getattr(instance, "close", None)
            if close is not None and inspect.isawaitable(closing := close()):
                await closing

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


def _method(instance: object, tool: Tool) -> ToolFunction:
    short = tool.name.partition("__")[2]
    method = getattr(instance, short.replace("-", "_"), None)
    if not inspect.iscoroutinefunction(method):
        raise InputError(
            f"Server {tool.server!r} has no async method",
            which=short,
            why=f"{type(instance).__name__} is what its factory returned",
            hint=f"Write `async def {short}(self, call, *, …)`",
        )
    return method
