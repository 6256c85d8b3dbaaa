"""Where tools live: in this process, or behind an MCP server.

`mcp` itself is imported only when a fleet has such a server: it takes a third of a second and 20 MB, and hardly any
command of the command line needs it.
"""

from remit.gateway.servers.functions import FunctionServer
from remit.gateway.servers.model import (
    BrokenOffError,
    NotSentError,
    OutcomeUnknownError,
    ToolServer,
    UnreachableError,
    UnusableResultError,
)

__all__ = [
    "BrokenOffError",
    "FunctionServer",
    "NotSentError",
    "OutcomeUnknownError",
    "ToolServer",
    "UnreachableError",
    "UnusableResultError",
]
