"""From a route in remit.toml to the provider that serves it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from remit.contracts import is_loopback
from remit.core import InputError, ModelRoute, Settings
from remit.gateway.calls import Before
from remit.gateway.providers.live import LiveProvider
from remit.gateway.providers.model import Completion, Provider, ProviderError
from remit.gateway.providers.prices import check_prices
from remit.gateway.providers.recorded import RecordedProvider
from remit.gateway.providers.simulated import SimulatedProvider


class MissingKeyError(InputError):
    """The variable that a route names for its key is not set; everything but its answers works without."""


class KeylessProvider:
    """Stands where a provider cannot be asked for want of a key, and says so to whoever asks."""

    def __init__(self, fault: MissingKeyError) -> None:
        self._fault = fault

    async def complete(
        self, request: Mapping[str, Any], *, task: str, before_retry: Before | None = None
    ) -> Completion:
        """Raises `ProviderError`: nothing was sent, nothing is charged."""
        raise ProviderError(self._fault.what, why=self._fault.why, hint=self._fault.hint)

    async def close(self) -> None:
        """Has nothing to let go of."""


def build_provider(name: str, route: ModelRoute, settings: Settings, folder: Path) -> Provider:
    """Returns the provider of route `name`; what the route lacks is an `InputError`. Keys are read here, once."""
    match route.kind:
        case "openai" | "anthropic":
            _check(name, route)
            check_prices(route)
            return LiveProvider(name, route, settings, key=_key(name, route))
        case "recorded":
            if not route.recording:
                raise _lacks(name, "recording", "Name the file it plays back")
            return RecordedProvider.load(folder / route.recording, model=route.model or name)
        case "simulated":
            if not route.code:
                raise _lacks(name, "code", "Name the function as `module:function`")
            return SimulatedProvider(route.code, model=route.model or name)


def _check(name: str, route: ModelRoute) -> None:
    if not route.model:
        raise _lacks(name, "model", "Give the provider's name of the model")
    if route.kind == "anthropic" and not route.base_url:
        if not route.key:
            raise _lacks(name, "key", "Name the variable that holds it, such as ANTHROPIC_API_KEY")
        return  # Anthropic's own address
    if not route.base_url:
        raise _lacks(name, "base_url", "Give the address up to and without /chat/completions")
    _check_address(name, route)


def _check_address(name: str, route: ModelRoute) -> None:
    try:
        address = urlsplit(route.base_url)
        port_fits = address.port is None or address.port > 0
    except ValueError:
        port_fits = False
        address = urlsplit("")
    if not port_fits or address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        raise InputError(
            f"Model {name!r} has no usable base_url", why="It is not an http(s) address without credentials"
        )
    if address.scheme == "http" and route.cloud and not is_loopback(route.base_url):
        hint = "Use https, or set cloud = false for a model on your own premises"
        raise InputError(f"Model {name!r} would be sent text in the clear", which=route.base_url, hint=hint)


def _key(name: str, route: ModelRoute) -> str:
    if not route.key:
        return ""
    key = os.environ.get(route.key, "").strip()
    if not key:
        hint = f"Set {route.key}, or remove the route"
        raise MissingKeyError(f"Model {name!r} has no key", why=f"The variable {route.key} is not set", hint=hint)
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"Model {name!r} has no usable key", why=f"{route.key} holds more than printable ASCII")
    return key


def _lacks(name: str, field: str, hint: str) -> InputError:
    return InputError(f"Model {name!r} lacks {field!r}", hint=hint)
