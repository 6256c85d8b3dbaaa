"""A connection bears what a server of no manners does to it, or ends; and nobody else waits for that."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.mcp_servers import CALL, DEFINITIONS, Answer, ScriptedHttp, is_discovered, says, server, tool

from remit.core import ConflictError
from remit.gateway import offered_by
from remit.gateway.servers.connection import MOST_ASKED, MOST_TOOLS
from remit.gateway.servers.mcp import McpServer
from remit.gateway.tools import OutcomeUnknownError, Tools

pytestmark = pytest.mark.slow

# An older server over stdio, which runs what a call's `code` says before it answers.
SERVER = """
import json, sys
def tell(**told):
    print(json.dumps({"jsonrpc": "2.0", **told}), flush=True)
def started(_):
    info = {"name": "old", "version": "1"}
    return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
def listed(_):
    echo = {"name": "echo", "description": "Says what it was told.", "inputSchema": {"type": "object"}}
    return {"tools": [echo]}
def called(given):
    exec(given["arguments"].get("code", ""), globals())
    return {"content": [{"type": "text", "text": "well"}]}
known = {"initialize": started, "tools/list": listed, "tools/call": called}
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") in known:
        tell(id=asked["id"], result=known[asked["method"]](asked.get("params")))
    elif "id" in asked and "method" in asked:
        tell(id=asked["id"], error={"code": -32601, "message": "no such method"})
"""
NOT_UTF8 = 'sys.stdout.buffer.write(b"caf\\xe9\\n"); sys.stdout.flush()'
NOISE = 'print("key tok-8f3a1c found")'
FLOOD = f'for i in range({MOST_ASKED + 100}): tell(id=f"p{{i}}", method="ping")'


def opened_tools() -> Tools:
    declared = server(command=(sys.executable, "-c", SERVER))
    return Tools({"test": declared}, folder=Path(), seconds=20, result_bytes=10_000)


async def test_a_byte_that_is_no_utf8_spoils_its_line_and_not_the_connection() -> None:
    tools = opened_tools()
    for _ in range(2):
        assert await tools.call(tool("echo"), CALL, {"code": NOT_UTF8}) == "well"
    await tools.close()


async def test_python_as_a_program_is_the_interpreter_remit_runs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    declared = server(command=("python", "-c", SERVER))
    tools = Tools({"test": declared}, folder=Path(), seconds=20, result_bytes=10_000)
    told = 'tell(id=asked["id"], result={"content": [{"type": "text", "text": sys.executable}]})'
    assert await tools.call(tool("echo"), CALL, {"code": told}) == sys.executable
    await tools.close()


async def test_noise_on_standard_output_is_passed_over_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    tools = opened_tools()
    assert await tools.call(tool("echo"), CALL, {"code": NOISE}) == "well"
    await tools.close()
    assert "tok-8f3a1c" not in caplog.text


async def test_a_server_that_floods_us_with_requests_is_cut_off_and_connected_to_again() -> None:
    tools = opened_tools()
    with pytest.raises(OutcomeUnknownError):
        await tools.call(tool("echo"), CALL, {"code": FLOOD})
    assert await tools.call(tool("echo"), CALL, {}) == "well"
    await tools.close()


@pytest.mark.parametrize("cursor", [{}, {"nextCursor": "more"}])
async def test_a_list_with_too_many_tools_is_asked_for_once(cursor: dict[str, str]) -> None:
    def respond(request: dict[str, Any], headers: Mapping[str, str]) -> Answer | None:
        if request["method"] != "tools/list":
            return is_discovered(request)
        tools = [{"name": f"echo{i}", **DEFINITIONS["echo"]} for i in range(MOST_TOOLS + 1)]
        return says(
            request["id"], {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"} | cursor
        )

    async with ScriptedHttp(respond).listening() as script:
        with pytest.raises(ConflictError, match="list of tools has no end"):
            await offered_by(server(url=script.url), Path(), result_bytes=1_000)
    assert [request["method"] for request in script.seen].count("tools/list") == 1


@pytest.mark.slow
async def test_a_look_that_failed_after_a_long_time_is_not_taken_again_at_once() -> None:
    listed: list[str] = []

    def is_silent(method: str) -> bool:
        listed.extend([method] if method == "tools/list" else [])
        return method == "tools/list" and len(listed) > 1

    async with ScriptedHttp(lambda request, _: is_discovered(request), is_silent=is_silent).listening() as script:
        declared = server(url=script.url, connect_seconds=3)  # longer than until the next look
        reached = McpServer(declared, folder=Path(), result_bytes=1_000, look_seconds=0, look_again_seconds=2)
        for _ in range(3):
            assert await reached.unavailable(tool("echo")) == ""
        await reached.close()
    assert len(listed) == 2
