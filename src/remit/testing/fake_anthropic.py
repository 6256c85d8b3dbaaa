"""Anthropic's Messages API on this machine: answers from a script or a function, whole or streamed.

The wire format is that of https://docs.claude.com/en/api/messages and /en/docs/build-with-claude/streaming.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from remit.testing.fake_server import JSON, FakeServer, Reply, event_stream

USAGE = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 20,
}
# Text and input come in parts of so many characters.
PART = 7
Block = Mapping[str, Any]


def text(words: str) -> Block:
    """Returns a block of text."""
    return {"type": "text", "text": words}


def thinking(thought: str) -> Block:
    """Returns a block of what the model thought before it answered."""
    return {"type": "thinking", "thinking": thought, "signature": "c2lnbmF0dXJl"}


def tool_use(name: str, value: Mapping[str, Any], *, identifier: str = "toolu_1") -> Block:
    """Returns a block that calls a tool."""
    return {"type": "tool_use", "id": identifier, "name": name, "input": value}


def message(blocks: Sequence[Block], *, model: str = "fake", usage: Any = USAGE, stop_reason: str = "") -> Reply:
    """Returns the sound answer that carries `blocks`, whole."""
    value = {**_opening(model), "content": blocks, "stop_reason": stop_reason or _stop(blocks), "usage": usage}
    return Reply(body=json.dumps(value).encode())


def streamed_message(blocks: Sequence[Block], *, more: Mapping[str, Any] | None = None, **fields: Any) -> Reply:
    """Returns the sound answer that carries `blocks` in small parts; `more` are fields of the `Reply`."""
    return event_stream(events(blocks, **fields), **(more or {}))


def events(blocks: Sequence[Block], *, model: str = "fake", usage: Any = USAGE, stop_reason: str = "") -> list[bytes]:
    """Returns the events of a streamed message, each with its name, and a ping among them."""
    told: dict[str, Any] = {**usage, "output_tokens": 1} if usage else {}
    started: dict[str, Any] = {**_opening(model), "content": [], "stop_reason": None, "usage": told}
    values: list[dict[str, Any]] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(blocks):
        begun, deltas = _in_parts(block)
        values.append({"type": "content_block_start", "index": index, "content_block": begun})
        if index == 0:
            values.append({"type": "ping"})
        values += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        values.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": stop_reason or _stop(blocks), "stop_sequence": None}
    output = {"output_tokens": usage["output_tokens"]} if usage else {}
    values += [{"type": "message_delta", "delta": delta, "usage": output}, {"type": "message_stop"}]
    return [event(value) for value in values]


def event(value: Mapping[str, Any]) -> bytes:
    """Returns one event as it is sent."""
    return f"event: {value['type']}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def error_event(kind: str, words: str) -> bytes:
    """Returns the event of a failure in the middle of a stream."""
    return event({"type": "error", "error": {"type": kind, "message": words}})


def error(status: int, kind: str, words: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Returns an error in the dialect of Anthropic."""
    value = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"}
    return Reply(status, json.dumps(value).encode(), {**JSON, **(headers or {})})


class FakeAnthropic(FakeServer):
    """Serves `/v1/messages`: the replies of a script in order, or the blocks a function makes of each request.

    A function's blocks are streamed when the request asks for that.
    """

    def __init__(self, answers: Sequence[Reply] | Callable[[dict[str, Any]], Sequence[Block]]) -> None:
        super().__init__(_replies(answers) if callable(answers) else answers, path="/v1/messages")

    @property
    def base_url(self) -> str:
        """Returns the address to name in a route."""
        return self.address

    def failure(self, status: int, message: str) -> Reply:
        """Returns an error in the dialect of Anthropic."""
        return error(status, "not_found_error" if status == 404 else "api_error", message)


def _replies(answer: Callable[[dict[str, Any]], Sequence[Block]]) -> Callable[[dict[str, Any]], Reply]:
    def reply(body: dict[str, Any]) -> Reply:
        make = streamed_message if body.get("stream") else message
        return make(answer(body), model=str(body.get("model", "fake")))

    return reply


def _opening(model: str) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


def _stop(blocks: Sequence[Block]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"


def _in_parts(block: Block) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": part} for part in _parts(block["text"])]
            return {"type": "text", "text": ""}, deltas
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": part} for part in _parts(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "tool_use":
            parts = ["", *_parts(json.dumps(block["input"], ensure_ascii=False))]  # the first one is empty there, too
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            return dict(block), []


def _parts(words: str) -> list[str]:
    return [words[start : start + PART] for start in range(0, len(words), PART)]
