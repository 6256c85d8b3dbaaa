"""Tools in this process: one object per server, one async method per tool."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remit.contracts import Server, Tool
from remit.core import InputError, JsonValue, canonical_bytes
from remit.gateway.calls import ToolCall, ToolError, plain
from remit.guardrails import load_function

ToolFunction = Callable[..., Awaitable[JsonValue]]


@dataclass(frozen=True, slots=True)
class _Served:
    """A tool's code, and what it takes."""

    function: ToolFunction
    signature: inspect.Signature


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
        self._served: dict[str, _Served] = {}
        for server in servers.values():
            instance = self._instances.get(server.name)
            if instance is None:
                instance = load_function(server.python)(folder)
                self._instances[server.name] = instance
            for tool in server.tools:
                self._served[tool.name] = _served(instance, tool)

    async def call(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> JsonValue:
        """Returns the result, or raises.

        `ToolError`: it refused and nothing happened. `UnusableResultError`: it happened, but what it returned is not
        JSON or too large. `OutcomeUnknownError`: anything else.
        """
        doing = self._begun(tool, call, arguments)
        try:
            async with asyncio.timeout(tool.seconds or self._seconds):
                result = await doing
        except ToolError as refusal:
            raise ToolError(plain(str(refusal))) from refusal
        except TimeoutError as late:
            raise OutcomeUnknownError(f"no answer within {tool.seconds or self._seconds:g} seconds") from late
        except (Exception, SystemExit, asyncio.CancelledError) as fault:
            if isinstance(fault, asyncio.CancelledError) and _is_stopped():
                raise
            raise OutcomeUnknownError(plain(f"{type(fault).__name__}: {fault}")) from fault
        return self.checked(result)

    def _begun(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> Awaitable[JsonValue]:
        """Returns the call, on arguments that are its own; one the code cannot take is refused before it begins."""
        if tool.name not in self._served:
            raise ToolError(f"{tool.name} is not served here any more")
        served, own = self._served[tool.name], deepcopy(dict(arguments))
        try:
            served.signature.bind(call, **own)
        except TypeError as fault:
            raise ToolError(plain(f"{tool.name} does not take these arguments: {fault}")) from fault
        return served.function(call, **own)

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


def _is_stopped() -> bool:
    """Returns whether somebody cancels the task we are in; a tool can raise `CancelledError` by itself, too."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


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
