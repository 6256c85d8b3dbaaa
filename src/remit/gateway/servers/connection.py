"""One connection to an MCP server, held open by a task of its own.

The SDK's contexts must be left in the task that entered them, and a call that is cancelled must not take them along:
so one task enters them, waits until the connection is over, and leaves them; calls only borrow the session.
"""

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from mcp import Client, MCPError, StdioServerParameters
from mcp.client import IncomingMessage, Transport
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.types import (
    PARSE_ERROR,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    Implementation,
    InputRequiredResult,
    JSONRPCRequest,
    PaginatedRequestParams,
    RequestParamsMeta,
    TextContent,
    Tool,
    ToolListChangedNotification,
)
from pydantic import TypeAdapter, ValidationError

from remit.contracts import Implementation as Told
from remit.contracts import LockedTool, Offer, Server, pin, visible
from remit.core import InputError
from remit.gateway.servers.http import IsolatingClient
from remit.gateway.servers.model import NotSentError, OutcomeUnknownError, UnreachableError
from remit.gateway.servers.results import SessionEndedError, refusal_of

_log = logging.getLogger("remit.gateway.servers")
_ANSWER: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
_CLIENT = Implementation(name="remit", version="1")

# Languages, time zone and place for temporary files; the SDK adds PATH, HOME and the like. Nothing else of ours.
_BASICS = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
# As a program, the interpreter we run in: a fleet that ships its server finds it there, whatever is on the PATH.
PYTHON = "python"
# Besides the calls: the stream of notices, a look at the definitions, and two to spare.
_MORE_CONNECTIONS = 4
# A server that goes on for longer offers no list.
MOST_PAGES, MOST_TOOLS = 100, 1_000
LONGEST_TOLD = 300
# What a server asks of us: to be told that we are there, now and then. One that asks for more within a minute is cut off.
MOST_ASKED, ASKED_SECONDS = 1_000, 60.0


