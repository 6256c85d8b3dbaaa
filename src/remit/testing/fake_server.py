"""An HTTP server on this machine that answers from a script or a function, and misbehaves on demand."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

JSON = {"content-type": "application/json"}
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8"}


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
    """Whether nothing follows `body` or `pieces` any more, and the connection stays open until it is stopped."""
    pieces: Sequence[bytes] = ()
    """What is sent instead of `body`, chunk by chunk."""
    cut: bool = False
    """Whether the connection breaks after the last of `pieces`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


def event_stream(events: Sequence[bytes], **more: Any) -> Reply:
    """Returns the answer that sends `events` one by one; `more` are fields of a `Reply`."""
    return Reply(headers=EVENT_STREAM, pieces=events, **more)


class FakeServer(ABC):
    """Answers each request with the next reply of a script, or with what a function makes of its body."""

    def __init__(self, answers: Sequence[Reply] | Callable[[dict[str, Any]], Reply], *, path: str) -> None:
        self._answers = answers
        self._path = path
        self._server: asyncio.Server | None = None
        self._stopping = asyncio.Event()
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self.seen: list[Seen] = []
        self.connected = 0
        """How many connections were made so far."""

    @property
    def address(self) -> str:
        """Returns scheme, host and port."""
        if self._server is None:
            raise RuntimeError(f"{type(self).__name__} is not started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

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

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @abstractmethod
    def failure(self, status: int, message: str) -> Reply:
        """Returns an error as this kind of server words it."""

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
        if not seen.path.endswith(self._path):
            return self.failure(404, f"nothing at {seen.path}")
        if callable(self._answers):
            return self._answers(seen.body)
        if len(self.seen) > len(self._answers):
            return self.failure(500, "the script is at its end")
        return self._answers[len(self.seen) - 1]

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        length = reply.announced if reply.announced is not None else len(reply.body) * reply.repeat
        size = {"transfer-encoding": "chunked"} if reply.pieces else {"content-length": str(length)}
        lines = [f"{name}: {value}" for name, value in {**reply.headers, **size}.items()]
        writer.write("\r\n".join([f"HTTP/1.1 {reply.status} Scripted", *lines, "", ""]).encode("latin-1"))
        if reply.pieces:
            await self._send_pieces(writer, reply)
            return
        for _ in range(reply.repeat):
            writer.write(reply.body)
            await writer.drain()
        if reply.hangs:
            await self._stopping.wait()
        if length > len(reply.body) * reply.repeat:
            raise ConnectionAbortedError("announced more than it says")

    async def _send_pieces(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        for piece in reply.pieces:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        if reply.hangs:
            await self._stopping.wait()
        if reply.cut:
            raise ConnectionAbortedError("breaks off where it was told to")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> Seen | None:
    if not (start := await reader.readline()):
        return None
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(start.decode("latin-1").split()[1], headers, json.loads(body) if body else None)
