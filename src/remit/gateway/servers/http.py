"""One HTTP client per MCP server, in which a request that fails does so alone.

The SDK's transport ends the whole connection, and every call on it, when one request cannot be sent or read. Here each
fault becomes the JSON-RPC error of its own request, marked with what is known about it.
"""

import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, cast

import httpx2

from remit.contracts import is_loopback

# Under this name an error of ours says whether the request was taken.
MARK = "dev.remit/transport"
Fate = Literal["unsent", "session ended", "unknown"]
# As much of an error page as is told.
LONGEST_TOLD = 300
# Below what servers keep idle connections for (5 s and more), so that none is used just as it is closed.
KEEP_IDLE_SECONDS = 4.0
_JSON = {"content-type": "application/json"}
_TIMEOUT, _SERVER_ERROR, _NOT_FOUND = 408, 500, 404
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.LocalProtocolError)


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

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request; whatever goes wrong comes back as a JSON-RPC error."""
        try:
            return await self._read(request, await super().send(request, **options))
        except _NEVER_SENT as error:
            return _fault(request, "unsent", f"cannot be reached: {_told(error)}")
        except httpx2.TransportError as error:
            return _fault(request, "unknown", f"broke off: {_told(error)}")

    async def _read(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        """Reads what can be read at once; a stream of events is bounded, event by event, by the transport."""
        if request.method != "POST" or response.next_request is not None:
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
    text = " ".join(content[:LONGEST_TOLD].decode(errors="replace").split())
    # Nothing is done about a request that is answered with 4xx; one that was answered with 5xx may have been heard.
    taken = status >= _SERVER_ERROR or status == _TIMEOUT
    return _fault(request, "unknown" if taken else "unsent", f"answered HTTP {status}" + (f": {text}" if text else ""))


def _fault(request: httpx2.Request, what: Fate, told: str) -> httpx2.Response:
    # A server's error that means neither "unknown method" nor anything else the protocol gives a meaning.
    error = {"code": -32000, "message": told, "data": {MARK: what}}
    content = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    return httpx2.Response(_SERVER_ERROR, headers=_JSON, content=content, request=request)


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
    return str(error)[:LONGEST_TOLD] or type(error).__name__
