"""A request as it is sent: only fields and content whose cost has a bound, and never more answer than the route allows."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from remit.core import InputError, ModelRoute, canonical_bytes

# Newer models of OpenAI refuse the first name, other servers do not know the second.
LimitField = Literal["max_tokens", "max_completion_tokens"]
# Fields of a request that are passed on; others could multiply the cost or change the form of the answer.
PASSED_ON = ("messages", "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "seed", "stop",
    "response_format", "reasoning_effort")  # fmt: skip
# Fields of a message that are all there is to them; any other may name an image, a recording or a file kept elsewhere.
_MESSAGE = frozenset((
    "role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "reasoning", "reasoning_content",
))  # fmt: skip


def request_body(
    route: ModelRoute, request: Mapping[str, Any], limit_field: LimitField, *, include_usage: bool = True
) -> bytes:
    """Returns the chat-completions request to send to `route`; one whose cost has no bound is an `InputError`."""
    check_bounded(request)
    passed_on = {field: request[field] for field in PASSED_ON if field in request}
    limit = {limit_field: answer_tokens(route, request)}
    usage = {"stream_options": {"include_usage": True}} if route.stream and include_usage else {}
    return canonical_bytes({**passed_on, **limit, **usage, "model": route.model, "stream": route.stream})


def answer_tokens(route: ModelRoute, request: Mapping[str, Any]) -> int:
    """Returns how many tokens the answer may have: what the request asks for, within what the route allows."""
    asked = request.get("max_tokens")
    return route.max_tokens if asked is None else min(asked, route.max_tokens)


def check_bounded(request: Mapping[str, Any]) -> None:
    """Raises `InputError` when nobody could say before what the request costs at most."""
    asked = request.get("max_tokens")
    if asked is not None and (type(asked) is not int or asked < 1):
        raise InputError("max_tokens is not a whole number above 0", hint="Send one, or none")
    for place, message in enumerate(_list(request, "messages"), 1):
        if not _is_text(message):
            hint = "Send its text; what images, audio and files cost is not known before"
            raise InputError(f"Message {place} holds more than text", hint=hint)
    for place, tool in enumerate(_list(request, "tools"), 1):
        if not (isinstance(tool, Mapping) and cast("Mapping[str, Any]", tool).get("type", "function") == "function"):
            why = "What runs at the provider costs what it likes"
            raise InputError(f"Tool {place} is no function", why=why, hint='Send {"type": "function", …}')


def _list(request: Mapping[str, Any], field: str) -> list[Any]:
    value = request.get(field, [])
    if not isinstance(value, list):
        raise InputError(f"The request's {field} are not a list")
    return cast("list[Any]", value)


def _is_text(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    message = cast("Mapping[str, Any]", value)
    if any(held and field not in _MESSAGE for field, held in message.items()):
        return False
    content = message.get("content")
    if isinstance(content, list):
        return all(_is_text_part(part) for part in cast("list[Any]", content))
    return content is None or isinstance(content, str)


def _is_text_part(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    part = cast("Mapping[str, Any]", value)
    return set(part) == {"type", "text"} and part["type"] == "text" and isinstance(part["text"], str)
