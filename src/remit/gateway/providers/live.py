"""A live model over HTTP: one POST, one bounded answer read as it comes, faults told apart, money never lost sight of."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import httpx2

from remit.contracts import is_loopback
from remit.core import InputError, ModelRoute, Settings, parse_json
from remit.gateway.calls import Before
from remit.gateway.providers.dialect import Answer, AnswerStream, UpstreamError
from remit.gateway.providers.dialects import dialect_of
from remit.gateway.providers.model import Completion, ProviderAwayError, ProviderError
from remit.gateway.providers.prices import estimate, price, worst_case
from remit.gateway.providers.retries import (
    AWAY_STATUSES,
    BACK_OFF,
    LONGEST_RETRY_AFTER,
    is_passing,
    pauses,
    retry_after,
)

CONNECT_SECONDS = 10.0
# As much of an error's body as is read, and as much of it as is told.
ERROR_BYTES, ERROR_TOLD = 16_384, 300
# A word of a few bytes travels in an event of a few hundred.
STREAM_OVERHEAD = 128
# After the last event only the end of the body is waited for, so that the connection can be used again.
DRAIN_SECONDS = 0.5


@dataclass(slots=True)
class _Call:
    """One call with all its tries."""

    request: Mapping[str, Any]
    deadline: float
    before_retry: Before | None = None
    """What is asked before each try but the first."""
    exchanges: int = 0
    stream: AnswerStream | None = None
    """What the last try has received so far, when it was streamed."""
    begun: bool = False
    """Whether the last try's stream has said anything that was no error."""
    spent: bool = False
    """Whether any try may be charged although its answer is lost."""

    async def ask_before_retry(self) -> None:
        """Asks whether another try may leave this process; the first one has been asked about."""
        self.exchanges += 1
        if self.exchanges > 1 and self.before_retry is not None:
            await self.before_retry()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An HTTP status other than 200."""

    status: int
    headers: httpx2.Headers
    content: bytes


class LiveProvider:
    """Asks one model of one endpoint through one shared client."""

    def __init__(
        self,
        name: str,
        route: ModelRoute,
        settings: Settings,
        *,
        key: str = "",
        back_off: tuple[float, ...] = BACK_OFF,
    ) -> None:
        self._name = name
        self._route = route
        self._settings = settings
        self._key = key
        self._back_off = back_off
        self._dialect = dialect_of(route)
        # Who answers whole may be silent until the end, which the timeout of the whole call bounds.
        silence = route.idle_timeout if route.stream and route.idle_timeout < route.timeout else None
        self._client = httpx2.AsyncClient(
            headers={"accept-encoding": "identity", "content-type": "application/json"} | self._dialect.headers(key),
            verify=_trust(self._dialect.url),
            timeout=httpx2.Timeout(route.timeout, connect=min(CONNECT_SECONDS, route.timeout), read=silence),
            trust_env=not is_loopback(self._dialect.url),  # nobody reaches this machine through a proxy
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20),
        )

    async def complete(
        self, request: Mapping[str, Any], *, task: str, before_retry: Before | None = None
    ) -> Completion:
        """Returns the model's answer; the route's timeout bounds all tries and waits together.

        A request that cannot be said to the endpoint, or whose cost has no bound, is an `InputError`, and is not sent.
        """
        call = _Call(request, asyncio.get_running_loop().time() + self._route.timeout, before_retry)
        try:
            answer = await self._tried(call)
        except ProviderError as error:
            error.cost_micros = self._lost(call) if call.spent else 0
            raise
        model = answer.model or self._route.model
        return Completion(answer.message, answer.usage, model, "live", self._cost(call, answer), answer.finish)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _tried(self, call: _Call) -> Answer:
        for pause in pauses(self._back_off):
            try:
                return await self._in_time(call)
            except ProviderError as error:
                wait = max(pause, error.retry_after)
                if not self._may_try_again(call, error, wait):
                    raise
            await asyncio.sleep(wait)
        return await self._in_time(call)

    def _may_try_again(self, call: _Call, error: ProviderError, pause: float) -> bool:
        if not error.retryable or error.retry_after > LONGEST_RETRY_AFTER:
            return False
        if asyncio.get_running_loop().time() + pause >= call.deadline:
            return False
        # INVARIANT: what is held covers one answer. After a try that may be charged there is no other, unless it is free.
        return not (error.spent and worst_case(self._route, call.request, self._settings))

    async def _in_time(self, call: _Call) -> Answer:
        call.stream, call.begun = None, False
        try:
            async with asyncio.timeout_at(call.deadline):
                return await self._asked(call)
        except TimeoutError as error:
            call.spent = True
            why = f"no answer within {self._route.timeout:g} seconds"
            raise self._fault("took too long", why, spent=True, unreached=True) from error
        except ProviderError as error:
            call.spent |= error.spent
            raise

    async def _asked(self, call: _Call) -> Answer:
        while True:
            body = self._dialect.body(call.request)
            await call.ask_before_retry()
            with self._told_apart(call):
                answer = await self._exchange(call, body)
            if isinstance(answer, Answer):
                return answer
            if answer.status == 400:
                self._dialect.learn(answer.content)
            if self._dialect.body(call.request) == body:
                raise self._refused(answer)

    async def _exchange(self, call: _Call, body: bytes) -> Answer | _Refusal:
        async with self._client.stream("POST", self._dialect.url, content=body) as response:
            # What is compressed could be any size, and was not asked for.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self._fault("answered compressed", "that was not asked for", spent=True)
            with self._told_apart(call, answering=True):
                if response.status_code != 200:
                    return _Refusal(response.status_code, response.headers, await self._read_error(response))
                # Some servers answer whole although a stream was asked for.
                if response.headers.get("content-type", "").startswith("text/event-stream"):
                    return await self._read_stream(call, response)
                return await self._read_whole(response)

    async def _read_error(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        with suppress(httpx2.HTTPError):  # the status alone says enough
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > ERROR_BYTES:
                    break
        return bytes(content[:ERROR_BYTES])

    async def _read_whole(self, response: httpx2.Response) -> Answer:
        most = self._settings.limits.answer_bytes
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > most:
                raise self._too_much()
        return self._dialect.read(parse_json(bytes(content), name="The answer", largest=most))

    async def _read_stream(self, call: _Call, response: httpx2.Response) -> Answer:
        most = self._settings.limits.answer_bytes
        stream = call.stream = self._dialect.stream()
        response.encoding = "utf-8"  # as the format wants it, whatever the header says
        source = aiter(httpx2.EventSource(response, max_event_size=most))
        async with aclosing(cast("AsyncGenerator[httpx2.ServerSentEvent]", source)) as events:
            async for event in events:
                stream.add(event.data)
                call.begun = True
                if stream.received > most or response.num_bytes_downloaded > most * STREAM_OVERHEAD:
                    raise self._too_much()
                if stream.done:
                    break
            with suppress(TimeoutError, httpx2.HTTPError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await anext(events, None)
        return stream.answer()

    @contextmanager
    def _told_apart(self, call: _Call, *, answering: bool = False) -> Generator[None]:
        """Turns what can go wrong on the wire into a `ProviderError` that says whether it may be charged."""
        try:
            yield
        except InputError as error:
            raise self._fault("answered what cannot be used", error.text(), spent=True) from error
        except UpstreamError as error:
            raise self._fault(
                "broke off", error.why, retryable=error.retryable, spent=call.begun, unreached=error.retryable
            ) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise self._fault("cannot be reached", _told(error), retryable=True, unreached=True) from error
        except httpx2.SSEError as error:
            raise self._too_much() from error
        except httpx2.ReadTimeout as error:
            why = f"nothing came for {self._route.idle_timeout:g} seconds"
            hint = "Raise idle_timeout of the route if it thinks that long, or set stream = false if it answers whole"
            raise self._fault("fell silent", why, hint=hint, spent=True, unreached=True) from error
        except httpx2.HTTPError as error:
            # A kept connection that the server has closed meanwhile looks like this, too.
            again = not answering
            raise self._fault("broke off", _told(error), retryable=again, spent=True, unreached=True) from error

    def _refused(self, refusal: _Refusal) -> ProviderError:
        hint = ""
        if refusal.status in (401, 403):
            hint = f"Check the key in {self._route.key}" if self._route.key else "Name the variable with the key"
        elif refusal.status == 404:
            hint = "Check base_url and model of the route"
        kind = ProviderAwayError if refusal.status in AWAY_STATUSES else ProviderError
        return kind(
            f"The model {self._name} answered HTTP {refusal.status}",
            why=self._without_key(_reason(refusal.content))[:ERROR_TOLD],
            hint=hint,
            retryable=is_passing(refusal.status),
            retry_after=retry_after(refusal.headers.get("retry-after", "")),
        )

    def _cost(self, call: _Call, answer: Answer) -> int | None:
        if answer.usage is None:
            return worst_case(self._route, call.request, self._settings)
        return price(self._route, answer.usage, self._settings)

    def _lost(self, call: _Call) -> int | None:
        if call.stream is None:
            return worst_case(self._route, call.request, self._settings)
        return estimate(self._route, call.request, call.stream, self._settings)

    def _too_much(self) -> ProviderError:
        return self._fault("answered too much", f"more than {self._settings.limits.answer_bytes} bytes", spent=True)

    def _fault(
        self,
        what: str,
        why: str,
        *,
        hint: str = "",
        retryable: bool = False,
        spent: bool = False,
        unreached: bool = False,
    ) -> ProviderError:
        told, why = f"The model {self._name} {what}", self._without_key(why)[:ERROR_TOLD]
        kind = ProviderAwayError if unreached else ProviderError
        return kind(told, why=why, hint=hint, retryable=retryable, spent=spent)

    def _without_key(self, text: str) -> str:
        # Before it is shortened: half a key is still a secret.
        return text.replace(self._key, "[key]") if self._key else text


def _trust(url: str) -> ssl.SSLContext:
    if url.startswith("https:"):
        return httpx2.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; loading who is trusted takes 30 ms


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _reason(content: bytes) -> str:
    text = content.decode(errors="replace")
    try:
        match parse_json(text, name="The error", largest=ERROR_BYTES):
            case {"error": {"message": str(message)}} | {"error": str(message)} | {"message": str(message)}:
                text = message
            case _:
                pass
    except InputError:
        pass  # then the text itself is told
    return " ".join(text.split())
