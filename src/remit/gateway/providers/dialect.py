"""What a live provider needs to know of a wire format: how a request is written and how its answer is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from remit.core import RemitError
from remit.gateway.providers.model import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, in the chat-completions form whatever the wire said."""

    message: dict[str, Any]
    usage: Usage | None
    model: str
    finish: str


class UpstreamError(RemitError):
    """A stream that began well says that the provider has failed."""

    def __init__(self, why: str, *, retryable: bool) -> None:
        super().__init__("The provider failed", why=why)
        self.retryable = retryable


class AnswerStream(Protocol):
    """Puts the events of one streamed answer together."""

    @property
    def received(self) -> int:
        """Bytes of text that came so far, arguments and reasoning included."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What was told of the usage so far."""
        ...

    @property
    def done(self) -> bool:
        """Whether the last event came."""
        ...

    def add(self, data: str) -> None:
        """Takes the next event; raises `InputError` when it makes no sense, `UpstreamError` when it is an error."""
        ...

    def answer(self) -> Answer:
        """Returns the whole answer, or raises `InputError` when it is unsound or has no end."""
        ...


class Dialect(Protocol):
    """One wire format: OpenAI's chat completions or Anthropic's messages."""

    @property
    def url(self) -> str:
        """Where requests are sent."""
        ...

    def headers(self, key: str) -> dict[str, str]:
        """Returns the headers that carry the key, and what else every request needs."""
        ...

    def body(self, request: Mapping[str, Any]) -> bytes:
        """Returns the bytes to send; a request that cannot be said in this format is an `InputError`."""
        ...

    def learn(self, refusal: bytes) -> None:
        """Takes note of a refusal that says how the server wants to be asked; the next body heeds it."""
        ...

    def read(self, value: Any) -> Answer:
        """Returns what a whole answer says, or raises `InputError`."""
        ...

    def stream(self) -> AnswerStream:
        """Returns what takes the events of a streamed answer."""
        ...
