"""An OpenAI-compatible endpoint on this machine: answers from a script or a function, and misbehaves on demand."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

JSON = {"content-type": "application/json"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, sound or not."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    repeat: int = 1
    """How often `body` is sent; makes huge answers cheap to describe."""
    announced: int | None = None
    """The content-length claimed, where it is not the true one."""
    hangs: bool = False
    """Whether nothing follows `body` any more, and the connection stays open until it is stopped."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


def completion(message: Mapping[str, Any], *, model: str = "fake", usage: Any = USAGE, **fields: Any) -> Reply:
    """Returns the sound answer that carries `message`; `fields` are added to it."""
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": usage,
    }
    return Reply(body=json.dumps(value | fields).encode())


def says(text: str) -> dict[str, Any]:
    """Returns the assistant's message that says `text`."""
    return {"role": "assistant", "content": text}


def calls(tool: str, arguments: Mapping[str, Any], *, identifier: str = "call_1") -> dict[str, Any]:
    """Returns the assistant's message that calls `tool`."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": identifier, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Returns an error in the dialect of OpenAI."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": None, "param": None}}).encode()
    return Reply(status, body, {**JSON, **(headers or {})})


class FakeOpenAI:
    """Serves `/chat/completions`: the replies of a script in order, or what a function makes of each request."""

    def __init__(self, answers: Sequence[Reply] | Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        self._answers = answers
        self._server: asyncio.Server | None = None
        self._stopping = asyncio.Event()
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self.seen: list[Seen] = []
        self.connected = 0
        """How many connections were made so far."""

    @property
    def base_url(self) -> str:
        """Returns the address to name in a route."""
        if self._server is None:
            raise RuntimeError("FakeOpenAI is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def start(self) -> None:
        """Begins to listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stops listening and ends every connection."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
        for writer in self._connections.values():
            writer.transport.abort()
        await asyncio.gather(*self._connections)

    async def __aenter__(self) -> "FakeOpenAI":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        if task := asyncio.current_task():
            self._connections[task] = writer
        try:
            while seen := await _request(reader):
                self.seen.append(seen)
                await self._send(writer, self._reply(seen))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller has left
        finally:
            if task:
                del self._connections[task]
            writer.close()

    def _reply(self, seen: Seen) -> Reply:
        if not seen.path.endswith("/chat/completions"):
            return failure(404, f"nothing at {seen.path}")
        if callable(self._answers):
            return completion(self._answers(seen.body), model=str(seen.body.get("model", "fake")))
        if len(self.seen) > len(self._answers):
            return failure(500, "the script is at its end")
        return self._answers[len(self.seen) - 1]

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        length = reply.announced if reply.announced is not None else len(reply.body) * reply.repeat
        headers = {**reply.headers, "content-length": str(length)}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for _ in range(reply.repeat):
            writer.write(reply.body)
            await writer.drain()
        if reply.hangs:
            await self._stopping.wait()
        if length > len(reply.body) * reply.repeat:
            raise ConnectionAbortedError("announced more than it says")


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    if not (start := await reader.readline()):
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(start.decode("latin-1").split()[1], headers, json.loads(body) if body else None)
