"""The shop as an MCP server in a process of its own: its tools over stdio or HTTP, its definitions from `tools/shop.yaml`.

    python -m remit_fleets.retail.server [--http PORT] [--database db.json] [--per-task] [--log FILE]

With `--http` the first line of output is `{"url": …}`; port 0 takes a free one. Only this machine is answered.
"""

import argparse
import json
import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit.contracts import Tool as DeclaredTool
from remit.contracts import compile_schema, read_fleet
from remit.core import InputError, JsonValue
from remit.gateway import CALL_META, ToolCall, ToolError
from remit_fleets.call_log import CallLog
from remit_fleets.retail import synthetic
from remit_fleets.retail.behind_mcp import without_our_words
from remit_fleets.retail.per_task import ShopPerTask
from remit_fleets.retail.shop import Shop

_FLEET = Path(__file__).parent
_LOOPBACK = "127.0.0.1"
_HOSTS = [_LOOPBACK, "localhost"]
# Long enough to compare by eye, and every id we make is shorter.
_LONGEST_ID = 200


class _Caller(BaseModel):
    """What stands under `CALL_META`."""

    key: str = Field(min_length=1, max_length=_LONGEST_ID)
    task: str = Field(min_length=1, max_length=_LONGEST_ID)
    run: str
    step: int
    agent: str
    on_behalf_of: str = ""
    fences: dict[str, int] = {}

    def call(self) -> ToolCall:
        return ToolCall(self.key, self.task, self.run, self.step, self.agent, self.on_behalf_of, self.fences)


