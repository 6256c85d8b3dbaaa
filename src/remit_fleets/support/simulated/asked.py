"""What the simulated model was sent, read out of a chat-completions request: nothing else reaches its rules."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for an answer."""

    agent: str
    """Whom the system prompt says it is, as an agent's name."""
    input: Fields
    results: Mapping[str, Any]
    """What the steps before gave, by number."""
    complaints: tuple[str, ...]
    """Why its answers so far could not stand."""
    called: tuple[str, ...]
    """The functions it has called in this conversation."""
    offered: frozenset[str]

    @property
    def ticket(self) -> str:
        """The ticket's number."""
        return str(self.input.get("ticket", ""))

    @property
    def text(self) -> str:
        """All that the customer wrote."""
        return f"{self.input.get('subject', '')}\n{self.input.get('body', '')}"

    def result(self, step: int) -> Fields:
        """Returns the fields a step gave, none when it was skipped."""
        found = self.results.get(str(step))
        return cast("Fields", found) if isinstance(found, Mapping) else {}


def read_request(request: Fields) -> Asked:
    """Returns what the request asks."""
    messages: list[Fields] = request["messages"]
    system = "\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    users = [str(message["content"]) for message in messages if message["role"] == "user"]
    told = _object(users[0] if users else "")
    given = cast("Fields", told["input"] if "results" in told else told)
    heading = _HEADING.search(system)
    return Asked(
        agent=heading[1].strip().lower().replace(" ", "-") if heading else "",
        input=given,
        results=told.get("results", {}),
        complaints=tuple(users[1:]),
        called=tuple(_called(messages)),
        offered=frozenset(tool["function"]["name"] for tool in request.get("tools") or ()),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _called(messages: list[Fields]) -> Iterator[str]:
    for message in messages:
        for call in message.get("tool_calls") or ():
            yield call["function"]["name"]
