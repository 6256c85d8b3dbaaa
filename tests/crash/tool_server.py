"""The tools of the crash tests, in a process that outlives every kill: an MCP server that writes each call down.

    python tool_server.py LOG

Its log is append-only and knows no unique key: a line for each call that came, before anything is answered. `mark`
happens once per key however often it is called; `send` and `post` happen as often as they are called. Who looks a call
up by its key hears whether it came, and one that has not come is refused from then on.
"""

import asyncio
import json
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

INPUT = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "account": {"type": "string", "maxLength": 40},
        "weight": {"type": "integer"},
        "seconds": {"type": "number"},
    },
    "required": ["n", "account"],
    "additionalProperties": False,
}
OUTPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = {"mark": "Happens once per key.", "send": "Happens at every call.", "post": "Happens at every call."}


class Desk:
    """What was called, and what may not be any more."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._done: dict[str, dict[str, Any]] = {}
        self._closed: set[str] = set()
        self._under_way: Counter[str] = Counter()

    def http(self) -> Starlette:
        """Returns the application: `/mcp`, and `/calls/KEY` for who asks what became of a call."""
        server = Server(
            "desk",
            version="1.0.0",
            on_list_tools=self._list,
            on_call_tool=self._call,
            get_tool_input_schema=lambda name: INPUT if name in TOOLS else None,
        )
        return server.streamable_http_app(
            stateless_http=True, custom_starlette_routes=[Route("/calls/{key}", self._looked_up)]
        )

    async def _list(self, _: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(
            tools=[
                Tool(name=name, description=told, input_schema=INPUT, output_schema=OUTPUT)
                for name, told in TOOLS.items()
            ]
        )

    async def _call(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        call = cast("dict[str, Any]", dict(ctx.meta or {})["dev.remit/call"])
        key, arguments = call["key"], params.arguments or {}
        fate = "refused" if key in self._closed else "done"
        if params.name == "mark" and key in self._done:
            fate = "repeated"
        line = {"tool": params.name, "key": key, "run": call["run"], "n": arguments["n"], "fate": fate}
        line["at_once"] = self._under_way[params.name] + 1
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if fate == "refused":
            return CallToolResult(content=[TextContent(text="it was looked up before it came")], is_error=True)
        result = self._done.setdefault(key, {"n": arguments["n"]})
        if fate == "done":
            self._under_way[params.name] += 1
            try:
                await asyncio.sleep(arguments.get("seconds", 0))
            finally:
                self._under_way[params.name] -= 1
        return CallToolResult(content=[TextContent(text=json.dumps(result))], structured_content=result)

    async def _looked_up(self, request: Request) -> JSONResponse:
        key = str(request.path_params["key"])
        if key not in self._done:
            self._closed.add(key)
        return JSONResponse({"performed": key in self._done, "result": self._done.get(key)})


def main(log: str) -> None:
    """Serves on a free port until it is stopped; the first line of output is the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201  how the test learns it
    config = uvicorn.Config(Desk(Path(log)).http(), log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
