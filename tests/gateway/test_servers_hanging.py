"""An MCP server that hangs holds nothing up: not what reaches for it, not a call, not the end."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.desk import Till, open_desk
from tests.gateway.mcp_servers import CALL, MODULE, arguments, server, tool

from remit.gateway import tools as module
from remit.gateway.tools import NotSentError, OutcomeUnknownError, Tools

pytestmark = pytest.mark.slow

# Never answers, and is deaf to everything that can be ignored.
DEAF = """
import signal, time
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(each, signal.SIG_IGN)
time.sleep(600)
"""
# The test server, which tells its number.
FROZEN = f"""
import os, pathlib, runpy, sys
pathlib.Path("pid").write_text(str(os.getpid()))
sys.argv[0] = "server"
runpy.run_module({MODULE!r}, run_name="__main__")
"""
# What the SDK gives a process to end by itself, and then by a signal.
ENDING = 10.0


async def closed(tools: Tools) -> float:
    """Closes them and returns how long that took."""
    began = time.monotonic()
    await tools.close()
    return time.monotonic() - began


async def test_a_child_process_that_is_deaf_is_given_up_and_ended(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF, encoding="utf-8")
    declared = server(command=("python", "deaf.py"), connect_seconds=0.5)
    tools = Tools({"test": declared}, folder=tmp_path, seconds=1, result_bytes=1_000)
    began = time.monotonic()
    with pytest.raises(NotSentError, match=r"no answer within 0\.5 seconds"):
        await tools.call(tool("add"), CALL, {"a": 1, "b": 1})
    assert time.monotonic() - began < 0.5 + ENDING
    assert await closed(tools) < ENDING


@asynccontextmanager
async def silent() -> AsyncGenerator[tuple[str, list[int]]]:
    """Listens, reads and never answers."""
    seen: list[int] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        try:
            await asyncio.sleep(600)
        finally:
            writer.close()

    listening = await asyncio.start_server(hear, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp", seen
    finally:
        listening.close()


async def test_an_http_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async with silent() as (url, seen):
        declared = server(url=url, connect_seconds=0.5)
        tools = Tools({"test": declared}, folder=tmp_path, seconds=1, result_bytes=1_000)
        with pytest.raises(NotSentError, match=r"no answer within 0\.5 seconds"):
            await tools.call(tool("add"), CALL, {"a": 1, "b": 1})
        assert await closed(tools) < ENDING
        assert seen


async def test_a_child_process_that_freezes_in_the_middle_ends_with_its_connection(tmp_path: Path) -> None:
    (tmp_path / "frozen.py").write_text(FROZEN, encoding="utf-8")
    declared = server(command=("python", "frozen.py", *arguments(tmp_path)))
    tools = Tools({"test": declared}, folder=tmp_path, seconds=1, result_bytes=1_000)
    assert await tools.call(tool("add"), CALL, {"a": 1, "b": 1}) == {"sum": 2}
    child = int((tmp_path / "pid").read_text(encoding="utf-8"))
    os.kill(child, signal.SIGSTOP)
    with pytest.raises(OutcomeUnknownError, match="no answer within 1 seconds"):
        await tools.call(tool("add"), CALL, {"a": 1, "b": 1})
    assert await closed(tools) < ENDING
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


class Stuck(Till):
    """A server of the fleet's own that does not come to its end."""

    async def close(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        await asyncio.Event().wait()


async def test_code_of_the_fleet_that_does_not_close_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.2)
    async with open_desk(tmp_path, server=Stuck()) as desk:
        assert await closed(desk.cell.parts.tools) < 2