class Connection:
    """A session with one server, from `open` until either side ends it."""

    def __init__(self, server: Server, *, folder: Path, most: int, on_change: Callable[[], None]) -> None:
        self._server = server
        self._folder = folder
        self._most = most
        self._on_change = on_change
        self._over = asyncio.Event()
        self._client: Client | None = None
        self._secrets: dict[str, str] = {}
        self._may_pass = True
        """Whether a connection that cannot be made now may be made later, by itself."""
        # The SDK logs what it cannot read, word by word; what matters of it is told by our own errors.
        logging.getLogger("mcp.client").setLevel(logging.CRITICAL)
        self._opened: asyncio.Future[Offer | str] = asyncio.get_running_loop().create_future()
        self._holding = asyncio.create_task(self._hold(), name=f"mcp {server.name}")

    @property
    def is_open(self) -> bool:
        """Whether calls can be sent, as far as anybody knows."""
        return self._client is not None and not self._over.is_set()

    async def opened(self) -> Offer:
        """Waits until the connection stands and returns what the server offers; `NotSentError` when it cannot."""
        offer = await asyncio.shield(self._opened)
        if isinstance(offer, str):
            kind = UnreachableError if self._may_pass else NotSentError
            raise kind(f"the server {self._server.name} is not reachable: {offer}")
        return offer

    async def call(self, name: str, arguments: Mapping[str, Any], meta: dict[str, Any]) -> Any:
        """Returns the server's answer, `CallToolResult` or `InputRequiredResult`; its errors are the gateway's."""
        about = cast("RequestParamsMeta", meta)
        request = CallToolRequest(params=CallToolRequestParams(name=name, arguments=dict(arguments), _meta=about))
        client = self._client
        if client is None or self._over.is_set():
            raise UnreachableError(f"the connection to {self._server.name} has ended")
        try:
            return self._told(await client.session.send_request(request, _ANSWER))
        except MCPError as error:
            refusal = refusal_of(self._server.name, self._scrubbed(error))
            if isinstance(refusal, SessionEndedError):
                self._over.set()
            raise refusal from error
        except ValidationError as error:  # whose text would repeat what was answered
            raise OutcomeUnknownError(f"the server {self._server.name} answered what is not MCP") from error

    async def offer(self) -> Offer:
        """Asks the server what it offers; raises whatever goes wrong."""
        if self._client is None:
            raise NotSentError(f"the connection to {self._server.name} has ended")
        return await _offer(self._client)

    async def close(self) -> None:
        """Ends the connection, and with it the calls on it."""
        self._over.set()
        if not self._opened.done():
            self._may_pass = False
            self._holding.cancel()
        await asyncio.gather(self._holding, return_exceptions=True)

    async def _hold(self) -> None:
        told, opening = "it was closed", asyncio.timeout(self._server.connect_seconds)
        try:
            async with opening, self._session() as client:
                offer = await _offer(client)
                opening.reschedule(None)
                self._client = client
                self._opened.set_result(offer)
                await self._until_over(client)
        except Exception as fault:  # noqa: BLE001  whatever it is, the connection is over
            # On its way out a transport that was stopped may fail in a way of its own.
            late = f"no answer within {self._server.connect_seconds:g} seconds"
            told = late if opening.expired() else self._words(fault)
            self._may_pass = not isinstance(_cause(fault), InputError | FileNotFoundError | PermissionError)
        finally:
            self._over.set()
            self._client = None
            if not self._opened.done():
                self._opened.set_result(told)
            elif told != "it was closed":
                _log.warning("the connection to %s has ended: %s", self._server.name, told)

    async def _until_over(self, client: Client) -> None:
        notices = asyncio.create_task(_keep_listening(client, self._on_change), name=f"mcp notices {self._server.name}")
        try:
            await self._over.wait()
        finally:
            notices.cancel()
            await asyncio.gather(notices, return_exceptions=True)

    def _session(self) -> Client:
        return Client(
            _Watched(self._transport(), self._over.set),
            mode="auto",
            client_info=_CLIENT,
            message_handler=self._hear,
            cache=None,  # the lock file is our cache
        )

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._on_change()

    @asynccontextmanager
    async def _transport(self) -> AsyncGenerator[Any]:
        server = self._server
        variables = self._variables((*server.env, *server.headers.values()))
        if server.command:
            basics = {name: os.environ[name] for name in _BASICS if name in os.environ}
            program, *arguments = server.command
            program = sys.executable if program == PYTHON else program
            environment = basics | {name: variables[name] for name in server.env}
            # One byte that is no UTF-8 spoils its line, and not the connection.
            started = StdioServerParameters(
                command=program, args=arguments, env=environment, cwd=self._folder, encoding_error_handler="replace"
            )
            async with stdio_client(started, errlog=sys.__stderr__ or sys.stderr) as streams:
                yield streams
            return
        http = IsolatingClient(
            server.url or "",
            headers={header: _header_value(name, variables[name]) for header, name in server.headers.items()},
            most=self._most,
            connections=server.places + _MORE_CONNECTIONS,
            connect=server.connect_seconds,
        )
        async with http, streamable_http_client(server.url or "", http_client=http, max_sse_event_size=self._most) as s:
            yield s

    def _variables(self, names: tuple[str, ...]) -> dict[str, str]:
        if missing := [name for name in names if not os.environ.get(name)]:
            raise InputError("An environment variable is not set", which=", ".join(missing))
        found = {name: os.environ[name] for name in names}
        # A server may repeat `Bearer X` as a whole, or only X.
        self._secrets = {part: f"[{name}]" for name, value in found.items() for part in (value, *value.split()[-1:])}
        return found

    def _told(self, answer: CallToolResult | InputRequiredResult) -> CallToolResult | InputRequiredResult:
        """Returns an answer in whose words of refusal nothing is repeated that is secret."""
        for block in answer.content if isinstance(answer, CallToolResult) and answer.is_error else ():
            if isinstance(block, TextContent):
                block.text = self._without_secrets(block.text)
        return answer

    def _words(self, fault: BaseException) -> str:
        fault = _cause(fault)
        if isinstance(fault, FileNotFoundError):
            return f"there is no program {self._server.command[0]!r}" if self._server.command else "no such file"
        if isinstance(fault, ValidationError):
            return "it answered what is not MCP"
        text = fault.text() if isinstance(fault, InputError) else str(fault) or type(fault).__name__
        return self._without_secrets(text)[:LONGEST_TOLD].rstrip(".")

    def _scrubbed(self, error: MCPError) -> MCPError:
        told = self._without_secrets(error.message)
        if error.code == PARSE_ERROR:  # the SDK's own, which repeats what it could not read, in part
            told = told.partition(":")[0]
        return MCPError(error.code, visible(told)[:LONGEST_TOLD], error.data)

    def _without_secrets(self, text: str) -> str:
        for value, name in self._secrets.items():
            text = text.replace(value, name)
        return text


