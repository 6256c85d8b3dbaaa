"""Which wire format a route speaks."""

from collections.abc import Mapping
from typing import Any

from remit.core import ModelRoute
from remit.gateway.providers.anthropic import AnthropicMessages
from remit.gateway.providers.anthropic_messages import messages_body
from remit.gateway.providers.dialect import Dialect
from remit.gateway.providers.openai_chat import OpenAIChat
from remit.gateway.providers.request import request_body


def dialect_of(route: ModelRoute) -> Dialect:
    """Returns the format of a live route."""
    return AnthropicMessages(route) if route.kind == "anthropic" else OpenAIChat(route)


def longest_body(route: ModelRoute, request: Mapping[str, Any]) -> bytes:
    """Returns the longest form in which `request` may be sent; what cannot be sent to `route` is an `InputError`."""
    if route.kind == "anthropic":
        return messages_body(route, request)
    return request_body(route, request, "max_completion_tokens")
