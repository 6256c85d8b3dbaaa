"""A live model behind an OpenAI-compatible endpoint: one POST, one bounded answer, faults told apart."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2

from remit.core import InputError, ModelRoute, Settings, parse_json
from remit.gateway.providers.messages import assistant_message, usage_of
from remit.gateway.providers.model import Completion, ProviderError
from remit.gateway.providers.prices import price, worst_case
from remit.gateway.providers.request import LimitField, request_body

# Seconds before the second and the third try.
BACK_OFF = (0.5, 2.0)
# A provider that asks for more patience is told to the agent instead of waited for.
LONGEST_RETRY_AFTER = 10.0
CONNECT_SECONDS = 10.0
# As much of an error's body as is read, and as much of it as is told.
ERROR_BYTES, ERROR_TOLD = 16_384, 300


@dataclass(slots=True)
class _Tries:
    """What the tries of one call have come to."""

    spent: int = 0
    """Those that may be charged although their answer is lost, and after which another followed."""


class OpenAICompatibleProvider:
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
        self._limit_field: LimitField = "max_tokens"
        self._client = httpx2.AsyncClient(
            headers={"accept-encoding": "identity"} | ({"authorization": f"Bearer {key}"} if key else {}),
            verify=_trust(route.base_url),
            timeout=httpx2.Timeout(route.timeout, connect=min(CONNECT_SECONDS, route.timeout)),
            trust_env=not is_local(route.base_url),  # nobody reaches this machine through a proxy
            limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20),
        )

    async def complete(self, request: Mapping[str, Any], *, task: str) -> Completion:
        """Returns the model's answer; the route's timeout bounds all tries and waits together.

        A request whose cost has no bound is an `InputError`, and is not sent.
        """
        tries = _Tries()
        try:
            return replace(await self._in_time(request, tries), spent_tries=tries.spent)
        except ProviderError as error:
            error.spent_tries = tries.spent
            raise

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _in_time(self, request: Mapping[str, Any], tries: _Tries) -> Completion:
        try:
            async with asyncio.timeout(self._route.timeout):
                return await self._tried(request, tries)
        except TimeoutError as error:
            why = f"no answer within {self._route.timeout:g} seconds"
            raise self._fault("took too long", why, spent=True) from error

    async def _tried(self, request: Mapping[str, Any], tries: _Tries) -> Completion:
        for wait in self._back_off:
            try:
                return await self._once(request)
            except ProviderError as error:
                if not error.retryable or error.retry_after > LONGEST_RETRY_AFTER:
                    raise
                await asyncio.sleep(max(wait, error.retry_after))
                tries.spent += error.spent
        return await self._once(request)

    async def _once(self, request: Mapping[str, Any]) -> Completion:
        status, headers, content = await self._exchange(self._body(request))
        if status == 400 and self._limit_field == "max_tokens" and b"max_completion_tokens" in content:
            self._limit_field = "max_completion_tokens"
            status, headers, content = await self._exchange(self._body(request))
        if status != 200:
            raise self._refused(status, headers, content)
        return self._understood(request, content)

    def _body(self, request: Mapping[str, Any]) -> bytes:
        return request_body(self._route, request, self._limit_field)

    async def _exchange(self, body: bytes) -> tuple[int, httpx2.Headers, bytes]:
        url = f"{self._route.base_url.rstrip('/')}/chat/completions"
        answering = False
        try:
            async with self._client.stream(
                "POST", url, content=body, headers={"content-type": "application/json"}
            ) as response:
                answering = True
                return response.status_code, response.headers, await self._read(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise self._fault("cannot be reached", _told(error), retryable=True) from error
        except httpx2.TimeoutException as error:
            raise self._fault("took too long", _told(error), spent=True) from error
        except httpx2.HTTPError as error:
            # A kept connection that the server has closed meanwhile looks like this, too.
            raise self._fault("broke off", _told(error), retryable=not answering, spent=True) from error

    async def _read(self, response: httpx2.Response) -> bytes:
        """Reads no more than is allowed; what is compressed could be any size, and was not asked for."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._fault("answered compressed", "that was not asked for", spent=True)
        sound = response.status_code == 200
        most = self._settings.limits.answer_bytes if sound else ERROR_BYTES
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > most:
                if sound:
                    raise self._fault("answered too much", f"more than {most} bytes", spent=True)
                break
        return bytes(content[:most])

    def _understood(self, request: Mapping[str, Any], content: bytes) -> Completion:
        try:
            value = parse_json(content, name="The answer", largest=self._settings.limits.answer_bytes)
            choice = _first_choice(value)
            message = assistant_message(choice.get("message"))
        except InputError as error:
            raise self._fault("answered what cannot be used", error.text(), spent=True) from error
        usage = usage_of(value.get("usage"))
        if usage is None:
            cost = worst_case(self._route, request, self._settings)
        else:
            cost = price(self._route, usage, self._settings)
        model = _word(value.get("model")) or self._route.model
        return Completion(message, usage, model, "live", cost, _word(choice.get("finish_reason")))

    def _refused(self, status: int, headers: httpx2.Headers, content: bytes) -> ProviderError:
        hint = ""
        if status in (401, 403):
            hint = f"Check the key in {self._route.key}" if self._route.key else "Name the variable with the key"
        elif status == 404:
            hint = "Check base_url and model of the route"
        retry_after = headers.get("retry-after", "")
        return ProviderError(
            f"The model {self._name} answered HTTP {status}",
            why=self._without_key(_reason(content)),
            hint=hint,
            retryable=status == 429 or status >= 500,
            retry_after=float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0,
        )

    def _fault(self, what: str, why: str, *, retryable: bool = False, spent: bool = False) -> ProviderError:
        return ProviderError(
            f"The model {self._name} {what}", why=self._without_key(why), retryable=retryable, spent=spent
        )

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _trust(base_url: str) -> ssl.SSLContext:
    if base_url.startswith("https:"):
        return httpx2.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; loading who is trusted takes 30 ms


def is_local(base_url: str) -> bool:
    """Returns whether an address is on this machine."""
    return urlsplit(base_url).hostname in ("localhost", "127.0.0.1", "::1")


def _first_choice(value: Any) -> dict[str, Any]:
    choices = cast("dict[str, Any]", value).get("choices") if isinstance(value, dict) else None
    first = cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise InputError("The answer has no choices")
    return cast("dict[str, Any]", first)


def _told(error: Exception) -> str:
    return str(error)[:ERROR_TOLD] or type(error).__name__


def _word(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 200 else ""


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
    return " ".join(text.split())[:ERROR_TOLD]
