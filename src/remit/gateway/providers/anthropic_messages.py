"""Between the chat-completions form, in which Remit thinks, and Anthropic's messages; pure, both ways.

https://docs.claude.com/en/api/messages; what has no counterpart there is refused rather than left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from remit.core import InputError, ModelRoute, canonical_bytes, parse_json
from remit.gateway.providers.dialect import Answer
from remit.gateway.providers.messages import LARGEST_ARGUMENTS, assistant_message, token_counts, word
from remit.gateway.providers.model import Usage
from remit.gateway.providers.request import answer_tokens, check_bounded
from remit.gateway.providers.shapes import object_of, objects_of, text_of

Block = dict[str, Any]

FINISHES: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
# What it thought before it answered is not part of the answer.
_UNSEEN = frozenset(("thinking", "redacted_thinking"))
_EFFORTS = frozenset(("low", "medium", "high", "xhigh", "max"))
_CHOICES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}
# Fields of a message and of a function that are carried over; `type` is always `function`.
_CARRIED = frozenset(("role", "content", "tool_calls", "tool_call_id"))
_OF_FUNCTION = frozenset(("name", "description", "parameters", "strict"))
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]+")


def messages_body(route: ModelRoute, request: Mapping[str, Any]) -> bytes:
    """Returns the request to send to `route`; one without bound or counterpart is an `InputError`."""
    check_bounded(request)
    if request.get("seed") is not None:
        raise _no_counterpart("seed")
    system, turns = conversation(request.get("messages", []))
    body = {
        "model": route.model,
        "max_tokens": answer_tokens(route, request),
        "messages": turns,
        "stream": route.stream,
        **({"system": system} if system else {}),
        **_tools(request),
        **_sampling(request),
        **_output(request),
    }
    return canonical_bytes(body)


def conversation(messages: Iterable[Mapping[str, Any]]) -> tuple[list[Block], list[Block]]:
    """Returns the system blocks and the turns; what follows in one role, tool results included, is one turn."""
    system: list[Block] = []
    turns: list[Block] = []
    for place, message in enumerate(messages, 1):
        if message.get("role") in ("system", "developer"):
            system += _carried(message, place, _text_blocks(message.get("content")))
            continue
        role, blocks = _blocks(message, place)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise InputError("The conversation has no message", hint="Send one of the user, besides those of the system")
    return system, turns


def _blocks(message: Mapping[str, Any], place: int) -> tuple[str, list[Block]]:
    said = _text_blocks(message.get("content"))
    match message.get("role"):
        case "user":
            return "user", _carried(message, place, said)
        case "assistant":
            calls = objects_of(message.get("tool_calls"), f"The tool calls of message {place}")
            return "assistant", _carried(message, place, [*said, *map(_tool_use, calls)])
        case "tool":
            result = {"type": "tool_result", "tool_use_id": _identifier(message.get("tool_call_id"))}
            return "user", _carried(message, place, [result | ({"content": said} if said else {})])
        case role:
            raise InputError(f"Message {place} has no role that can be told", which=str(role)[:40])


def _carried(message: Mapping[str, Any], place: int, blocks: list[Block]) -> list[Block]:
    """Returns `blocks` when they are all that the message holds."""
    if left := [field for field, held in message.items() if held and field not in _CARRIED]:
        raise InputError(f"Message {place} holds what cannot be told to Anthropic", which=left[0], hint="Leave it out")
    return blocks


def _text_blocks(content: Any) -> list[Block]:
    texts = [content] if isinstance(content, str) else [part["text"] for part in cast("list[Block]", content or [])]
    return [{"type": "text", "text": text} for text in texts if text]  # an empty block is refused there


def _tool_use(call: Mapping[str, Any]) -> Block:
    function = object_of(call.get("function"), "The function of a tool call")
    text = text_of(function.get("arguments"), "The arguments of a tool call") or "{}"
    arguments = parse_json(text, name="The text of the arguments", largest=LARGEST_ARGUMENTS)
    return {
        "type": "tool_use",
        "id": _identifier(call.get("id")),
        "name": function.get("name"),
        "input": object_of(arguments, "The arguments of a tool call"),
    }


def _identifier(value: Any) -> str:
    if not (isinstance(value, str) and _IDENTIFIER.fullmatch(value)):
        hint = "Letters, digits, _ and - can be told to Anthropic"
        raise InputError("The id of a tool call cannot be told", which=str(value)[:80], hint=hint)
    return value


def _tools(request: Mapping[str, Any]) -> Block:
    tools = [_tool(tool, place) for place, tool in enumerate(objects_of(request.get("tools"), "The tools"), 1)]
    choice = _tool_choice(request)
    if tools:
        return {"tools": tools} | ({"tool_choice": choice} if choice else {})
    if choice.get("type") in ("any", "tool"):
        raise InputError("The request wants a tool called, and has none")
    return {}


def _tool(tool: Mapping[str, Any], place: int) -> Block:
    function = object_of(tool.get("function"), f"The function of tool {place}")
    if left := [field for field, held in function.items() if held and field not in _OF_FUNCTION]:
        raise _no_counterpart(f"tools: function.{left[0]}")
    schema: Any = function.get("parameters") or {"type": "object", "properties": {}}
    described: Any = function.get("description")
    return {
        "name": function.get("name"),
        "input_schema": schema,
        **({"description": described} if described else {}),
        **({"strict": True} if function.get("strict") else {}),
    }


def _tool_choice(request: Mapping[str, Any]) -> Block:
    wanted: Any = request.get("tool_choice")
    match wanted:
        case None:
            choice: Block = {}
        case {"type": "function", "function": {"name": str(name)}}:
            choice = {"type": "tool", "name": name}
        case str() if wanted in _CHOICES:
            choice = {"type": _CHOICES[wanted]}
        case _:
            raise _no_counterpart("tool_choice")
    if request.get("parallel_tool_calls") is False and choice.get("type") != "none":
        return {"type": "auto"} | choice | {"disable_parallel_tool_use": True}
    return choice


def _sampling(request: Mapping[str, Any]) -> Block:
    told = {field: request[field] for field in ("temperature", "top_p") if request.get(field) is not None}
    temperature: Any = told.get("temperature", 0)
    if type(temperature) not in (int, float) or not 0 <= temperature <= 1:
        raise InputError("Anthropic knows no such temperature", which=str(temperature)[:40], hint="Send 0 to 1")
    stop: Any = request.get("stop")
    if stop:
        told["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    return told


def _output(request: Mapping[str, Any]) -> Block:
    config: Block = {}
    effort: Any = request.get("reasoning_effort")
    if effort is not None:
        if effort not in _EFFORTS:
            raise _no_counterpart("reasoning_effort", hint=f"Send one of {', '.join(sorted(_EFFORTS))}")
        config["effort"] = effort
    match request.get("response_format"):
        case None | {"type": "text"}:
            pass
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            config["format"] = {"type": "json_schema", "schema": schema}
        case _:
            raise _no_counterpart("response_format", hint="Send a json_schema, or none")
    return {"output_config": config} if config else {}


def _no_counterpart(field: str, *, hint: str = "Leave it out") -> InputError:
    return InputError("Anthropic's messages have no counterpart", which=field, hint=hint)


def answer_of(value: Any) -> Answer:
    """Returns what one of Anthropic's messages says; another shape is an `InputError`."""
    message = object_of(value, "The answer")
    if message.get("type") != "message":
        raise InputError("The answer is no message", which=str(message.get("type"))[:40])
    blocks = objects_of(message.get("content"), "The content of the answer")
    spoken = [block for block in blocks if block.get("type") not in _UNSEEN]
    text = "".join(text_of(block.get("text"), "The text of a block") for block in spoken if block.get("type") == "text")
    calls = [_tool_call(block) for block in spoken if block.get("type") != "text"]
    said = assistant_message({"role": message.get("role"), "content": text or None, "tool_calls": calls})
    finish = FINISHES.get(word(message.get("stop_reason")), "")
    return Answer(said, messages_usage(message.get("usage")), word(message.get("model")), finish)


def _tool_call(block: Mapping[str, Any]) -> Block:
    if block.get("type") != "tool_use":
        raise InputError("The answer has a block that was not asked for", which=str(block.get("type"))[:40])
    arguments = canonical_bytes(object_of(block.get("input"), "The input of a tool call")).decode()
    return {"id": block.get("id"), "function": {"name": block.get("name"), "arguments": arguments}}


def messages_usage(value: Any) -> Usage | None:
    """Returns the usage told, with cache reads and writes as part of the input, or None when it cannot be believed."""
    if not isinstance(value, Mapping):
        return None
    usage = cast("Mapping[str, Any]", value)
    read, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    counts = token_counts(usage.get("input_tokens"), usage.get("output_tokens"), read, written)
    if counts is None:
        return None
    plain, output, read, written = counts
    return Usage(plain + read + written, output, read, written)
