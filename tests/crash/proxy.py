"""A way to the database that can be cut: it stands between one process and the server."""

import asyncio
import threading
from collections.abc import Coroutine, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

# A simple query that says `commit`, and what a writer says of itself when it connects.
COMMIT, WRITER = b"Q\0\0\0\x0bcommit\0", b"remit writer\0"
CHUNK = 65_536


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_writer: bool = False
    loses: bool = False

    def cut(self) -> None:
        """Ends it for both at once."""
        for end in (self.client, self.server):
            end.transport.abort()


class Proxy:
    """Passes everything on, until it is told not to."""

    def __init__(self, url: str) -> None:
        """Stands in front of the server that `url` names by its socket."""
        name, _, folder = url.partition("@/")[2].partition("?host=")
        self._socket = str(Path(unquote(folder)) / ".s.PGSQL.5432")
        self._name = name
        self._links: set[Link] = set()
        self._is_refusing = False
        self._to_lose, self._loses_requests = 0, False
        self.lost = 0
        """Commits of writers that got no answer."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._passing = asyncio.Event()
        self._passing.set()
        self._server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The URL of the same database, through here."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self._name}"

    def freeze(self) -> None:
        """Lets nothing pass either way and closes nothing; who connects gets no answer."""
        self._loop.call_soon_threadsafe(self._passing.clear)

    def refuse(self) -> None:
        """Breaks every connection, and each new one."""

        async def refuse() -> None:
            self._is_refusing = True
            for link in [*self._links]:
                link.cut()

        self._do(refuse())

    def mend(self) -> None:
        """Lets everything pass again, what was held up first."""

        async def mend() -> None:
            self._is_refusing = False
            self._passing.set()

        self._do(mend())

    def lose(self, count: int, *, requests: bool = False) -> None:
        """Breaks the connection of the next `count` commits of writers: after they were done, or before they arrive."""

        async def lose() -> None:
            self._to_lose, self._loses_requests = count, requests

        self._do(lose())

    def close(self) -> None:
        """Ends every connection."""

        async def close() -> None:
            self._server.close()
            for link in [*self._links]:
                link.cut()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._do(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            await self._passing.wait()
            if self._is_refusing:
                raise ConnectionRefusedError
            from_server, server = await asyncio.open_unix_connection(self._socket)
        except (OSError, asyncio.CancelledError):  # the server is away, or we are
            client.transport.abort()
            return
        link = Link(client, server)
        self._links.add(link)
        passing = [asyncio.create_task(self._ask(link, reader)), asyncio.create_task(self._answer(link, from_server))]
        try:
            await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            self._links.discard(link)
            link.cut()

    async def _ask(self, link: Link, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._passing.wait()
                link.is_writer = link.is_writer or WRITER in data
                if link.is_writer and self._to_lose and COMMIT in data:
                    self._to_lose -= 1
                    self.lost += 1
                    if self._loses_requests:
                        return
                    link.loses = True
                link.server.write(data)
                await link.server.drain()

    async def _answer(self, link: Link, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._passing.wait()
                if link.loses:
                    return
                link.client.write(data)
                await link.client.drain()


@contextmanager
def proxied(url: str) -> Generator[Proxy]:
    """Opens a proxy in front of a database."""
    with closing(Proxy(url)) as proxy:
        yield proxy
