"""What a tool's code is handed, and how it refuses. Fleets import both from `remit.gateway`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

# A name or a reason is there to be recognised; a longer one is a report.
LONGEST_TEXT = 1_000
# One try and two more, all under one key: a tool that fails three times in a row is broken, not unlucky.
TRIES = 3
# Under this name in `_meta` an MCP server is told what an in-process tool is told by its `ToolCall`.
CALL_META = "dev.remit/call"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """Who calls a tool, for whom, and under which key."""

    key: str
    """The idempotency key `<run>:<step>`: the same for every try of one action, whatever attempt makes it."""
    task: str
    run: str
    step: int
    agent: str
    on_behalf_of: str
    fences: Mapping[str, int] = field(default_factory=dict[str, int])
    """Lock → fencing number; a resource refuses a number lower than the highest it has seen."""


Before = Callable[[], Awaitable[None]]
"""Asked right before a call leaves this process, each time it does; what it raises keeps the call from leaving."""


class OvertakenError(Exception):
    """A call that was permitted is not sent: another attempt of its run goes on by now."""


class ToolError(Exception):
    """The tool itself refused, in words for the agent; nothing has happened."""


def plain(text: str) -> str:
    """Returns what log and journal can take of a text from outside: short, and UTF-8."""
    return text[:LONGEST_TEXT].encode(errors="replace").decode()
