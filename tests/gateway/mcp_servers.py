"""MCP servers to call: a real one in a process of its own, and one that answers HTTP as a test wants it to."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from remit import testing
from remit.contracts import Server, Tool, pin
from remit.gateway import ToolCall

CALL = ToolCall("run_1:3", "task_1", "run_1", 3, "desk@1.0.0", "ann@shop.example", {"test:order:1": 7})
MODULE = "remit.testing.mcp_server"
# By its path it starts without the rest of `remit.testing`, which takes half a second.
PROGRAM = str(Path(testing.__file__).with_name("mcp_server.py"))
OBJECT: Mapping[str, Any] = {"type": "object"}
NUMBERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SUM = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "echo": {"description": "Says what it was told.", "inputSchema": OBJECT},
    "add": {"description": "Adds two numbers.", "inputSchema": NUMBERS, "outputSchema": SUM},
    "slow": {"description": "Takes `seconds`.", "inputSchema": OBJECT},
    "fail": {"description": "Breaks.", "inputSchema": OBJECT},
    "refuse": {"description": "Says no.", "inputSchema": OBJECT},
    "big": {"description": "Answers `bytes` bytes.", "inputSchema": OBJECT},
    "image": {"description": "Answers a picture.", "inputSchema": OBJECT},
    "lie": {"description": "Adds badly.", "inputSchema": OBJECT, "outputSchema": SUM},
    "die": {"description": "Ends its process.", "inputSchema": OBJECT},
}


def tool(name: str, **fields: Any) -> Tool:
    """Returns a tool of the test server, pinned to what it is there."""
    locked = pin(name, DEFINITIONS[name])
    given: dict[str, Any] = {
        "description": locked.description,
        "input": locked.input,
        "output": locked.output,
        "pinned": locked.digest,
    }
    return Tool(name=f"test__{name}", server="test", **(given | fields))


def server(**terms: Any) -> Server:
    """Returns the declaration of the test server, reached as `terms` say."""
    return Server(name="test", tools=tuple(map(tool, DEFINITIONS)), **terms)


@dataclass(frozen=True, slots=True)
class Running:
    """A test server that listens on this machine."""

    folder: Path
    url: str
    process: "subprocess.Popen[str]"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call as it began or ended."""
        return logged(self.folder / "calls.log")

    def change(self, **definitions: Any) -> None:
        """Changes what the server says of its tools."""
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(definitions), encoding="utf-8")
        draft.replace(self.folder / "change.json")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])


def logged(path: Path) -> list[dict[str, Any]]:
    """Returns the lines of a call log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def arguments(folder: Path) -> list[str]:
    """Returns the options with which the test server keeps its files in `folder`."""
    return ["--log", str(folder / "calls.log"), "--change", str(folder / "change.json")]


@contextmanager
def running(folder: Path, port: int = 0) -> Generator[Running]:
    """Starts the test server and stops it."""
    command = [sys.executable, PROGRAM, "--http", str(port), *arguments(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(folder, json.loads(process.stdout.readline())["url"], process)
        finally:
            process.kill()


Answer = tuple[int, Mapping[str, str], bytes]


def says(identifier: Any, result: Mapping[str, Any], **headers: str) -> Answer:
    """Returns the sound JSON-RPC answer."""
    body = json.dumps({"jsonrpc": "2.0", "id": identifier, "result": result}).encode()
    return 200, {"content-type": "application/json", **headers}, body


def is_discovered(request: Mapping[str, Any]) -> Answer | None:
    """Answers as a present-day server does when it is connected to: with one tool, `echo`."""
    if request["method"] == "server/discover":
        versions: dict[str, Any] = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        return says(request["id"], {"resultType": "complete", **versions, "ttlMs": 0, "cacheScope": "private"})
    if request["method"] == "tools/list":
        tools = [{"name": "echo", **DEFINITIONS["echo"]}]
        return says(request["id"], {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"})
    return None


def older(request: Mapping[str, Any]) -> Answer | None:
    """Answers as a server of the older protocol does, with a session and the tool `echo`; not to calls."""
    match request["method"]:
        case "initialize":
            told: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
            told |= {"serverInfo": {"name": "old", "version": "1"}}
            return says(request["id"], told, **{"mcp-session-id": "s1"})
        case "tools/list":
            return says(request["id"], {"tools": [{"name": "echo", **DEFINITIONS["echo"]}]})
        case "tools/call":
            return None
        case method:
            return (202, {}, b"") if method.startswith("notifications/") else (400, {}, b"")


@dataclass(slots=True)
class ScriptedHttp:
    """Answers each POST with what a function makes of it; None hangs up, and other methods are not allowed."""

    answer: Callable[[dict[str, Any], Mapping[str, str]], Answer | None]
    streamed: Answer = (405, {}, b"")
    """What GET is answered with."""
    is_silent: Callable[[str], bool] = lambda _: False
    """Which JSON-RPC or HTTP methods get no answer at all, while the connection stays."""
    url: str = ""
    methods: list[str] = field(default_factory=list[str])
    seen: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    connections: int = 0
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(
        default_factory=dict[asyncio.Task[Any], asyncio.StreamWriter]
    )

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator["ScriptedHttp"]:
        """Listens on a free port."""
        listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"
        try:
            yield self
        finally:
            listener.close()
            self._over.set()
            for writer in self._serving.values():
                writer.transport.abort()
            await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if task := asyncio.current_task():
            self._serving[task] = writer
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method = head[0].partition(" ")[0]
        self.methods.append(method)
        if method != "POST":
            answer: Answer | None = self.streamed if method == "GET" else (405, {}, b"")
        else:
            self.seen.append(json.loads(body))
            method, answer = self.seen[-1]["method"], self.answer(self.seen[-1], headers)
        if self.is_silent(method):
            await self._over.wait()
            return False
        if answer is None:
            return False
        status, more, content = answer
        told = {"content-length": str(len(content)), **more}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in told.items())]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
        await writer.drain()
        return True
