"""An OpenAI-compatible endpoint on this machine: answers from a script or a function, whole or streamed.

The wire format is that of https://platform.openai.com/docs/api-reference/chat and /chat-streaming.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remit.testing.fake_server import JSON, FakeServer, Reply, event_stream

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
# Text and arguments come in parts of so many characters.
PART = 7


def completion(message: Mapping[str, Any], *, model: str = "fake", usage: Any = USAGE, **fields: Any) -> Reply:
    """Returns the sound answer that carries `message`, whole; `fields` are added to it."""
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "finish_reason": _finish(message), "message": message}],
        "usage": usage,
    }
    return Reply(body=json.dumps(value | fields).encode())


def streamed(message: Mapping[str, Any], *, model: str = "fake", usage: Any = USAGE, **more: Any) -> Reply:
    """Returns the sound answer that carries `message` in small parts; `more` are fields of the `Reply`."""
    return event_stream(chunks(message, model=model, usage=usage), **more)


def chunks(message: Mapping[str, Any], *, model: str = "fake", usage: Any = USAGE) -> list[bytes]:
    """Returns the events of a streamed `message`: its role, its parts, why it ends, its usage, and the end."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "usage": None}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "" if message.get("content") else None}]
    deltas += [{"content": part} for part in _parts(message.get("content") or "")]
    for index, call in enumerate(message.get("tool_calls") or []):
        function = {"name": call["function"]["name"], "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]})
        parts = _parts(call["function"]["arguments"])
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": part}}]} for part in parts]
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": _finish(message)}])
    values: list[dict[str, Any]] = [{**head, "choices": choice} for choice in choices]
    if usage is not None:
        values.append({**head, "choices": [], "usage": usage})
    return [*(f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode() for value in values), b"data: [DONE]\n\n"]


def says(text: str) -> dict[str, Any]:
    """Returns the assistant's message that says `text`."""
    return {"role": "assistant", "content": text}


def calls(tool: str, arguments: Mapping[str, Any], *, identifier: str = "call_1") -> dict[str, Any]:
    """Returns the assistant's message that calls `tool`."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": identifier, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Returns an error in the dialect of OpenAI."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": None, "param": None}}).encode()
    return Reply(status, body, {**JSON, **(headers or {})})


class FakeOpenAI(FakeServer):
    """Serves `/chat/completions`: the replies of a script in order, or what a function makes of each request.

    A function's message is streamed when the request asks for that.
    """

    def __init__(self, answers: Sequence[Reply] | Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        super().__init__(_replies(answers) if callable(answers) else answers, path="/chat/completions")

    @property
    def base_url(self) -> str:
        """Returns the address to name in a route."""
        return f"{self.address}/v1"

    def failure(self, status: int, message: str) -> Reply:
        """Returns an error in the dialect of OpenAI."""
        return failure(status, message)


def _replies(answer: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Callable[[dict[str, Any]], Reply]:
    def reply(body: dict[str, Any]) -> Reply:
        model = str(body.get("model", "fake"))
        if not body.get("stream"):
            return completion(answer(body), model=model)
        match body:
            case {"stream_options": {"include_usage": True}}:
                return streamed(answer(body), model=model)
            case _:
                return streamed(answer(body), model=model, usage=None)

    return reply


def _finish(message: Mapping[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _parts(text: str) -> list[str]:
    return [text[start : start + PART] for start in range(0, len(text), PART)]
