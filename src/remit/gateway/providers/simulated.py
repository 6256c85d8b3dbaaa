"""A simulated model: a deterministic function of the fleet, plainly labelled, that lets everything start without a key."""

from collections.abc import Mapping
from copy import deepcopy
from inspect import iscoroutinefunction
from typing import Any

from remit.core import InputError, canonical_bytes
from remit.gateway.calls import Before
from remit.gateway.providers.messages import assistant_message
from remit.gateway.providers.model import Completion, ProviderError, Usage
from remit.guardrails import load_function

# Tokens are estimated; an English token has about four characters.
CHARACTERS_PER_TOKEN = 4


class SimulatedProvider:
    """Answers with what `module:function` returns for the request: an assistant message."""

    def __init__(self, code: str, *, model: str = "simulated") -> None:
        self._code = code
        self._model = model
        self._answer = load_function(code)
        if iscoroutinefunction(self._answer):
            raise InputError("A simulated model is async", which=code, hint="Write it as a plain `def`")

    async def complete(
        self, request: Mapping[str, Any], *, task: str, before_retry: Before | None = None
    ) -> Completion:
        """Returns the function's answer; what it raises or answers wrongly is a `ProviderError`."""
        try:
            message = assistant_message(self._answer(deepcopy(dict(request))))
        except InputError as error:
            raise ProviderError(
                "The simulated model's answer is unsound", which=self._code, why=error.text()
            ) from error
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise ProviderError("The simulated model failed", which=self._code, why=why) from error
        usage = Usage(_tokens([request.get("messages", []), request.get("tools", [])]), _tokens(message))
        finish = "tool_calls" if "tool_calls" in message else "stop"
        return Completion(message, usage, self._model, "simulated", 0, finish)

    async def close(self) -> None:
        """Has nothing to let go of."""


def _tokens(value: Any) -> int:
    return -(-len(canonical_bytes(value)) // CHARACTERS_PER_TOKEN)
