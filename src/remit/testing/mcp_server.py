"""A real MCP server for tests, over stdio or HTTP: it echoes, adds, dawdles, fails, refuses and changes its mind.

    python -m remit.testing.mcp_server [--http PORT] [--log FILE] [--change FILE]

With `--http` the first line of output is `{"url": …}`; port 0 takes a free one. `--log` gets a JSON line before each
call and one after it. `--change` names a JSON file that may appear later: tool → what of its definition to replace
(`{"add": {"description": "…"}}`), or null for a tool to withhold.
"""

import argparse
import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from starlette.applications import Starlette

Handler = Callable[[dict[str, Any]], Awaitable[CallToolResult]]

_NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
_SUM = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
_ANYTHING = {"type": "object"}
# How soon a changed definition is noticed.
_GLANCE_SECONDS = 0.05
_HOST = "127.0.0.1"


class TestServer:
    """Its tools, what they were asked to do, and how they are defined at the moment."""

    __test__ = False  # a server, and no test

    def __init__(self, *, log: Path | None = None, change: Path | None = None) -> None:
        self._log = log
        self._change = change
        self._bus = InMemorySubscriptionBus()
        self._tools: dict[str, tuple[dict[str, Any], Handler]] = {
            "echo": ({"description": "Says what it was told.", "inputSchema": _ANYTHING}, _echo),
            "add": ({"description": "Adds two numbers.", "inputSchema": _NUMBERS, "outputSchema": _SUM}, _add),
            "slow": ({"description": "Takes `seconds`.", "inputSchema": _ANYTHING}, _slow),
            "fail": ({"description": "Breaks.", "inputSchema": _ANYTHING}, _fail),
            "refuse": ({"description": "Says no.", "inputSchema": _ANYTHING}, _refuse),
            "big": ({"description": "Answers `bytes` bytes.", "inputSchema": _ANYTHING}, _big),
            "image": ({"description": "Answers a picture.", "inputSchema": _ANYTHING}, _image),
            "lie": ({"description": "Adds badly.", "inputSchema": _ANYTHING, "outputSchema": _SUM}, _lie),
            "die": ({"description": "Ends its process.", "inputSchema": _ANYTHING}, _die),
        }

    def mcp(self) -> Server[Any]:
        """Returns the MCP server."""
        return Server(
            "test-server",
            version="1.0.0",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_subscriptions_listen=ListenHandler(self._bus),
            get_tool_input_schema=lambda name: self._tools[name][0]["inputSchema"] if name in self._tools else None,
        )

    def http(self) -> Starlette:
        """Returns the application that serves it at `/mcp`."""
        app = self.mcp().streamable_http_app()
        inner = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncGenerator[Any]:
            async with inner(app) as state:
                watching = asyncio.create_task(self.watch())
                yield state
                watching.cancel()

        app.router.lifespan_context = lifespan
        return app

    async def watch(self) -> None:
        """Tells whoever listens when the definitions have changed."""
        known = self._written()
        while True:
            await asyncio.sleep(_GLANCE_SECONDS)
            if (now := self._written()) != known:
                known = now
                await self._bus.publish(ToolsListChanged())

    async def _list_tools(
        self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        changed = self._changed()
        kept = {name: definition for name, (definition, _) in self._tools.items() if changed.get(name, {}) is not None}
        tools = [{"name": name, **definition, **changed.get(name, {})} for name, definition in kept.items()]
        new = [
            {"name": name, "inputSchema": _ANYTHING, **told}
            for name, told in changed.items()
            if name not in kept and told
        ]
        return ListToolsResult(tools=[Tool.model_validate(tool) for tool in [*tools, *new]])

    async def _call_tool(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        meta = dict(ctx.meta or {})
        about = {
            "tool": params.name,
            "arguments": params.arguments,
            "meta": meta.get("dev.remit/call"),
            **_reached(ctx),
        }
        self._write({"phase": "begun", **about})
        if params.name not in self._tools:
            return _said(f"there is no tool {params.name!r}", is_error=True)
        result = await self._tools[params.name][1](params.arguments or {})
        self._write({"phase": "ended", **about})
        return result

    def _changed(self) -> dict[str, Any]:
        try:
            return json.loads(self._change.read_text(encoding="utf-8")) if self._change else {}
        except (FileNotFoundError, ValueError):
            return {}

    def _written(self) -> tuple[int, int]:
        """Returns which file it is now: one that was changed back in between is another one."""
        try:
            status = self._change.stat() if self._change else None
        except FileNotFoundError:
            status = None
        return (status.st_mtime_ns, status.st_ino) if status else (0, 0)

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"process": os.getpid(), **line}) + "\n")


def _reached(ctx: ServerRequestContext[Any]) -> dict[str, Any]:
    """Returns what else came with the call: the variables of this process, the headers of the request."""
    headers = dict(getattr(ctx.request, "headers", {}))
    return {"env": sorted(os.environ), "headers": headers, "protocol": ctx.protocol_version}


def _said(text: str, *, is_error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)


async def _echo(arguments: dict[str, Any]) -> CallToolResult:
    return _said(arguments["text"] if isinstance(arguments.get("text"), str) else json.dumps(arguments))


async def _add(arguments: dict[str, Any]) -> CallToolResult:
    value = {"sum": arguments["a"] + arguments["b"]}
    return CallToolResult(content=[TextContent(text=json.dumps(value))], structured_content=value)


async def _slow(arguments: dict[str, Any]) -> CallToolResult:
    await asyncio.sleep(arguments.get("seconds", 1))
    return _said("done")


async def _fail(arguments: dict[str, Any]) -> CallToolResult:
    raise RuntimeError("it broke")


async def _refuse(arguments: dict[str, Any]) -> CallToolResult:
    return _said("the shop is closed", is_error=True)


async def _big(arguments: dict[str, Any]) -> CallToolResult:
    return _said("x" * arguments["bytes"])


async def _image(arguments: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[ImageContent(data="AAAA", mime_type="image/png")])


async def _lie(arguments: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[], structured_content={"sum": "many"})


async def _die(arguments: dict[str, Any]) -> CallToolResult:
    os._exit(3)


async def _speak(server: TestServer) -> None:
    watching = asyncio.create_task(server.watch())
    async with stdio_server() as (read, write):
        mcp = server.mcp()
        await mcp.run(read, write, mcp.create_initialization_options())
    watching.cancel()


def _listen(server: TestServer, port: int) -> None:
    listening = socket.create_server((_HOST, port))
    print(json.dumps({"url": f"http://{_HOST}:{listening.getsockname()[1]}/mcp"}), flush=True)  # noqa: T201
    config = uvicorn.Config(server.http(), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


def main(given: Sequence[str] | None = None) -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m remit.testing.mcp_server", description="An MCP server for tests")
    parser.add_argument("--http", type=int, metavar="PORT", help=f"listen on this port of {_HOST}; without it, stdio")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append one JSON line before and after each call")
    parser.add_argument("--change", type=Path, metavar="FILE", help="definitions that replace the tools' own")
    arguments = parser.parse_args(given)
    server = TestServer(log=arguments.log, change=arguments.change)
    if arguments.http is None:
        asyncio.run(_speak(server))
    else:
        _listen(server, arguments.http)


if __name__ == "__main__":
    main()
