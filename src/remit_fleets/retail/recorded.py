"""Recorded conversations of real models with a shop's customers, made ready to be played again."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

GPT_4O = "gpt-4o-2024-11-20"
HAIKU_45 = "claude-haiku-4-5-20251001"
RECORDINGS = {
    GPT_4O: "runs_gpt-4o-2024-11-20_toolcalling.jsonl.gz",
    HAIKU_45: "runs_haiku45_mcp_base_facts.jsonl.gz",
}
"""The file of each recorded model in `tau_retail`."""
# A recording that ends with the transfer has no last word; the shop's written policy prescribes this one.
TRANSFERRED = "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON."
# Of some conversations only the facts were kept: which tools were called, and with what.
NOT_RECORDED = "(not recorded)"

Message = dict[str, Any]
Events = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One tool call of a recording: what was asked, and what the original shop said."""

    event: int
    """Its place among the events, by which labels name it."""
    tool: str
    """Without the server's name."""
    arguments: Mapping[str, Any]
    result: str | None
    """None where only facts were recorded."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One recorded conversation: the request, what the model said and did, what the customer answered."""

    model: str
    ticket: str
    """The recorded task and trial: `v1/test-0#0`."""
    task: str
    user_id: str | None
    """Whose task it was; None where it was not recorded."""
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


def load_conversations(shared_data: Path, model: str = GPT_4O) -> tuple[Conversation, ...]:
    """Reads every recorded conversation of `model` in the folder of shared data; without the recording there are none."""
    path = shared_data / "tau_retail" / RECORDINGS[model]
    if not path.exists():
        return ()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return tuple(conversation_of(json.loads(line)) for line in lines)


def conversation_of(run: Mapping[str, Any]) -> Conversation:
    """Returns one recorded run, ready to be played: the task's input, the model's answers, the customer's replies.

    Where only facts were recorded, the calls are the recorded ones and every text is `NOT_RECORDED`; such a run had
    its whole request at the start and no conversation.
    """
    events = cast(Events, run["events"])
    ticket = f"{run['task']}#{run['trial']}"
    facts_only = bool(run.get("facts_only"))
    last = max((place for place, event in enumerate(events) if event["t"] != "user"), default=0)
    return Conversation(
        model=run["model"],
        ticket=ticket,
        task=run["task"],
        user_id=run["user_id"],
        reward=run["reward"],
        message=NOT_RECORDED if facts_only else events[0]["text"],
        answers=tuple(_answers_of_facts(events) if facts_only else _answers(events, ticket, last)),
        replies=tuple(event["text"] for event in events[1:last] if event["t"] == "user"),
        calls=tuple(
            RecordedCall(place, event["tool"], event["args"], event.get("result"))
            for place, event in enumerate(events)
            if event["t"] == "call"
        ),
        labels=tuple(run["labels"]),
    )


def _answers(events: Events, ticket: str, last: int) -> list[Message]:
    answers: list[Message] = []
    for place, event in enumerate(events[: last + 1]):
        if event["t"] == "call":
            said = events[place - 1]["text"] if events[place - 1]["t"] == "agent" else None
            answers.append(_asking(said, _call(place, f"shop__{event['tool']}", event["args"])))
        elif event["t"] == "agent" and place == last:
            answers.append(_last_word(event["text"]))
        elif event["t"] == "agent" and events[place + 1]["t"] == "user":
            answers.append(_asking(None, _call(place, "customer__reply", {"ticket": ticket, "text": event["text"]})))
    if events[last]["t"] == "call":
        answers.append(_last_word(TRANSFERRED))
    return answers


def _answers_of_facts(events: Events) -> list[Message]:
    """Each answer names its calls, several at a time as they were; the last one names none."""
    calls: dict[str, list[Message]] = {event["id"]: [] for event in events if event["t"] == "llm"}
    for place, event in enumerate(events):
        if event["t"] == "call":
            calls[event["llm"]].append(_call(place, f"shop__{event['tool']}", event["args"]))
    return [*(_asking(None, *asked) for asked in calls.values() if asked), _last_word(NOT_RECORDED)]


def _asking(said: str | None, *calls: Message) -> Message:
    return {"role": "assistant", "content": said, "tool_calls": list(calls)}


def _call(place: int, tool: str, arguments: Mapping[str, Any]) -> Message:
    return {
        "id": f"call_{place}",
        "type": "function",
        "function": {"name": tool, "arguments": json.dumps(arguments)},
    }


def _last_word(text: str) -> Message:
    return {"role": "assistant", "content": text}
