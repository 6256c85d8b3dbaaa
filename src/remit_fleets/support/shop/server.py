"""The shop's MCP server: its tools over stdio, over one connection to the database, with a line in the log for each call.

The database is opened with the first call, so that whoever only wants to know the tools leaves nothing behind.
"""

import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import jsonschema_rs
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from remit_fleets.call_log import CallLog, Ended
from remit_fleets.support.shop.calls import Caller, carry_out
from remit_fleets.support.shop.database import open_shop
from remit_fleets.support.shop.definitions import DEFINITIONS
from remit_fleets.support.shop.faults import SLOW_SECONDS, Fault, faults_now, meets
from remit_fleets.support.shop.reads import READS
from remit_fleets.support.shop.records import ShopError
from remit_fleets.support.shop.stdio import speaking
from remit_fleets.support.shop.writes import WRITES

_DOWN = 1
_FAILED: Ended = "failed"


class ShopServer:
    """Serves one shop and writes down each call before and after it."""

    def __init__(self, database: Path, log: Path) -> None:
        self._database_path = database
        self._log_path = log
        self._database: sqlite3.Connection | None = None
        self._log: CallLog | None = None
        self._inputs = {name: jsonschema_rs.validator_for(takes) for name, (_, takes, _) in DEFINITIONS.items()}

    def mcp(self) -> Server[Any]:
        """Returns the MCP server."""
        return Server(
            "shop",
            version="1.0.0",
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            # Without it the SDK lists every tool on each call, to look for headers that mirror arguments.
            get_tool_input_schema=lambda name: DEFINITIONS[name][1] if name in DEFINITIONS else None,
        )

    def end_if_down(self) -> None:
        """Ends the process when the shop is said to be down."""
        if self._database_path.exists() and "down" in faults_now(self._opened()):
            os._exit(_DOWN)

    async def _list_tools(
        self, ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_definition(name) for name in DEFINITIONS])

    async def _call_tool(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        faults = faults_now(self._opened())
        if "down" in faults:
            os._exit(_DOWN)
        try:
            answer = await self._perform(Caller.told(ctx.meta), params.name, params.arguments or {}, faults)
        except ShopError as refusal:
            return CallToolResult(content=[TextContent(text=f"Error: {refusal}")], is_error=True)
        text = json.dumps(answer, ensure_ascii=False)
        return CallToolResult(content=[TextContent(text=text)], structured_content=answer)

    async def _perform(
        self, caller: Caller, tool: str, arguments: Mapping[str, Any], faults: frozenset[Fault]
    ) -> dict[str, Any]:
        """Returns the answer; every way it can end stands in the log, after the line that says it began."""
        log = self._written()
        number, ended = log.begun(caller, tool), _FAILED
        try:
            if "slow" in faults and meets("slow", caller.key):
                await anyio.sleep(SLOW_SECONDS)
            self._check(tool, arguments)
            answered = carry_out(self._opened(), caller, tool, arguments, faults)
            if (
                "lost-reply" in faults
                and tool in WRITES
                and answered.ended == "done"
                and meets("lost-reply", caller.key)
            ):
                os._exit(_DOWN)
            ended = answered.ended
            return dict(answered.answer)
        except ShopError:
            ended = "refused"
            raise
        finally:
            log.ended(number, caller, tool, ended)

    def _check(self, tool: str, arguments: Mapping[str, Any]) -> None:
        if tool not in self._inputs:
            raise ShopError(f"there is no tool {tool!r}; there are {', '.join(self._inputs)}")
        if problem := next(self._inputs[tool].iter_errors(dict(arguments)), None):
            where = ".".join(map(str, problem.instance_path))
            raise ShopError(f"the arguments do not fit{f' at {where}' if where else ''}: {problem.message}")

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = open_shop(self._database_path)
        return self._database

    def _written(self) -> CallLog:
        if self._log is None:
            self._log = CallLog(self._log_path)
        return self._log


async def serve(database: Path, log: Path) -> None:
    """Serves a shop over standard input and output until the input ends."""
    shop = ShopServer(database, log)
    shop.end_if_down()
    server = shop.mcp()
    async with speaking() as (heard, answering):
        await server.run(heard, answering, server.create_initialization_options())


def _definition(name: str) -> Tool:
    description, takes, gives = DEFINITIONS[name]
    is_read = name in READS
    hints = ToolAnnotations(read_only_hint=is_read, idempotent_hint=True, open_world_hint=False)
    return Tool(name=name, description=description, input_schema=takes, output_schema=gives, annotations=hints)