def _cause(fault: BaseException) -> BaseException:
    while isinstance(fault, BaseExceptionGroup):
        fault = cast("BaseExceptionGroup[BaseException]", fault).exceptions[0]
    return fault


async def _keep_listening(client: Client, on_change: Callable[[], None]) -> None:
    """Keeps a stream open on which a present-day server tells that its tools have changed; older ones tell unasked."""
    tools = client.server_capabilities.tools
    if tools is None or not tools.list_changed:
        return
    try:
        async with client.listen(tools_list_changed=True) as notices:
            on_change()  # what changed before anybody listened was told to nobody
            async for _ in notices:
                pass  # the session's handler has heard it, too
    except (ListenNotSupportedError, SubscriptionLost, MCPError) as fault:
        _log.debug("no notices of changed tools: %s", fault)  # then they are found out by looking


async def _offer(client: Client) -> Offer:
    tools: dict[str, LockedTool] = {}
    refused: dict[str, str] = {}
    for tool in await _listed(client):
        if tool.name in tools or tool.name in refused:
            tools.pop(tool.name, None)
            refused[tool.name] = "the server offers it twice"
            continue
        try:
            tools[tool.name] = pin(tool.name, tool.model_dump(by_alias=True, mode="json", exclude_unset=True))
        except InputError as error:
            refused[visible(tool.name)[:LONGEST_TOLD]] = error.why or error.text()
    server = client.server_info
    told = Told(name=_short(server.name), version=_short(server.version)) if server else Told()
    return Offer(told, tools, refused)


async def _listed(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        tools += page.tools
        cursor = page.next_cursor
        if len(tools) > MOST_TOOLS:
            break
        if not cursor:
            return tools
    raise InputError("The server's list of tools has no end", why=f"more than {MOST_TOOLS} tools or {MOST_PAGES} pages")


def _header_value(name: str, value: str) -> str:
    """Returns the value of a variable as a header can carry it; HTTP's own refusal would repeat it."""
    value = value.strip()  # what is read from a file ends with a line
    if not (value.isascii() and value.isprintable()):
        raise InputError("An environment variable holds more than printable ASCII", which=name)
    return value


def _short(text: str) -> str:
    return visible(text)[:LONGEST_TOLD]


class _Watched(AbstractAsyncContextManager[Any]):
    """A transport that says when the server has stopped speaking, which the SDK keeps to itself."""

    def __init__(self, transport: Transport | AbstractAsyncContextManager[Any], over: Callable[[], None]) -> None:
        self._transport = transport
        self._over = over

    async def __aenter__(self) -> Any:
        read, write = await self._transport.__aenter__()
        return _Reading(read, self._over), write

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._transport.__aexit__(kind, error, trace)


class _Reading:
    """A stream that is read through, until its end or a flood.

    Each request of a server takes a task here until its answer is sent, and a server need not read answers.
    """

    def __init__(self, stream: Any, over: Callable[[], None]) -> None:
        self._stream = stream
        self._over = over
        self._asked: deque[float] = deque(maxlen=MOST_ASKED)

    @property
    def last_context(self) -> Any:
        """Returns the context of the task that sent the last message."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            message = await self._stream.__anext__()
            if isinstance(getattr(message, "message", None), JSONRPCRequest) and self._is_flooded():
                raise StopAsyncIteration
        except BaseException:
            self._over()
            raise
        return message

    def _is_flooded(self) -> bool:
        now = asyncio.get_running_loop().time()
        is_full = len(self._asked) == MOST_ASKED and now - self._asked[0] < ASKED_SECONDS
        self._asked.append(now)
        return is_full

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)
