"""What an MCP server answered, as the gateway speaks of it."""

from mcp import MCPError
from mcp.types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    UNSUPPORTED_PROTOCOL_VERSION,
    URL_ELICITATION_REQUIRED,
    CallToolResult,
    InputRequiredResult,
    TextContent,
)

from remit.core import InputError, JsonValue, parse_json
from remit.gateway.calls import ToolError
from remit.gateway.servers.http import fate
from remit.gateway.servers.model import (
    BrokenOffError,
    NotSentError,
    OutcomeUnknownError,
    UnreachableError,
    UnusableResultError,
)

# Errors by which the protocol says that the request was not carried out. Any other leaves that open.
_NOT_DONE = frozenset(
    (
        METHOD_NOT_FOUND,
        INVALID_PARAMS,
        HEADER_MISMATCH,
        MISSING_REQUIRED_CLIENT_CAPABILITY,
        UNSUPPORTED_PROTOCOL_VERSION,
        URL_ELICITATION_REQUIRED,
    )
)


class SessionEndedError(NotSentError):
    """The server has forgotten the session; a new one may ask again."""


def value_of(answer: CallToolResult | InputRequiredResult) -> JsonValue:
    """Returns what the tool returned; that it refused is a `ToolError`."""
    if isinstance(answer, InputRequiredResult):
        raise ToolError("it asks its caller for more, and nobody here can answer it")
    if answer.is_error:
        raise ToolError(_text(answer) or "it refused, and did not say why")
    if answer.result_type != "complete":
        raise OutcomeUnknownError(f"its result is of the kind {answer.result_type!r}")
    if "structured_content" in answer.model_fields_set:
        return answer.structured_content
    others = sorted({block.type for block in answer.content if not isinstance(block, TextContent)})
    if others:
        raise UnusableResultError(f"it happened, but the result holds what cannot be passed on: {', '.join(others)}")
    return _parsed(_text(answer)) if len(answer.content) == 1 else _text(answer) or None


def refusal_of(server: str, error: MCPError) -> Exception:
    """Returns what a JSON-RPC error means for the call it answers."""
    match fate(error.data):
        case "unsent":
            return NotSentError(f"the server {server} {error.message}")
        case "unreached":
            return UnreachableError(f"the server {server} {error.message}")
        case "session ended":
            return SessionEndedError(f"the server {server} {error.message}")
        case "unknown":
            return BrokenOffError(f"the server {server} {error.message}")
        case None if error.code in _NOT_DONE:
            return NotSentError(f"the server {server} did not take the call: {error.message}")
        case None:
            return OutcomeUnknownError(f"the server {server} answered with an error: {error.message}")


def _text(answer: CallToolResult) -> str:
    return "\n".join(block.text for block in answer.content if isinstance(block, TextContent))


def _parsed(text: str) -> JsonValue:
    """Returns the object or list a text holds; any other text is itself the result, `12` and `true` included."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return parse_json(text, name="The result", largest=len(text.encode(errors="replace")))
    except InputError:
        return text
