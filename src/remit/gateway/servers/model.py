"""What every kind of server does with a call, and how a call ends that has no result.

ToolError                 the tool refused; nothing has happened
└── NotSentError          it was not even asked this time: busy, quarantined, not taken
    └── UnreachableError  as above, because its server is not there; it may be back in a moment
OutcomeUnknownError       it was asked, and nobody knows what became of it
UnusableResultError       it has happened, and its result cannot be passed on
"""

from collections.abc import Mapping
from typing import Any, Protocol

from remit.contracts import Tool
from remit.core import JsonValue
from remit.gateway.calls import ToolCall, ToolError


class NotSentError(ToolError):
    """This try has not reached the tool. It says nothing about a try before, made under the same key."""


class UnreachableError(NotSentError):
    """The tool's server cannot be reached now; nothing but waiting helps."""


class OutcomeUnknownError(Exception):
    """The tool was called and nobody knows what became of it."""


class UnusableResultError(Exception):
    """The tool was called, it has happened, and its result is nothing that can be passed on."""


class ToolServer(Protocol):
    """One server of a fleet, however it is reached."""

    async def call(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, seconds: float) -> JsonValue:
        """Returns what the tool returned. It MUST raise one of the errors above when it knows how the call ended.

        Anything else it raises, `TimeoutError` after `seconds` included, is told as an unknown outcome.
        """
        ...

    async def unavailable(self, tool: Tool) -> str:
        """Returns why a tool may not be used now, or nothing. It MUST NOT raise; being unreachable is no reason."""
        ...

    async def close(self) -> None:
        """Lets go of everything; calls under way end in an unknown outcome."""
        ...
