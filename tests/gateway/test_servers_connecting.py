"""Calls that come while the connection to an MCP server is being made."""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.gateway.mcp_servers import CALL, running, server, tool

from remit.gateway.servers.mcp import McpServer
from remit.gateway.tools import NotSentError, Tools

pytestmark = pytest.mark.slow


async def test_whoever_asks_just_as_the_connection_is_made_hears_of_no_quarantine(tmp_path: Path) -> None:
    with running(tmp_path) as there:
        reached = McpServer(server(url=there.url), folder=Path(), result_bytes=1_000)
        first = asyncio.create_task(reached.unavailable(tool("echo")))
        asked: list[asyncio.Task[str]] = []
        while not first.done():  # one more at every turn of the loop
            asked.append(asyncio.create_task(reached.unavailable(tool("echo"))))
            await asyncio.sleep(0)
        assert {await first, *await asyncio.gather(*asked)} == {""}
        await reached.close()


async def test_a_connection_is_closed_while_it_is_being_made(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    tools = Tools({"test": server(command=command)}, folder=tmp_path, seconds=5, result_bytes=10_000)
    calling = asyncio.create_task(tools.call(tool("add"), CALL, {"a": 1, "b": 1}))
    await asyncio.sleep(0.1)
    await tools.close()
    with pytest.raises(NotSentError, match="closed"):
        await calling
    with pytest.raises(NotSentError, match="closed"):
        await tools.call(tool("add"), CALL, {"a": 1, "b": 1})
