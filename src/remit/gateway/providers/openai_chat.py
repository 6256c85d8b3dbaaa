"""OpenAI's chat completions, whole or as a stream, as its own servers and the many that speak like them say it.

https://platform.openai.com/docs/api-reference/chat (and /chat-streaming for the events)
"""

from collections.abc import Mapping
from typing import Any, cast

from remit.core import InputError, ModelRoute, parse_json
from remit.gateway.providers.dialect import Answer, UpstreamError
from remit.gateway.providers.messages import LARGEST_ARGUMENTS, MOST_TOOL_CALLS, assistant_message, usage_of, word
from remit.gateway.providers.model import Usage
from remit.gateway.providers.request import LimitField, request_body
from remit.gateway.providers.shapes import byte_count, object_of, objects_of, text_of

# No event says more than a whole answer.
LARGEST_EVENT = 4 * LARGEST_ARGUMENTS
END = "[DONE]"
EVENT = "An event of the answer"
# Text that is paid for, and not part of the answer.
_UNSEEN = ("reasoning_content", "reasoning", "refusal")
# Names of faults that pass, in the `type` or `code` of an error within a stream.
_PASSING = frozenset(("server_error", "rate_limit_exceeded", "rate_limit_error", "overloaded_error", "timeout"))


class OpenAIChat:
    """Speaks `POST {base_url}/chat/completions`; learns which of two dialects a server understands."""

    def __init__(self, route: ModelRoute) -> None:
        self._route = route
        self._limit_field: LimitField = "max_tokens"
        self._include_usage = True

    @property
    def url(self) -> str:
        """Returns the address of the endpoint."""
        return f"{self._route.base_url.rstrip('/')}/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        """Returns the key as a bearer token; servers of one's own may need none."""
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Mapping[str, Any]) -> bytes:
        """Returns the request as the server wants it, as far as it has told."""
        return request_body(self._route, request, self._limit_field, include_usage=self._include_usage)

    def learn(self, refusal: bytes) -> None:
        """Heeds servers that want the newer name of the limit, or do not know `stream_options`."""
        if b"max_completion_tokens" in refusal:
            self._limit_field = "max_completion_tokens"
        if b"stream_options" in refusal or b"include_usage" in refusal:
            self._include_usage = False

    def read(self, value: Any) -> Answer:
        """Returns the first choice of an answer."""
        choice = _first_choice(value)
        message = assistant_message(choice.get("message"))
        return Answer(
            message, usage_of(value.get("usage")), word(value.get("model")), word(choice.get("finish_reason"))
        )

    def stream(self) -> "OpenAIChatStream":
        """Returns what takes the chunks of one answer."""
        return OpenAIChatStream()


class OpenAIChatStream:
    """Puts the chunks of one answer together: text in order, tool calls by their index."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._model = ""
        self._finish = ""
        self.received = 0
        self.usage: Usage | None = None
        self.done = False

    def add(self, data: str) -> None:
        """Takes one chunk; what it says of other choices is passed over."""
        if data.strip() == END:
            self.done = True
            return
        chunk = object_of(parse_json(data, name=EVENT, largest=LARGEST_EVENT), EVENT)
        if error := chunk.get("error"):
            raise _upstream(error)
        self._model = self._model or word(chunk.get("model"))
        self.usage = usage_of(chunk.get("usage")) or self.usage
        for choice in objects_of(chunk.get("choices"), "The choices of an event"):
            if choice.get("index", 0) == 0:
                self._finish = word(choice.get("finish_reason")) or self._finish
                self._take(object_of(choice.get("delta") or {}, "The delta of an event"))

    def answer(self) -> Answer:
        """Returns the answer, which has ended when the server says why, or that nothing follows."""
        if not (self.done or self._finish):
            raise InputError("The stream ended before the answer did")
        calls = [self._calls[index].whole() for index in sorted(self._calls)]
        text = "".join(self._text)
        message = assistant_message({"role": "assistant", "content": text or None, "tool_calls": calls})
        return Answer(message, self.usage, self._model, self._finish)

    def _take(self, delta: Mapping[str, Any]) -> None:
        content = text_of(delta.get("content"), "The content of an event")
        self._text.append(content)
        unseen = (said for field in _UNSEEN if isinstance(said := delta.get(field), str))
        self.received += sum(map(byte_count, (content, *unseen)))
        for part in objects_of(delta.get("tool_calls"), "The tool calls of an event"):
            self._take_call(part)

    def _take_call(self, part: Mapping[str, Any]) -> None:
        function = object_of(part.get("function") or {}, "The function of an event")
        identifier = text_of(part.get("id"), "The id of a tool call")
        call = self._calls.setdefault(self._index(part, identifier), _Call())
        arguments = text_of(function.get("arguments"), "The arguments of an event")
        name = text_of(function.get("name"), "The name of a tool call")
        if name and call.name not in ("", name):
            raise InputError(
                "Two tool calls have one index", hint="The arguments of one would be taken for the other's"
            )
        # Some servers repeat id and name in every event, or draw a new id each time.
        call.id = call.id or identifier
        call.name = call.name or name
        call.arguments.append(arguments)
        self.received += byte_count(arguments)

    def _index(self, part: Mapping[str, Any], identifier: str) -> int:
        """Returns which call a part belongs to; servers that do not say so name each call anew, or have but one."""
        index: Any = part.get("index")
        if index is None:
            last = max(self._calls, default=-1)
            index = last + 1 if last < 0 or (identifier and identifier != self._calls[last].id) else last
        if type(index) is not int or not 0 <= index < MOST_TOOL_CALLS:
            raise InputError("A tool call has a senseless index", why=f"it is {str(index)[:40]}")
        return index


class _Call:
    """One tool call in parts."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    def whole(self) -> dict[str, Any]:
        """Returns the call as an answer that is not streamed has it."""
        return {"id": self.id, "function": {"name": self.name, "arguments": "".join(self.arguments)}}


def _upstream(error: Any) -> UpstreamError:
    told = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": error}
    code: Any = told.get("code")
    passing = {str(told.get("type")), str(code)} & _PASSING or code == 429 or (type(code) is int and code >= 500)
    return UpstreamError(str(told.get("message", "")), retryable=bool(passing))


def _first_choice(value: Any) -> dict[str, Any]:
    choices = cast("dict[str, Any]", value).get("choices") if isinstance(value, dict) else None
    first = cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise InputError("The answer has no choices")
    return cast("dict[str, Any]", first)
