"""Answers as they come: checked, and brought into the one form the gateway knows."""

import re
from collections.abc import Mapping
from typing import Any, cast

from remit.core import InputError, parse_json
from remit.gateway.providers.model import Usage
from remit.gateway.providers.shapes import object_of

# More calls in one answer than any task needs.
MOST_TOOL_CALLS = 64
LARGEST_ARGUMENTS = 1_048_576
# No bill of ours has more tokens in one call; a larger number is a mistake or a joke.
MOST_TOKENS = 100_000_000
# Of models and reasons; a longer one is no name.
LONGEST_WORD = 200

# What a call is named whose name is none: the name of no tool, which providers take when it is sent back to them.
NO_NAME = "not-a-function-name"

_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def assistant_message(value: Any) -> dict[str, Any]:
    """Returns `role`, `content` and `tool_calls` of an assistant's message; another shape is an `InputError`."""
    message = object_of(value, "The message")
    if message.get("role", "assistant") != "assistant":
        raise InputError("The message is not the assistant's", which=str(message["role"])[:40])
    content = message.get("content")
    if not (content is None or isinstance(content, str)):
        raise InputError("The content of the message is not text", why=f"it is {type(content).__name__}")
    calls: Any = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise InputError("The tool calls are not a list")
    checked = [_tool_call(call, place) for place, call in enumerate(cast("list[Any]", calls), 1)]
    _check_calls(checked)
    # An empty list is refused by providers when it is sent back.
    return {"role": "assistant", "content": content} | ({"tool_calls": checked} if checked else {})


def _check_calls(calls: list[dict[str, Any]]) -> None:
    if len(calls) > MOST_TOOL_CALLS:
        raise InputError("The message has too many tool calls", why=f"{len(calls)}, the limit is {MOST_TOOL_CALLS}")
    if len({call["id"] for call in calls}) != len(calls):
        raise InputError("Two tool calls have one id", hint="Their results could not be told apart")


def _tool_call(value: Any, place: int) -> dict[str, Any]:
    call = object_of(value, f"Tool call {place}")
    function = object_of(call.get("function"), f"The function of tool call {place}")
    name = function.get("name")
    if not isinstance(name, str):
        raise InputError(f"Tool call {place} names no function", hint="Letters, digits, _ and -, at most 64")
    # A slip of the model, and it is told so: the call is for nothing there is. One that is mended might be another's.
    name = name if _FUNCTION_NAME.fullmatch(name) else NO_NAME
    identifier = call.get("id") or f"call_{place}"  # some servers leave it out
    if not isinstance(identifier, str):
        raise InputError(f"The id of tool call {place} is not text")
    return {
        "id": identifier,
        "type": "function",
        "function": {"name": name, "arguments": _arguments(function.get("arguments"), name)},
    }


def _arguments(text: Any, name: str) -> str:
    if text is None or text == "":
        return "{}"  # how some servers write a call without arguments
    if not isinstance(text, str):
        raise InputError("The arguments are not JSON text", which=name, why=f"they are {type(text).__name__}")
    value = parse_json(text, name=f"The text of the arguments of {name}", largest=LARGEST_ARGUMENTS)
    if not isinstance(value, dict):
        raise InputError("The arguments are not an object", which=name)
    return text


def usage_of(value: Any) -> Usage | None:
    """Returns the usage an answer tells, or None when it tells none that can be believed."""
    if not isinstance(value, Mapping):
        return None
    usage = cast("Mapping[str, Any]", value)
    details: Any = usage.get("prompt_tokens_details")
    cached: Any = cast("Mapping[str, Any]", details).get("cached_tokens") if isinstance(details, Mapping) else 0
    counts = token_counts(usage.get("prompt_tokens"), usage.get("completion_tokens"), cached or 0)
    if counts is None:
        return None
    prompt, completion, cached = counts
    return Usage(prompt, completion, min(cached, prompt))


def token_counts(*counts: Any) -> tuple[int, ...] | None:
    """Returns `counts` when every one of them can be believed."""
    believable = all(type(count) is int and 0 <= count <= MOST_TOKENS for count in counts)
    return cast("tuple[int, ...]", counts) if believable else None


def word(value: Any) -> str:
    """Returns a name a provider gave, or "" when it is none."""
    return value if isinstance(value, str) and len(value) <= LONGEST_WORD else ""