class ShopServer:
    """Serves one shop, or one for every task, and writes down each call before and after it."""

    def __init__(self, shop: Shop | ShopPerTask, log: CallLog) -> None:
        self._shop = shop
        self._log = log
        self._tools = {tool.name.partition("__")[2]: tool for tool in declared_tools()}
        self._inputs = {name: compile_schema(tool.input) for name, tool in self._tools.items()}

    def mcp(self) -> Server[Any]:
        """Returns the MCP server."""
        return Server(
            "shop",
            version="1.0.0",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            # Without it the SDK lists every tool on each call, to look for headers that mirror arguments.
            get_tool_input_schema=lambda name: self._tools[name].input if name in self._tools else None,
        )

    def http(self) -> Starlette:
        """Returns the application: `/mcp`, and for a shop per task `GET` and `DELETE /state/{task}`."""
        per_task = isinstance(self._shop, ShopPerTask)
        app = self.mcp().streamable_http_app(
            stateless_http=True,  # of the older protocols only; the present one has no sessions
            json_response=False,  # else a caller that goes away is not noticed
            transport_security=TransportSecuritySettings(allowed_hosts=[f"{host}:*" for host in _HOSTS]),
            custom_starlette_routes=[Route("/state/{task}", self._state, methods=["GET", "DELETE"])]
            if per_task
            else [],
        )
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)
        return app

    async def _list_tools(
        self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_definition(name, tool, _any_json(ctx)) for name, tool in self._tools.items()])

    async def _call_tool(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        try:
            call = _caller(ctx.meta).call()
            result = await self._perform(call, params.name, params.arguments or {})
        except ToolError as refusal:
            return CallToolResult(content=[TextContent(text=str(refusal))], is_error=True)
        return _told(result, _any_json(ctx))

    async def _perform(self, call: ToolCall, tool: str, arguments: Mapping[str, Any]) -> JsonValue:
        """Returns the result; every way it can end stands in the log, after the line that says it began."""
        number = self._log.begun(call, tool)
        ended, known = "failed", self._of(call).has_done(call.key)
        try:
            self._check(tool, arguments)
            result = await getattr(self._shop, tool)(call, **arguments)
            ended = "repeated" if known else "done"
            return result
        except ToolError:
            ended = "refused"
            raise
        finally:
            self._log.ended(number, call, tool, ended)

    def _of(self, call: ToolCall) -> Shop:
        return self._shop.of(call.task) if isinstance(self._shop, ShopPerTask) else self._shop

    def _check(self, tool: str, arguments: Mapping[str, Any]) -> None:
        if tool not in self._tools:
            raise ToolError(f"Error: there is no tool {tool!r}; there are {', '.join(self._tools)}")
        if problems := self._inputs[tool].problems(dict(arguments)):
            raise ToolError(f"Error: the arguments do not fit: {'; '.join(problems)}")

    async def _state(self, request: Request) -> Response:
        """Tells the documents of a task that differ from the start, or forgets the task."""
        assert isinstance(self._shop, ShopPerTask)  # noqa: S101  the route exists only then
        task = str(request.path_params["task"])
        if request.method == "DELETE":
            self._shop.forget(task)
            return Response(status_code=204)
        changed = self._shop.changed(task)
        rows = [{"table": table, "key": key, "after": document} for (table, key), document in changed.items()]
        return JSONResponse({"task": task, "rows": rows})


def declared_tools() -> tuple[DeclaredTool, ...]:
    """Returns the shop's tools as this fleet declares them."""
    fleet, findings = read_fleet(_FLEET)
    if "shop" not in fleet.servers:
        raise InputError("The shop's tools cannot be read", which="tools/shop.yaml", why="; ".join(map(str, findings)))
    return fleet.servers["shop"].tools


def _definition(name: str, tool: DeclaredTool, any_json: bool) -> Tool:
    hints = ToolAnnotations(
        read_only_hint=tool.effect == "read",
        destructive_hint=tool.effect == "write" and not tool.reversible,
        idempotent_hint=tool.idempotent,
        open_world_hint=False,
    )
    output = tool.output if any_json or tool.output.get("type") == "object" else None
    return Tool(
        name=name,
        description=tool.description,
        input_schema=without_our_words(tool.input),
        output_schema=without_our_words(output),
        annotations=hints,
    )


def _told(result: JsonValue, any_json: bool) -> CallToolResult:
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    content = [TextContent(text=text)]
    if any_json or isinstance(result, dict):
        return CallToolResult(content=[*content], structured_content=result)
    return CallToolResult(content=[*content])


def _any_json(ctx: ServerRequestContext[Any]) -> bool:
    """Whether the caller's protocol knows structured results that are no objects."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _caller(meta: Mapping[str, Any] | None) -> _Caller:
    try:
        return _Caller.model_validate((meta or {}).get(CALL_META))
    except ValidationError as fault:
        raise ToolError(f"Error: this shop is told in _meta[{CALL_META!r}] who calls, and under which key") from fault


def _open(arguments: argparse.Namespace) -> Shop | ShopPerTask:
    database: Path | None = arguments.database
    shop = Shop.load(json.loads(database.read_text(encoding="utf-8")) if database else synthetic.documents())
    return ShopPerTask(shop) if arguments.per_task else shop


def _listen(server: ShopServer, port: int) -> None:
    listening = socket.create_server((_LOOPBACK, port))
    print(json.dumps({"url": f"http://{_LOOPBACK}:{listening.getsockname()[1]}/mcp"}), flush=True)  # noqa: T201
    config = uvicorn.Config(server.http(), log_level=logging.WARNING, access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


async def _speak(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def main(given: Sequence[str] | None = None) -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m remit_fleets.retail.server", description="The shop's tools by MCP")
    parser.add_argument("--http", type=int, metavar="PORT", help="listen on this port of 127.0.0.1; without it, stdio")
    parser.add_argument("--database", type=Path, metavar="FILE", help="documents to start with; else invented ones")
    parser.add_argument("--per-task", action="store_true", help="a copy of the shop for every task")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append one JSON line before and after each call")
    arguments = parser.parse_args(given)
    with CallLog(arguments.log) as log:
        server = ShopServer(_open(arguments), log)
        if arguments.http is None:
            anyio.run(_speak, server.mcp())
        else:
            _listen(server, arguments.http)


if __name__ == "__main__":
    main()
