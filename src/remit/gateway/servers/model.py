"""What every kind of server does with a call, and how a call ends that has no result.

ToolError                 the tool refused; nothing has happened
└── NotSentError          it was not even asked this time: busy, quarantined, not taken
    └── UnreachableError  as above, because its server is not there; it may be back in a moment
OutcomeUnknownError       it was asked, and nobody knows what became of it
└── BrokenOffError        as above, because no answer came: its server, or the way to it, is not there any more
UnusableResultError       it has happened, and its result cannot be passed on
"""

from collections.abc import Mapping
from typing import Any, Protocol

from remit.contracts import Tool
from remit.core import JsonValue
from remit.gateway.calls import Before, ToolCall, ToolError


class NotSentError(ToolError):
    """This try has not reached the tool. It says nothing about a try before, made under the same key."""


class UnreachableError(NotSentError):
    """The tool's server cannot be reached now; nothing but waiting helps."""


class OutcomeUnknownError(Exception):
    """The tool was called and nobody knows what became of it."""


class BrokenOffError(OutcomeUnknownError):
    """No answer came, or one of a proxy instead of the server's."""


class UnusableResultError(Exception):
    """The tool was called, it has happened, and its result is nothing that can be passed on."""


class ToolServer(Protocol):
    """One server of a fleet, however it is reached."""

    async def call(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], *, before: Before | None = None, seconds: float
    ) -> JsonValue:
        """Returns what the tool returned. It MUST raise one of the errors above when it knows how the call ended.

        It MUST await `before` when all is ready, right before the call leaves, each time it does, and raise what that raises.

        Anything else it raises, `TimeoutError` after `seconds` included, is told as an unknown outcome.
        """
        ...

    @property
    def is_reached(self) -> bool:
        """Whether calls can be sent without reaching for it first."""
        ...

    async def reach(self) -> None:
        """Makes the connection, if there is none; raises `NotSentError` when it cannot."""
        ...

    async def unavailable(self, tool: Tool) -> str:
        """Returns why a tool may not be used now, or nothing. It MUST NOT raise; being unreachable is no reason."""
        ...

    async def close(self) -> None:
        """Lets go of everything; calls under way end in an unknown outcome."""
        ...
