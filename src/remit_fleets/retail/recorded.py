"""Recorded conversations of real models with a shop's customers, made ready to be played again."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_FILE = Path("tau_retail") / "runs_gpt-4o-2024-11-20_toolcalling.jsonl.gz"
# A recording that ends with the transfer has no last word; the shop's written policy prescribes this one.
TRANSFERRED = "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON."

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One tool call of a recording: what was asked, and what the original shop said."""

    event: int
    """Its place among the events, by which labels name it."""
    tool: str
    """Without the server's name."""
    arguments: Mapping[str, Any]
    result: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recorded conversation: the request, what the model said and did, what the customer answered."""

    ticket: str
    """The recorded task and trial: `v1/test-0#0`."""
    task: str
    user_id: str
    reward: float
    """1.0 when the original conversation ended in the right state."""
    message: str
    answers: tuple[Message, ...]
    """The model's assistant messages in OpenAI chat form; the last one has no tool call."""
    replies: tuple[str, ...]
    """The customer's messages, in the order `customer__reply` returns them."""
    calls: tuple[RecordedCall, ...]
    labels: tuple[Mapping[str, Any], ...]
    """One judgement per write: `e` (event), `verdict`, `rules`, `refused`."""

    @property
    def task_input(self) -> dict[str, str]:
        """The input of the `retail-desk` task."""
        return {"ticket": self.ticket, "message": self.message}


def load_conversations(shared_data: Path) -> tuple[Conversation, ...]:
    """Reads every recorded conversation in the folder of shared data; without the recording there are none."""
    path = shared_data / _FILE
    if not path.exists():
        return ()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return tuple(conversation_of(json.loads(line)) for line in lines)


def conversation_of(run: Mapping[str, Any]) -> Conversation:
    """Returns one recorded run, ready to be played."""
    events = cast(Sequence[Mapping[str, Any]], run["events"])
    ticket = f"{run['task']}#{run['trial']}"
    last = max((place for place, event in enumerate(events) if event["t"] != "user"), default=0)
    return Conversation(
        ticket=ticket,
        task=run["task"],
        user_id=run["user_id"],
        reward=run["reward"],
        message=events[0]["text"],
        answers=tuple(_answers(events, ticket, last)),
        replies=tuple(event["text"] for event in events[1:last] if event["t"] == "user"),
        calls=tuple(
            RecordedCall(place, event["tool"], event["args"], event["result"])
            for place, event in enumerate(events)
            if event["t"] == "call"
        ),
        labels=tuple(run["labels"]),
    )


def _answers(events: Sequence[Mapping[str, Any]], ticket: str, last: int) -> list[Message]:
    answers: list[Message] = []
    for place, event in enumerate(events[: last + 1]):
        if event["t"] == "call":
            said = events[place - 1]["text"] if events[place - 1]["t"] == "agent" else None
            answers.append(_asking(place, f"shop__{event['tool']}", event["args"], said))
        elif event["t"] == "agent" and place == last:
            answers.append({"role": "assistant", "content": event["text"]})
        elif event["t"] == "agent" and events[place + 1]["t"] == "user":
            answers.append(_asking(place, "customer__reply", {"ticket": ticket, "text": event["text"]}))
    if events[last]["t"] == "call":
        answers.append({"role": "assistant", "content": TRANSFERRED})
    return answers


def _asking(place: int, tool: str, arguments: Mapping[str, Any], said: str | None = None) -> Message:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": said,
        "tool_calls": [{"id": f"call_{place}", "type": "function", "function": function}],
    }
