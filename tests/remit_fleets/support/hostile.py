"""A model that does the worst it can: it plays, for one ticket, what a test has written for it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from remit_fleets.support.simulated import answer as honest
from remit_fleets.support.simulated.asked import Asked, read_request

Part = Callable[[Asked], Mapping[str, Any] | None]
PARTS: list[Part] = []
"""What the model answers now; the first part that says something is heard, else the simulated model."""


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the next message."""
    asked = read_request(request)
    for part in PARTS:
        if said := part(asked):
            if "tool_calls" in said:
                return {"role": "assistant", "content": None, **said}
            return {"role": "assistant", "content": json.dumps({"why": "so", "confidence": 1, **said})}
    return honest(request)


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Returns a message that calls a function."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"tool_calls": [{"id": "call", "type": "function", "function": function}]}
