"""What a model provider is asked and what it gives back, in the chat-completions format."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from remit.core import RemitError
from remit.gateway.calls import Before

Kind = Literal["live", "recorded", "simulated"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call; those read from a cache and those written to one are part of `input_tokens`."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model."""

    message: dict[str, Any]
    """`role`, `content`, and `tool_calls` if there are any; nothing else a provider may have added."""
    usage: Usage | None
    """None when the provider did not say."""
    model: str
    """The model that answered, as the provider names it."""
    kind: Kind
    cost_micros: int | None
    """Micro-units of the cell's currency; None when unpriced; the worst case when no usage was told."""
    finish: str
    """Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`; empty when it was not said."""


class ProviderError(RemitError):
    """A model did not answer, or not in a form that can be used."""

    def __init__(
        self,
        what: str,
        *,
        which: str = "",
        why: str = "",
        hint: str = "",
        retryable: bool = False,
        spent: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(what, which=which, why=why, hint=hint)
        self.retryable = retryable
        """Whether the same request may succeed later."""
        self.spent = spent
        """Whether the provider may have worked on the last try, and charges for it, although the answer is lost."""
        self.cost_micros: int | None = 0
        """What may be charged although the answer is lost: by what was received of it, else the worst case; None when
        unpriced."""
        self.retry_after = retry_after
        """Seconds the provider asked to wait; 0 when it did not."""


class ProviderAwayError(ProviderError):
    """The provider cannot be reached, or does not answer; an answer of its own that says no is no such thing."""


class Provider(Protocol):
    """Answers chat requests: live over HTTP, from a recording, or simulated in code."""

    async def complete(
        self, request: Mapping[str, Any], *, task: str, before_retry: Before | None = None
    ) -> Completion:
        """Returns the model's next message, or raises `ProviderError`.

        Whoever asks more than once by itself awaits `before_retry` each time before it does; what that raises is raised.
        """
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...
