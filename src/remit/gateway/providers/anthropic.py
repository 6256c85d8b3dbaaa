"""Anthropic's Messages API, whole or as a stream.

https://docs.claude.com/en/api/messages and /en/docs/build-with-claude/streaming
"""

from collections.abc import Mapping
from typing import Any, cast

from remit.core import InputError, ModelRoute, parse_json
from remit.gateway.providers.anthropic_messages import answer_of, messages_body, messages_usage
from remit.gateway.providers.dialect import Answer, UpstreamError
from remit.gateway.providers.messages import LARGEST_ARGUMENTS, MOST_TOOL_CALLS
from remit.gateway.providers.model import Usage
from remit.gateway.providers.shapes import byte_count, object_of, text_of

ADDRESS = "https://api.anthropic.com"
VERSION = "2023-06-01"
# No event says more than a whole answer.
LARGEST_EVENT = 4 * LARGEST_ARGUMENTS
EVENT = "An event of the answer"
# Text, thoughts and calls take turns.
MOST_BLOCKS = 4 * MOST_TOOL_CALLS
# Faults that pass: 429, 500, 504 and 529 where the answer is not streamed.
_PASSING = frozenset(("rate_limit_error", "api_error", "timeout_error", "overloaded_error"))


class AnthropicMessages:
    """Speaks `POST {base_url}/v1/messages`."""

    def __init__(self, route: ModelRoute) -> None:
        self._route = route

    @property
    def url(self) -> str:
        """Returns the address of the endpoint; Anthropic's own unless the route names another."""
        return f"{(self._route.base_url or ADDRESS).rstrip('/')}/v1/messages"

    def headers(self, key: str) -> dict[str, str]:
        """Returns the key and the version of the API."""
        return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})

    def body(self, request: Mapping[str, Any]) -> bytes:
        """Returns the request, translated."""
        return messages_body(self._route, request)

    def learn(self, refusal: bytes) -> None:
        """Has nothing to learn: there is one server."""

    def read(self, value: Any) -> Answer:
        """Returns a message, translated."""
        return answer_of(value)

    def stream(self) -> "AnthropicStream":
        """Returns what takes the events of one message."""
        return AnthropicStream()


class AnthropicStream:
    """Puts the events of one message together; events of other kinds may be added any day, and are passed over."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        self._parts: dict[int, list[str]] = {}
        self._usage: dict[str, Any] = {}
        self.received = 0
        self.done = False

    @property
    def usage(self) -> Usage | None:
        """Returns the usage told so far: that of the input at the start, that of the output at the end."""
        return messages_usage(self._usage)

    def add(self, data: str) -> None:
        """Takes one event."""
        event = object_of(parse_json(data, name=EVENT, largest=LARGEST_EVENT), EVENT)
        match event.get("type"):
            case "message_start":
                self._message = object_of(event.get("message"), "The message of an event")
                self._tell(self._message.get("usage"))
            case "content_block_start":
                self._blocks[_index(event)] = object_of(event.get("content_block"), "The block of an event")
            case "content_block_delta":
                self._take(_index(event), object_of(event.get("delta"), "The delta of an event"))
            case "message_delta":
                self._message |= object_of(event.get("delta"), "The delta of an event")
                self._tell(event.get("usage"))
            case "message_stop":
                self.done = True
            case "error":
                raise _upstream(event.get("error"))
            case _:
                pass

    def answer(self) -> Answer:
        """Returns the answer, which has ended with its `message_stop`."""
        if not self.done:
            raise InputError("The stream ended before the answer did")
        blocks = [self._whole(index) for index in sorted(self._blocks)]
        return answer_of(self._message | {"content": blocks, "usage": self._usage})

    def _tell(self, usage: Any) -> None:
        """Takes counts, which are those of the whole message so far."""
        if isinstance(usage, Mapping):
            told = cast("Mapping[str, Any]", usage)
            self._usage |= {field: count for field, count in told.items() if count is not None}

    def _take(self, index: int, delta: Mapping[str, Any]) -> None:
        match delta.get("type"):
            case "text_delta":
                part = text_of(delta.get("text"), "The text of an event")
            case "input_json_delta":
                part = text_of(delta.get("partial_json"), "The input of an event")
            case "thinking_delta":
                self.received += byte_count(text_of(delta.get("thinking"), "The thought of an event"))
                return
            case _:
                return  # signatures and citations: nobody here reads them
        if index not in self._blocks:
            raise InputError("An event adds to a block that did not begin", which=str(index))
        self._parts.setdefault(index, []).append(part)
        self.received += byte_count(part)

    def _whole(self, index: int) -> dict[str, Any]:
        block, text = self._blocks[index], "".join(self._parts.get(index, []))
        match block.get("type"):
            case "text":
                return block | {"text": text_of(block.get("text"), "The text of a block") + text}
            case "tool_use" if text:
                return block | {"input": parse_json(text, name="The input of a tool call", largest=LARGEST_ARGUMENTS)}
            case _:
                return block


def _index(event: Mapping[str, Any]) -> int:
    index: Any = event.get("index")
    if type(index) is not int or not 0 <= index < MOST_BLOCKS:
        raise InputError("A block has a senseless index", why=f"it is {str(index)[:40]}")
    return index


def _upstream(value: Any) -> UpstreamError:
    error = object_of(value, "The error of an event")
    kind = str(error.get("type"))
    return UpstreamError(f"{kind}: {error.get('message', '')}", retryable=kind in _PASSING)
