"""One HTTP client per MCP server, in which a request that fails does so alone.

The SDK's transport ends the whole connection, and every call on it, when one request cannot be sent or read. Here each
fault becomes the JSON-RPC error of its own request, marked with what is known about it.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast
from weakref import WeakValueDictionary

import httpx2

from remit.contracts import is_loopback

# Under this name an error of ours says whether the request was taken.
MARK = "dev.remit/transport"
Fate = Literal["unsent", "unreached", "session ended", "unknown"]
# As much of an error page as is looked at. Whoever tells of it takes secrets out and shortens it, in this order: half a
# secret is still one.
ERROR_BYTES = 16_384
# A server that ends its stream of notices at once is asked for another this often.
LISTEN_AGAIN_SECONDS = 1.0
# Below what servers keep idle connections for (5 s and more), so that none is used just as it is closed.
KEEP_IDLE_SECONDS = 4.0
_JSON = {"content-type": "application/json"}
_ACCEPTED, _TIMEOUT, _SERVER_ERROR, _NOT_FOUND = 202, 408, 500, 404
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.LocalProtocolError)
_GIVEN_UP = "was given up"

T = TypeVar("T")


class IsolatingClient(httpx2.AsyncClient):
    """An HTTP client whose answers are bounded, and whose faults are answers."""

    def __init__(self, url: str, *, headers: Mapping[str, str], most: int, connections: int, connect: float) -> None:
        super().__init__(
            headers={"accept-encoding": "identity", **headers},
            verify=_trust(url),
            # How long a call may take is the tool's own affair; a stream of notices stays open for days.
            timeout=httpx2.Timeout(None, connect=connect, pool=connect),
            trust_env=not is_loopback(url),  # nobody reaches this machine through a proxy
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_IDLE_SECONDS
            ),
        )
        self._most = most
        self._patience = connect
        self._listen_at = 0.0
        self._under_way: WeakValueDictionary[Any, asyncio.Event] = WeakValueDictionary()
        """JSON-RPC id → what says that nobody waits for that answer any more."""
        self._telling: set[asyncio.Task[None]] = set()

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request; whatever goes wrong comes back as a JSON-RPC error."""
        message = await _message(request)
        if message.get("method") == "notifications/cancelled":
            return self._give_up(request, message, options)
        given_up = self._under_way[message.get("id")] = asyncio.Event()
        if request.method == "GET":
            await self._wait_to_listen()
        # The transport waits for a notice to be taken, and for the end of a session, before it does anything else.
        has_time = request.method == "GET" or {"id", "method"} <= message.keys()
        response = await self._answered(request, options, None if has_time else self._patience, given_up)
        if not response.is_closed:
            response.stream = _Abandonable(cast("httpx2.AsyncByteStream", response.stream), given_up)
        return response

    async def _answered(
        self, request: httpx2.Request, options: Mapping[str, Any], seconds: float | None, given_up: asyncio.Event
    ) -> httpx2.Response:
        try:
            async with asyncio.timeout(seconds):
                response = await _unless(given_up, self._exchanged(request, options))
        except _NEVER_SENT as error:
            return _fault(request, "unreached", f"cannot be reached: {_told(error)}")
        except (TimeoutError, httpx2.TransportError) as error:
            return _fault(request, "unknown", f"broke off: {_told(error)}")
        return response or _fault(request, "unknown", _GIVEN_UP)

    def _give_up(
        self, request: httpx2.Request, notice: Mapping[str, Any], options: Mapping[str, Any]
    ) -> httpx2.Response:
        """Ends the exchange that a notice is about, which else keeps its connection until the server answers.

        Nothing waits for the notice itself: other calls would wait with it.
        """
        about: Any = notice.get("params")
        if (given_up := self._under_way.get(about.get("requestId"))) is not None:
            given_up.set()
        telling = asyncio.create_task(self._tell(request, options), name="mcp notice")
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)
        return httpx2.Response(_ACCEPTED, request=request)

    async def _tell(self, request: httpx2.Request, options: Mapping[str, Any]) -> None:
        response = await self._answered(request, options, self._patience, asyncio.Event())
        await response.aclose()

    async def _wait_to_listen(self) -> None:
        now = asyncio.get_running_loop().time()
        self._listen_at, begin = max(now, self._listen_at) + LISTEN_AGAIN_SECONDS, self._listen_at
        await asyncio.sleep(begin - now)

    async def _exchanged(self, request: httpx2.Request, options: Mapping[str, Any]) -> httpx2.Response:
        return await self._read(request, await super().send(request, **options))

    async def _read(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Reads what can be read at once; a stream of events is bounded, event by event, by the transport."""
        if request.method == "DELETE" or response.next_request is not None:
            return await _without_body(request, response)  # which would be read to its end, wherever that is
        if request.method != "POST":
            return response
        kind = response.headers.get("content-type", "").lower()
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _fault(request, "unknown", "answered compressed, which was not asked for")
        if response.is_success and not kind.startswith("application/json"):
            return response
        content = await _bounded(response, self._most)
        if len(content) > self._most:
            return _fault(request, "unknown", f"answered more than {self._most} bytes")
        if response.is_success or _is_rpc_error(kind, content):
            return httpx2.Response(response.status_code, headers=_kept(response), content=content, request=request)
        return _refused(request, response.status_code, content)


def fate(data: Any) -> Fate | None:
    """Returns what an error of ours says about its request; None for the errors of servers."""
    if not isinstance(data, dict):
        return None
    return cast("dict[str, Any]", data).get(MARK)


def _refused(request: httpx2.Request, status: int, content: bytes) -> httpx2.Response:
    if status == _NOT_FOUND and "mcp-session-id" in request.headers:
        return _fault(request, "session ended", "has ended the session")
    text = " ".join(content[:ERROR_BYTES].decode(errors="replace").split())
    # Nothing is done about a request that is answered with 4xx; one that was answered with 5xx may have been heard.
    taken = status >= _SERVER_ERROR or status == _TIMEOUT
    return _fault(request, "unknown" if taken else "unsent", f"answered HTTP {status}" + (f": {text}" if text else ""))


def _fault(request: httpx2.Request, what: Fate, told: str) -> httpx2.Response:
    return httpx2.Response(_SERVER_ERROR, headers=_JSON, content=_error(what, told), request=request)


def _error(what: Fate, told: str) -> bytes:
    # A server's error that means neither "unknown method" nor anything else the protocol gives a meaning.
    error = {"code": -32000, "message": told, "data": {MARK: what}}
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()


async def _message(request: httpx2.Request) -> dict[str, Any]:
    return json.loads(await request.aread()) if request.method == "POST" else {}


async def _without_body(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    await response.aclose()
    bare = httpx2.Response(response.status_code, request=request)
    bare.next_request = response.next_request
    return bare


async def _unless(given_up: asyncio.Event, doing: Awaitable[T]) -> T | None:
    """Returns what comes of `doing`, or None when it is given up before."""
    task, over = asyncio.ensure_future(doing), asyncio.ensure_future(given_up.wait())
    try:
        await asyncio.wait((task, over), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        over.cancel()
        await asyncio.gather(task, over, return_exceptions=True)


class _Abandonable(httpx2.AsyncByteStream):
    """A stream of events that ends with an error of ours when nobody waits for its answer any more."""

    def __init__(self, stream: httpx2.AsyncByteStream, given_up: asyncio.Event) -> None:
        self._stream = stream
        self._given_up = given_up

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        chunks = aiter(self._stream)
        while chunk := await _unless(self._given_up, anext(chunks, b"")):
            yield chunk
        if self._given_up.is_set():
            # An end without an answer would be taken for a broken connection, and the answer be asked for again.
            yield b"\n\ndata: " + _error("unknown", _GIVEN_UP) + b"\n\n"

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bounded(response: httpx2.Response, most: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > most:
            await response.aclose()
            break
    return bytes(content)


def _is_rpc_error(kind: str, content: bytes) -> bool:
    if not kind.startswith("application/json"):
        return False
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("error"), dict)


def _kept(response: httpx2.Response) -> list[tuple[str, str]]:
    framing = ("content-length", "transfer-encoding")
    return [(name, value) for name, value in response.headers.multi_items() if name.lower() not in framing]


def _trust(url: str) -> ssl.SSLContext:
    return _public_trust() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@cache  # loading who is trusted takes 30 ms, and every server trusts the same
def _public_trust() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _told(error: Exception) -> str:
    return str(error)[:ERROR_BYTES] or type(error).__name__
